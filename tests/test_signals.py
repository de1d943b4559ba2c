"""The signal files: where they are, their modes, and what stands in the way."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import NOBODY, in_child, snapshot

import ledger
from ledger import signals


@pytest.fixture
def root() -> Iterator[Path]:
    """A workspace that an ordinary user owns."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        root = Path(name).resolve() / "ws"
        root.mkdir()
        own(root)
        yield root
        for directory, names, _ in os.walk(name):
            for one in names:
                os.chmod(f"{directory}/{one}", 0o755, follow_symlinks=True)


def own(path: Path) -> None:
    if os.getuid() == 0:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def make(root: Path, content: bytes | None = b"old", *, directory: int = 0o755) -> Path:
    """Make the workspace's .runtime and, unless `content` is None, its signal."""
    runtime = root / ".runtime"
    runtime.mkdir()
    signal = runtime / "keepalive.json"
    if content is not None:
        signal.write_bytes(content)
        own(signal)
    own(runtime)
    runtime.chmod(directory)
    return signal


def touch(root: Path) -> None:
    """Touch as an ordinary user."""
    in_child(lambda: ledger.touch_in_workspace(str(root), "gt status"))


def read(root: Path) -> str | None:
    state = in_child(lambda: ledger.read(str(root)))
    return state and state.last_command


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize(
    ("umask", "directories", "file"),
    [
        (0o000, 0o755, 0o644),
        (0o002, 0o755, 0o644),
        (0o022, 0o755, 0o644),
        (0o027, 0o750, 0o640),
        (0o077, 0o700, 0o600),
    ],
    ids=oct,
)
def test_modes_of_what_is_made(root: Path, umask: int, directories: int, file: int) -> None:
    """All missing directories get one mode, and the file its own, less the umask."""

    def touch_deep() -> None:
        os.umask(umask)
        ledger.touch_in_workspace(f"{root}/a/b", "gt status")

    in_child(touch_deep)
    made = [root / "a", root / "a/b", root / "a/b/.runtime"]
    assert [mode(path) for path in made] == [directories] * 3
    assert mode(root / "a/b/.runtime/keepalive.json") == file


@pytest.mark.parametrize("umask", [0o277, 0o777], ids=oct)
def test_umask_that_shuts_the_owner_out(root: Path, umask: int) -> None:
    """The first missing directory is made, the next level fails, the rest does not happen."""

    def touch_deep() -> None:
        os.umask(umask)
        ledger.touch_in_workspace(f"{root}/a/b", "gt status")

    in_child(touch_deep)
    (root / "a").chmod(0o755)
    assert list(snapshot(root)) == ["a"]


def test_set_group_id_is_passed_on(root: Path) -> None:
    """Directories below a set-group-id parent get the bit."""
    root.chmod(0o2755)
    touch(root)
    assert mode(root / ".runtime") == 0o2755


@pytest.mark.parametrize("file", [0o600, 0o755, 0o644, 0o664], ids=oct)
def test_existing_modes_are_kept(root: Path, file: int) -> None:
    """An existing directory and an existing file keep their modes."""
    signal = make(root, directory=0o700)
    signal.chmod(file)
    touch(root)
    assert (mode(root / ".runtime"), mode(signal), read(root)) == (0o700, file, "gt status")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_owner_is_kept() -> None:
    """Root's touch leaves the signal to the user who owned it."""
    with tempfile.TemporaryDirectory() as name:
        signal = make(Path(name))
        ledger.touch_in_workspace(name, "gt status")
        status = signal.stat()
        assert (status.st_uid, status.st_gid) == (NOBODY, NOBODY)
        assert ledger.read(name).last_command == "gt status"


def test_replaced_by_rename(root: Path) -> None:
    """The old content lives on under a hard link: the file was replaced, not rewritten."""
    signal = make(root)
    os.link(signal, root / "link")
    touch(root)
    assert ((root / "link").read_bytes(), read(root)) == (b"old", "gt status")
    assert os.listdir(root / ".runtime") == ["keepalive.json"]


def runtime_is_a_file(root: Path) -> None:
    (root / ".runtime").write_text("a file")


def link_to(target: str) -> Callable[[Path], None]:
    def obstacle(root: Path) -> None:
        (root / ".runtime").symlink_to(target)
        (root / "file").touch()

    return obstacle


def signal_links_to(target: str) -> Callable[[Path], None]:
    def obstacle(root: Path) -> None:
        make(root, None)
        (root / ".runtime/keepalive.json").symlink_to(target)

    return obstacle


def signal_is_a_directory(root: Path) -> None:
    make(root, None)
    (root / ".runtime/keepalive.json").mkdir()


def signal_of_mode(file: int, directory: int = 0o755) -> Callable[[Path], None]:
    def obstacle(root: Path) -> None:
        make(root, directory=directory).chmod(file)

    return obstacle


def no_signal_and_runtime_shut(root: Path) -> None:
    make(root, None, directory=0o555)


def no_runtime_and_root_shut(root: Path) -> None:
    root.chmod(0o555)


@pytest.mark.parametrize(
    "obstacle",
    [
        runtime_is_a_file,
        link_to("file"),
        link_to("nowhere"),
        link_to(".runtime"),
        signal_is_a_directory,
        signal_links_to("missing/target"),
        signal_links_to("keepalive.json"),
        signal_of_mode(0o444),
        signal_of_mode(0o000),
        signal_of_mode(0o644, directory=0o600),
        no_signal_and_runtime_shut,
        no_runtime_and_root_shut,
    ],
)
def test_nothing_happens(root: Path, obstacle: Callable[[Path], None]) -> None:
    """What is in the way stays as it is, and nothing is left behind."""
    obstacle(root)
    before = snapshot(root)
    touch(root)
    assert snapshot(root) == before


def test_root_is_a_file(root: Path) -> None:
    """A root that is a file is left alone."""
    (root / "file").write_text("x")
    touch(root / "file")
    assert ((root / "file").read_text(), read(root / "file")) == ("x", None)


def test_readonly_signal_of_an_ordinary_user_is_read(root: Path) -> None:
    """A signal that may not be written can still be read."""
    make(root, b'{"last_command":"x"}').chmod(0o444)
    touch(root)
    assert read(root) == "x"


def test_written_though_not_readable(root: Path) -> None:
    """A signal that may be written but not read is overwritten; reading it gives None."""
    signal = make(root)
    signal.chmod(0o200)
    touch(root)
    assert (b"gt status" in signal.read_bytes(), read(root)) == (True, None)


@pytest.mark.parametrize("old", [b"", b"old", b"x" * 200])
def test_written_in_place_where_the_directory_is_shut(root: Path, old: bytes) -> None:
    """In a directory that may not be written the file itself is, and holds nothing else."""
    signal = make(root, old, directory=0o555)
    inode = signal.stat().st_ino
    touch(root)
    assert (signal.stat().st_ino, read(root)) == (inode, "gt status")
    assert signal.read_bytes().endswith(b'Z"}')


def test_workspace_shut_but_runtime_open(root: Path) -> None:
    """Only the directory of the signal has to be writable."""
    make(root, None)
    root.chmod(0o555)
    touch(root)
    assert read(root) == "gt status"


@pytest.mark.parametrize("exists", [True, False])
def test_link_is_kept_and_its_target_replaced(root: Path, exists: bool) -> None:
    """Behind links, also of links, the target is replaced or made; the links stay."""
    make(root, None)
    (root / "far").mkdir()
    own(root / "far")
    if exists:
        (root / "far/real.json").write_text("old")
        own(root / "far/real.json")
    (root / "hop").symlink_to("far/real.json")
    (root / ".runtime/keepalive.json").symlink_to("../hop")
    assert read(root) is None
    touch(root)
    assert os.readlink(root / ".runtime/keepalive.json") == "../hop"
    assert os.readlink(root / "hop") == "far/real.json"
    assert (os.listdir(root / "far"), read(root)) == (["real.json"], "gt status")


def test_runtime_may_be_a_link(root: Path) -> None:
    """A .runtime that links to a directory is followed."""
    (root / "elsewhere").mkdir()
    own(root / "elsewhere")
    (root / ".runtime").symlink_to("elsewhere")
    touch(root)
    assert (os.listdir(root / "elsewhere"), read(root)) == (["keepalive.json"], "gt status")


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full"])
def test_devices(root: Path, device: str) -> None:
    """A link to a device is written to and kept; there is nothing to read."""
    make(root, None)
    (root / ".runtime/keepalive.json").symlink_to(device)
    touch(root)
    assert (os.readlink(root / ".runtime/keepalive.json"), read(root)) == (device, None)
    assert stat.S_ISCHR(os.stat(device).st_mode)


def test_socket(root: Path) -> None:
    """A socket in the file's place is left alone."""
    signal = make(root, None)
    os.chdir(root / ".runtime")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("keepalive.json")
        touch(root)
        assert (stat.S_ISSOCK(signal.stat().st_mode), read(root)) == (True, None)


def test_fifo_never_blocks(root: Path) -> None:
    """Nobody at a FIFO's other end blocks neither touch nor read; a reader gets the JSON."""
    signal = make(root, None)
    os.mkfifo(signal)
    own(signal)
    touch(root)
    assert read(root) is None
    reader = os.open(signal, os.O_RDONLY | os.O_NONBLOCK)
    try:
        touch(root)
        assert ledger.decode_state(os.read(reader, 4096)).last_command == "gt status"
    finally:
        os.close(reader)


def test_full_disk_keeps_the_old_content(root: Path) -> None:
    """When the new content does not fit, the old one is still there."""
    resource = pytest.importorskip("resource")
    signal = make(root, b'{"last_command":"x"}')

    def touch_without_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        signals.write(str(signal), b"y" * 100)

    with pytest.raises(OSError, match="No space"):
        in_child(touch_without_room)
    assert (read(root), os.listdir(root / ".runtime")) == ("x", ["keepalive.json"])


def test_no_free_file_descriptor(root: Path) -> None:
    """Without a file descriptor the directory is made and the file is not."""
    resource = pytest.importorskip("resource")

    def touch_without_descriptors() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
        ledger.touch_in_workspace(str(root), "x")

    in_child(touch_without_descriptors)
    assert list(snapshot(root)) == [".runtime"]


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("a//b/./c/", "a/b/c"),
        ("link/..", "."),
        (".", "."),
        ("", "."),
        ("~/gt", "~/gt"),
        (" ", " "),
        ("$HOME", "$HOME"),
        ("b\udcff", "b\udcff"),
    ],
)
def test_root_is_cleaned_as_text(root: Path, given: str, cleaned: str) -> None:
    """Roots are taken from the current directory, cleaned as text, and not expanded."""
    (root / "far/away").mkdir(parents=True)
    (root / "link").symlink_to("far/away")
    os.chdir(root)
    ledger.touch_in_workspace(given, "x")
    assert os.listdir(root / cleaned / ".runtime") == ["keepalive.json"]
    assert ledger.read(given).last_command == "x"


def test_paths_that_cannot_be(root: Path) -> None:
    """A NUL byte gives nothing; of too long a path the directories that fit are made."""
    ledger.touch_in_workspace(f"{root}/new/a\0b", "x")
    assert (list(snapshot(root)), ledger.read(f"{root}/a\0b")) == ([], None)
    ledger.touch_in_workspace(f"{root}/new/{'x' * 300}", "x")
    assert (list(snapshot(root)), ledger.read("x" * 300)) == (["new"], None)
    ledger.touch_in_workspace(str(root) + "/long" * 1000, "x")
    deepest = max(map(len, snapshot(root)))
    assert 3500 < deepest < 4096
    shutil.rmtree(root / "long")


def test_town_of_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GT_TOWN_ROOT names the town, else $HOME/gt; empty is unset; nothing is expanded."""
    ledger.touch_town_activity("a")
    monkeypatch.setenv("GT_TOWN_ROOT", "")
    assert ledger.read_town_activity().last_command == "a"
    assert (home / "gt/daemon/activity.json").exists()
    monkeypatch.setenv("GT_TOWN_ROOT", "~/x/../town")
    monkeypatch.delenv("HOME")
    monkeypatch.setenv("KEEPALIVE_DB", str(home / "ledger.db"))
    ledger.touch_town_activity("b")
    assert ledger.read_town_activity().last_command == "b"
    assert (home / "~/town/daemon/activity.json").exists()


@pytest.mark.parametrize("value", [None, ""])
def test_no_home_no_town(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """Without HOME and GT_TOWN_ROOT nothing happens, and reading gives None."""
    monkeypatch.setenv("KEEPALIVE_DB", str(tmp_path / "elsewhere/ledger.db"))
    if value is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", value)
    ledger.touch_town_activity("x")
    assert (ledger.read_town_activity(), snapshot(home)) == (None, {})
    assert not (tmp_path / "elsewhere").exists()


def test_the_two_touches_are_independent(home: Path) -> None:
    """Neither of the original's touches writes the other's file."""
    (home / "ws/mayor").mkdir(parents=True)
    os.chdir(home / "ws")
    ledger.touch_with_args("gt", ["a b  c", ""])
    assert ledger.read(str(home / "ws")).last_command == "gt a b  c "
    assert not (home / "gt").exists()
    ledger.touch_town_activity("town")
    assert ledger.read(str(home / "ws")).last_command == "gt a b  c "


@pytest.mark.parametrize(
    ("command", "args", "text"),
    [
        ("gt", None, "gt"),
        ("gt", [], "gt"),
        ("gt", [""], "gt "),
        ("gt", ["", ""], "gt  "),
        ("", ["x"], " x"),
        ("", [""], " "),
        ("", None, ""),
        (" x ", None, " x "),
    ],
)
def test_command_text(home: Path, command: str, args: list[str] | None, text: str) -> None:
    """Arguments follow with one space each; nothing is quoted, trimmed or hidden."""
    (home / "mayor").mkdir()
    ledger.touch_with_args(command, args)
    assert ledger.read(str(home)).last_command == text


READER = """
import json, sys
path, count = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
good = 0
for _ in range(count):
    with open(path, "rb") as file:
        text = file.read()
    good += set(json.loads(text)) == {"last_command", "timestamp"}
print(good)
"""


def test_a_reader_never_sees_half_a_file(root: Path) -> None:
    """100,000 reads against a tight writer: none empty, none torn."""
    path = str(make(root, b'{"last_command":"","timestamp":""}'))
    count = 100_000
    done = threading.Event()

    def write() -> None:
        length = 0
        while not done.is_set():
            length = (length + 977) % 5000
            signals.write(path, ledger.encode_state("x" * length, length))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        read = subprocess.run(
            [sys.executable, "-c", READER, path, str(count)],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        done.set()
        writer.join()
    assert read.stdout.split() == ["ready", str(count)]
    assert os.listdir(root / ".runtime") == ["keepalive.json"]
