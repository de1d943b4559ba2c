"""The spool: where a touch waits that the ledger could not take.

Part of the fast lane: a touch imports this.

One file a touch, maildir-fashion. It is written under a name that begins with a
dot, then renamed; a crash before the rename leaves a dot file and no touch. The
drain (`ledger.store.drain`) inserts what it finds under the touch's own key,
ignores the keys that the ledger has already, and unlinks after the commit: a crash
before the commit leaves the file, one after it leaves a file whose key is known.

A file's name is its instant and its key, so that names sort by time. Its content is
a format mark and the touch's fields, parted by NUL; the command comes last, since
it alone may hold one.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ledger.store import Touch

_FORMAT = "touch1"
_INT64_MAX = (1 << 63) - 1

LOST = ".lost"  # the file of `note_loss`
DAMAGED = ".damaged-"  # before the name of a file that `get` could not read


def put(spool: str, touch: "Touch") -> None:
    """Let `touch` wait in the directory `spool`, which is made when missing.

    Raises OSError.
    """
    key = int.from_bytes(os.urandom(8), "big") >> 1
    name = f"{touch[0]:020d}-{key:016x}"
    content = "\0".join((_FORMAT, *map(str, touch))).encode("utf-8", "replace")
    temporary = f"{spool}/.{name}"
    try:
        try:
            file = _create(temporary)
        except FileNotFoundError:
            _make(spool)
            file = _create(temporary)
        try:
            if os.write(file, content) != len(content):
                raise OSError("no room for the touch")
        finally:
            os.close(file)
        os.rename(temporary, f"{spool}/{name}")
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:  # it did not come to be, or has its name already
            pass
        raise


def _make(spool: str) -> None:
    home = os.path.dirname(spool)
    if not os.path.isdir(home):
        os.makedirs(home, 0o700, exist_ok=True)
        os.chmod(home, 0o700)  # whatever the umask
    try:
        os.mkdir(spool, 0o700)
    except FileExistsError:
        return
    os.chmod(spool, 0o700)
    _append(f"{spool}/{LOST}", "# lost touches: instant in ns, reason\n")


def _create(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def names(spool: str) -> list[str]:
    """Return the names of the touches that wait, oldest first; of no spool, none.

    Raises OSError where the spool can't be read.
    """
    try:
        return sorted(name for name in os.listdir(spool) if name[0] != ".")
    except FileNotFoundError:
        return []


def get(spool: str, name: str) -> "tuple[int, Touch]":
    """Return the key and the touch of one that waits.

    Raises FileNotFoundError when another drain took it, ValueError when the file is
    not one of ours or is damaged (a power cut may leave it empty), OSError.
    """
    file = os.open(f"{spool}/{name}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        content = b""
        while chunk := os.read(file, 1 << 20):
            content += chunk
    finally:
        os.close(file)
    mark, at_ns, host, town, workspace, actor, command = content.decode().split("\0", 6)
    key = int(name.rpartition("-")[2], 16)
    if mark != _FORMAT or not (0 <= key <= _INT64_MAX and abs(int(at_ns)) <= _INT64_MAX):
        raise ValueError("not a touch of this version's")
    return key, (int(at_ns), host, town, workspace, actor, command)


def set_aside(spool: str, name: str) -> None:
    """Move a damaged file out of the drain's way; it stays for a person to look at.

    Raises OSError.
    """
    os.rename(f"{spool}/{name}", f"{spool}/{DAMAGED}{name}")


def note_loss(spool: str, at_ns: int, reason: str) -> None:
    """Note that a touch was lost, where even that much can be written.

    A line a touch, appended to a file that was made with the spool: a full disk
    often has room in a block that is taken already.

    Raises OSError.
    """
    _append(f"{spool}/{LOST}", f"{at_ns} {reason}\n")


def _append(path: str, line: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, line.encode("utf-8", "replace"))
    finally:
        os.close(file)
