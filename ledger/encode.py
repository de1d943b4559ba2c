"""Write a signal's content, byte for byte as Go's encoding/json does (1.24 to 1.26).

Part of the fast lane: a touch imports this.

A command is bytes to Go. Here it is text as `os.fsdecode` gives it: a byte that is
not part of valid UTF-8 is a surrogate escape, U+DC80 to U+DCFF.
"""

from ledger.gotime import format_instant

# Every ASCII character is in the table, also those that stay as they are:
# str.translate takes twice as long over a character that it looks up in vain.
_ESCAPES: dict[int, int | str] = {code: code for code in range(128)}
_ESCAPES |= {code: f"\\u{code:04x}" for code in (*range(32), *b"<>&", 0x2028, 0x2029)}
_ESCAPES |= {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
_ESCAPES |= dict.fromkeys(range(0xDC80, 0xDD00), "\\ufffd")

_REPLACEMENTS = dict.fromkeys(range(0xDC80, 0xDD00), "\ufffd")


def encode_state(command: str, timestamp_ns: int) -> bytes:
    r"""Return what a signal holds after `command` at `timestamp_ns` (Go's json.Marshal of State).

    `timestamp_ns` is in nanoseconds since the epoch. Each byte of the command that is
    not part of valid UTF-8 is written as the six characters ``\ufffd``.

    Raises ValueError outside the years 0000 to 9999.
    """
    escaped = _mark_offending_bytes(command).translate(_ESCAPES)
    timestamp = format_instant(timestamp_ns)
    return f'{{"last_command":"{escaped}","timestamp":"{timestamp}"}}'.encode()


def as_read_back(command: str) -> str:
    """Return `command` as Go would read it back from the file that `encode_state` writes.

    Each byte that is not part of valid UTF-8 is U+FFFD, so the result holds no
    surrogate. Valid text is returned as it is.
    """
    marked = _mark_offending_bytes(command)
    return marked if marked is command else marked.translate(_REPLACEMENTS)


def _mark_offending_bytes(command: str) -> str:
    """Return `command` with one surrogate escape for each offending byte, no other surrogate.

    Escapes that together form valid UTF-8 become the character that they form.
    """
    if command.isascii():
        return command
    try:
        command.encode()
    except UnicodeEncodeError:
        return _to_bytes(command).decode("utf-8", "surrogateescape")
    return command


def _to_bytes(command: str) -> bytes:
    """Return the bytes that `command` stands for.

    A surrogate that is no escape stands for the three bytes that generalised UTF-8
    has for it.
    """
    try:
        return command.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b"".join(
            character.encode(
                "utf-8", "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"
            )
            for character in command
        )
