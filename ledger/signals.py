"""Write and read the two signal files.

Part of the fast lane: a touch imports this. What a file holds is the business
of `ledger.encode` and `ledger.decode`.

A signal is replaced by rename, so that a reader sees the old content or the new
and nothing between. Where that is not possible (the directory may not be written,
the file is a mount of its own) it is overwritten in place.
"""

import errno
import os
import stat

from ledger import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ledger.state import State

# What creating or renaming the temporary file may fail with where writing in
# place is still worth trying. A full disk is not among them: the old content
# is better than half of the new.
_IN_PLACE = frozenset(
    (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV, errno.ENAMETOOLONG)
)


def write(path: str, content: bytes) -> None:
    """Make `path` hold `content`, with the directories that it lacks.

    The last directories are made with 0755 and the file with 0644, less the umask;
    an existing file keeps its mode and its owner, and a link keeps pointing where
    it did. Never blocks on a FIFO.

    Raises OSError; then the old content is still there.
    """
    try:
        existing = _look_at(path, os.O_NOFOLLOW, content)
        if existing is None:
            _make_directories(os.path.dirname(path))
    except OSError as error:
        if error.errno != errno.ELOOP:
            _make_directories(os.path.dirname(path))  # as far as they can be made
            raise
        path = os.path.realpath(path)
        existing = _look_at(path, 0, content)
    if existing is not None and not stat.S_ISREG(existing.st_mode):
        return
    try:
        _replace(path, content, existing)
    except OSError as error:
        too_long = error.errno == errno.ENAMETOOLONG  # the temporary name, that is
        if error.errno not in _IN_PLACE or (existing is None and not too_long):
            raise
        _overwrite(path, content)


def _look_at(path: str, flags: int, content: bytes) -> "os.stat_result | None":
    """Return the status of the file at `path`, None for none; a device gets `content` at once.

    Raises OSError for what may not be written. The file is closed before it is replaced:
    a file that is unlinked while open costs the disk twice the work.
    """
    try:
        file = _open_for_writing(path, flags)
    except FileNotFoundError:
        return None
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            os.write(file, content)
        return status
    finally:
        os.close(file)


def _open_for_writing(path: str, flags: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | flags, 0o644)


def _replace(path: str, content: bytes, existing: "os.stat_result | None") -> None:
    directory, _, name = path.rpartition("/")
    temporary = f"{directory}/.{name}.{os.urandom(8).hex()}.tmp"
    try:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            if existing is not None:
                _inherit(file, existing)
            if os.write(file, content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        finally:
            os.close(file)
        os.rename(temporary, path)
    except BaseException:
        _discard(temporary)
        raise


def _discard(temporary: str) -> None:
    """Remove a temporary file, if it came to be and was not renamed yet."""
    try:
        os.unlink(temporary)
    except OSError:
        pass


def _inherit(file: int, existing: os.stat_result) -> None:
    """Give `file` the owner and the mode of the file that it is about to replace."""
    made = os.fstat(file)
    if (made.st_uid, made.st_gid) != (existing.st_uid, existing.st_gid):
        os.fchown(file, existing.st_uid, existing.st_gid)
    if made.st_mode != existing.st_mode:
        os.fchmod(file, existing.st_mode & 0o7777)


def _overwrite(path: str, content: bytes) -> None:
    """Overwrite in place, so that a reader in between still sees valid JSON.

    What is left of longer old content is blanked by the same write, then cut off.
    """
    file = _open_for_writing(path, os.O_CREAT)
    try:
        padded = content.ljust(os.fstat(file).st_size)
        if os.write(file, padded) != len(padded):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        if len(padded) > len(content):
            os.ftruncate(file, len(content))
    finally:
        os.close(file)


def _make_directories(directory: str) -> None:
    """Make `directory` and its missing ancestors, all with 0755 (Go's os.MkdirAll)."""
    missing = []
    while directory:
        try:
            status = os.stat(directory)
        except OSError:
            missing.append(directory)
            directory = os.path.dirname(directory)
            continue
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), directory)
        break
    for one in reversed(missing):
        try:
            os.mkdir(one, 0o755)
        except FileExistsError:
            # Made by somebody else since, or a link that leads nowhere.
            if not os.path.isdir(one):
                raise


def read(root: str) -> "State | None":
    """Return what the signal of the workspace `root` says, or None (Go's Read).

    None is for a missing file, one that may not be read, one that is not a regular
    file, and content that `ledger.decode_state` refuses. Never blocks, never raises.
    """
    try:
        return read_file(paths.workspace_signal(root))
    except ValueError:
        return None


def read_town_activity() -> "State | None":
    """Return what the signal of the environment's town says, or None (Go's ReadTownActivity).

    None as for `read`, and when neither ``GT_TOWN_ROOT`` nor ``HOME`` is set.
    """
    town = paths.default_town()
    try:
        return None if town is None else read_file(paths.town_signal(town))
    except ValueError:
        return None


def read_file(path: str) -> "State | None":
    """Return what the signal at `path` says, or None, as `read` does."""
    from ledger.decode import decode_state

    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return None
        chunks = []
        while chunk := os.read(file, 1 << 20):
            chunks.append(chunk)
    except OSError:
        return None
    finally:
        os.close(file)
    return decode_state(b"".join(chunks))
