"""The ledger's schema, step by step: frozen history that imports nothing of ``ledger``.

``sqlite-utils migrate FILE migrations/`` applies it as well as the program does.
A step that has been released is never edited; a new one is added below it, and
``user_version`` grows by one, which is how a touch knows the schema it may write.
"""

from sqlite_utils import Database, Migrations

migrations = Migrations("keepalive")

# "KEEP" in ASCII, in the file's header: how `file`, Datasette and we know a ledger.
APPLICATION_ID = 0x4B454550

TABLES = """
-- A distinct place and actor; '' stands for absent.
CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  host TEXT NOT NULL,       -- name of the machine
  town TEXT NOT NULL,       -- root directory whose activity.json the touches wrote
  workspace TEXT NOT NULL,  -- root directory whose keepalive.json the touches wrote
  actor TEXT NOT NULL,      -- who acted
  UNIQUE (host, town, workspace, actor)
);

-- Where touches came from that were not written here as they happened.
CREATE TABLE sources (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,       -- 'spool' or 'import'
  name TEXT NOT NULL,       -- of an import: the file's path, or the name it was given
  added_at TEXT NOT NULL,   -- ISO 8601, UTC
  UNIQUE (kind, name)
);

-- One command's sign of life.
CREATE TABLE touches (
  id INTEGER PRIMARY KEY,
  stream_id INTEGER NOT NULL REFERENCES streams (id),
  -- nanoseconds since the Unix epoch, UTC
  at_ns INTEGER NOT NULL CHECK (typeof(at_ns) = 'integer'),
  -- with its arguments, redacted
  command TEXT NOT NULL CHECK (typeof(command) = 'text'),
  source_id INTEGER REFERENCES sources (id),  -- NULL: written as it happened
  source_row INTEGER        -- the touch's key in a source that may be read again
);
CREATE INDEX touches_at_ns ON touches (at_ns, stream_id);
-- Partial, so that the touches without a key (nearly all) take no room in it.
CREATE UNIQUE INDEX touches_source_row ON touches (source_id, source_row)
  WHERE source_row IS NOT NULL;

-- Active periods: the longest runs of a stream's touches in which no gap
-- reaches 60 s. Kept by the triggers below, never written by hand.
CREATE TABLE periods (
  stream_id INTEGER NOT NULL REFERENCES streams (id),
  started_ns INTEGER NOT NULL,  -- its first touch
  ended_ns INTEGER NOT NULL,    -- its last touch
  touches INTEGER NOT NULL,     -- how many
  PRIMARY KEY (stream_id, started_ns)
) WITHOUT ROWID;

-- One row, which identifies this ledger when ledgers meet.
CREATE TABLE ledger_info (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  ledger_id TEXT NOT NULL,      -- random, made once
  created_at TEXT NOT NULL      -- ISO 8601, UTC
);
"""

# The touch joins the period that it falls into or follows by less than 60 s, or
# begins one; then a period that begins less than 60 s later is joined to it.
PERIODS_AFTER_INSERT = """
CREATE TRIGGER periods_after_insert AFTER INSERT ON touches BEGIN
  INSERT INTO periods (stream_id, started_ns, ended_ns, touches)
  VALUES (
    NEW.stream_id,
    coalesce(
      (SELECT started_ns FROM (
         SELECT started_ns, ended_ns FROM periods
         WHERE stream_id = NEW.stream_id AND started_ns <= NEW.at_ns
         ORDER BY started_ns DESC LIMIT 1)
       WHERE NEW.at_ns - ended_ns < 60000000000),
      NEW.at_ns),
    NEW.at_ns,
    1)
  ON CONFLICT (stream_id, started_ns) DO UPDATE
  SET ended_ns = max(ended_ns, excluded.ended_ns), touches = touches + 1;

  UPDATE periods
  SET
    ended_ns = (
      SELECT later.ended_ns FROM periods AS later
      WHERE later.stream_id = NEW.stream_id AND later.started_ns > NEW.at_ns
      ORDER BY later.started_ns LIMIT 1),
    touches = touches + (
      SELECT later.touches FROM periods AS later
      WHERE later.stream_id = NEW.stream_id AND later.started_ns > NEW.at_ns
      ORDER BY later.started_ns LIMIT 1)
  WHERE stream_id = NEW.stream_id
    AND started_ns = CASE WHEN EXISTS (
      SELECT 1 FROM periods AS later
      WHERE later.stream_id = NEW.stream_id
        AND later.started_ns > NEW.at_ns AND later.started_ns < NEW.at_ns + 60000000000)
    THEN (
      SELECT started_ns FROM periods
      WHERE stream_id = NEW.stream_id AND started_ns <= NEW.at_ns
      ORDER BY started_ns DESC LIMIT 1) END;

  DELETE FROM periods
  WHERE stream_id = NEW.stream_id
    AND started_ns > NEW.at_ns AND started_ns < NEW.at_ns + 60000000000;
END;
"""

# The touch is gone already. Its period falls into the part before it and the part
# after it where these are 60 s or more apart, and either part may be empty. The
# part after becomes a period first; then the old one shrinks to the part before.
PERIODS_AFTER_DELETE = """
CREATE TRIGGER periods_after_delete AFTER DELETE ON touches BEGIN
  INSERT INTO periods (stream_id, started_ns, ended_ns, touches)
  SELECT
    OLD.stream_id, next_ns, ended_ns,
    CASE WHEN previous_ns IS NULL THEN touches - 1 ELSE (
      SELECT count(*) FROM touches AS t
      WHERE t.at_ns BETWEEN next_ns AND ended_ns AND t.stream_id = OLD.stream_id) END
  FROM (
    SELECT
      ended_ns, touches,
      (SELECT t.at_ns FROM touches AS t
       WHERE t.at_ns BETWEEN started_ns AND OLD.at_ns AND t.stream_id = OLD.stream_id
       ORDER BY t.at_ns DESC LIMIT 1) AS previous_ns,
      (SELECT t.at_ns FROM touches AS t
       WHERE t.at_ns BETWEEN OLD.at_ns AND ended_ns AND t.stream_id = OLD.stream_id
       ORDER BY t.at_ns LIMIT 1) AS next_ns
    FROM periods
    WHERE stream_id = OLD.stream_id AND started_ns <= OLD.at_ns
    ORDER BY started_ns DESC LIMIT 1)
  WHERE next_ns IS NOT NULL
    AND (previous_ns IS NULL OR next_ns - previous_ns >= 60000000000);

  DELETE FROM periods
  WHERE stream_id = OLD.stream_id
    AND started_ns = (
      SELECT started_ns FROM periods
      WHERE stream_id = OLD.stream_id AND started_ns <= OLD.at_ns
      ORDER BY started_ns DESC LIMIT 1)
    AND NOT EXISTS (
      SELECT 1 FROM touches AS t
      WHERE t.at_ns BETWEEN started_ns AND OLD.at_ns AND t.stream_id = OLD.stream_id);

  UPDATE periods
  SET
    touches = touches - 1 - coalesce((
      SELECT later.touches FROM periods AS later
      WHERE later.stream_id = OLD.stream_id
        AND later.started_ns > OLD.at_ns AND later.ended_ns = periods.ended_ns), 0),
    ended_ns = CASE
      WHEN EXISTS (
        SELECT 1 FROM touches AS t
        WHERE t.at_ns BETWEEN OLD.at_ns AND periods.ended_ns AND t.stream_id = OLD.stream_id)
        AND NOT EXISTS (
          SELECT 1 FROM periods AS later
          WHERE later.stream_id = OLD.stream_id
            AND later.started_ns > OLD.at_ns AND later.ended_ns = periods.ended_ns)
      THEN ended_ns
      ELSE (
        SELECT t.at_ns FROM touches AS t
        WHERE t.at_ns BETWEEN started_ns AND OLD.at_ns AND t.stream_id = OLD.stream_id
        ORDER BY t.at_ns DESC LIMIT 1) END
  WHERE stream_id = OLD.stream_id
    AND started_ns = (
      SELECT started_ns FROM periods
      WHERE stream_id = OLD.stream_id AND started_ns <= OLD.at_ns
      ORDER BY started_ns DESC LIMIT 1)
    AND ended_ns >= OLD.at_ns;
END;
"""

# A touch is an observation: it may be deleted, not moved, and not replaced (REPLACE
# deletes without a delete trigger). Its command may be redacted later.
TOUCHES_STAY = """
CREATE TRIGGER touches_stay
BEFORE UPDATE OF id, stream_id, at_ns, source_id, source_row ON touches BEGIN
  SELECT RAISE(ABORT, 'a touch keeps its stream and its instant: delete it and insert another');
END;
"""
TOUCHES_ARE_NEW = """
CREATE TRIGGER touches_are_new BEFORE INSERT ON touches
-- An id that was not given is -1 here: the common case, and the quickest to tell.
WHEN (NEW.id <> -1 AND EXISTS (SELECT 1 FROM touches WHERE id = NEW.id))
  OR (NEW.source_row IS NOT NULL AND EXISTS (
    SELECT 1 FROM touches WHERE source_id = NEW.source_id AND source_row = NEW.source_row))
BEGIN
  SELECT RAISE(ABORT, 'there is this touch already: delete it and insert another');
END;
"""

# What people browse. The text of an instant is the signals' own: RFC 3339 in UTC,
# the fraction without trailing zeros; sort by at_ns.
HISTORY = """
CREATE VIEW history AS
SELECT
  touches.id,
  strftime('%Y-%m-%dT%H:%M:%S', (at_ns - fraction_ns) / 1000000000, 'unixepoch')
    || CASE fraction_ns WHEN 0 THEN '' ELSE '.' || rtrim(printf('%09d', fraction_ns), '0') END
    || 'Z' AS at,
  streams.actor,
  streams.workspace,
  streams.town,
  streams.host,
  touches.command,
  touches.at_ns,
  touches.stream_id
FROM (
  SELECT *, (at_ns % 1000000000 + 1000000000) % 1000000000 AS fraction_ns FROM touches
) AS touches
JOIN streams ON streams.id = touches.stream_id;
"""

LEDGER_INFO = """
INSERT INTO ledger_info
VALUES (1, lower(hex(randomblob(16))), strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
"""


@migrations()
def m001_create_ledger(db: Database) -> None:
    """Create streams, touches, periods and their triggers, sources, ledger_info, history."""
    for statement in (
        *TABLES.split(";\n"),
        PERIODS_AFTER_INSERT,
        PERIODS_AFTER_DELETE,
        TOUCHES_STAY,
        TOUCHES_ARE_NEW,
        HISTORY,
        # Touches that waited in the spool: the one source that is always there.
        "INSERT INTO sources VALUES (1, 'spool', '', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
        LEDGER_INFO,
        f"PRAGMA application_id = {APPLICATION_ID}",
        "PRAGMA user_version = 1",
    ):
        db.execute(statement)
