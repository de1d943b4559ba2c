"""What a signal holds: `ledger.encode` and `ledger.gotime`."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors import assert_same, each_category_of

from ledger.decode import decode_state
from ledger.encode import as_read_back, encode_state
from ledger.gotime import format_instant
from ledger.state import State

FIRST_NS = -62_167_219_200 * 10**9
LAST_NS = 253_402_300_800 * 10**9 - 1

instants = st.integers(FIRST_NS, LAST_NS)
# Every code point, surrogates of each kind included, and every string of bytes.
surrogates = st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF, exclude_categories=())
commands = st.one_of(
    st.text(),
    st.text(st.one_of(st.characters(), surrogates)),
    st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")),
)


each_category = each_category_of("encode.jsonl")


@each_category
def test_files_are_the_bytes_that_go_writes(vectors: list[dict[str, str]]) -> None:
    """Each vector's command and instant give its file, or are refused where Go fails."""
    expected: dict[str, bytes | None] = {}
    got: dict[str, bytes | None] = {}
    for vector in vectors:
        expected[vector["id"]] = None if "error" in vector else base64.b64decode(vector["file_b64"])
        command = base64.b64decode(vector["command_b64"]).decode("utf-8", "surrogateescape")
        try:
            got[vector["id"]] = encode_state(command, int(vector["unix_ns"]))
        except ValueError:
            got[vector["id"]] = None
    assert_same(got, expected)


@each_category
def test_vectors_read_back(vectors: list[dict[str, str]]) -> None:
    """Each vector's file reads back as its instant and its command, mended where broken."""
    expected, got = {}, {}
    for vector in vectors:
        if "error" in vector:
            continue
        command = base64.b64decode(vector["command_b64"]).decode("utf-8", "surrogateescape")
        expected[vector["id"]] = State(as_read_back(command), int(vector["unix_ns"]))
        got[vector["id"]] = decode_state(base64.b64decode(vector["file_b64"]))
    assert_same(got, expected)


@given(commands, instants)
def test_what_is_written_reads_back(command: str, at_ns: int) -> None:
    """Any command and instant read back as they went in, offending bytes apart."""
    assert decode_state(encode_state(command, at_ns)) == State(as_read_back(command), at_ns)


@given(commands, instants)
def test_files_are_plain_json(command: str, at_ns: int) -> None:
    """Another JSON parser finds the same two values under the same two keys, in order."""
    pairs = json.loads(encode_state(command, at_ns), object_pairs_hook=list)
    assert pairs == [("last_command", as_read_back(command)), ("timestamp", format_instant(at_ns))]


@given(commands, instants)
def test_files_are_one_line_without_markup(command: str, at_ns: int) -> None:
    """No control character, HTML character or line separator is ever written as it is."""
    text = encode_state(command, at_ns).decode()
    assert not set(text) & {*map(chr, range(32)), "<", ">", "&", "\u2028", "\u2029"}


@given(st.binary())
def test_offending_bytes_are_escaped_one_by_one(data: bytes) -> None:
    """A byte costs a mark of its own exactly where no valid character can be read."""
    rest, marks = data, 0
    while rest:
        for length in (1, 2, 3, 4):
            try:
                rest[:length].decode()
            except UnicodeDecodeError:
                continue
            rest = rest[length:]
            break
        else:
            rest, marks = rest[1:], marks + 1
    command = data.decode("utf-8", "surrogateescape")
    assert encode_state(command, 0).count(rb"\ufffd") == marks + data.count(rb"\ufffd")


@pytest.mark.parametrize(
    ("command", "standing_for"),
    [
        ("caf\udcc3\udca9", "café".encode()),
        ("\udcf0\udc9f\udc98\udc80", "😀".encode()),
        ("\udce2\udc82A", b"\xe2\x82A"),
        ("\udcff", b"\xff"),
        ("\ud800", b"\xed\xa0\x80"),
        ("\udbff", b"\xed\xaf\xbf"),
        ("\udc7f", b"\xed\xb1\xbf"),
        ("\udd00", b"\xed\xb4\x80"),
        ("\udfff", b"\xed\xbf\xbf"),
        ("\ud83d\ude00", b"\xed\xa0\xbd\xed\xb8\x80"),
        ("\ud800\udcc3\udca9", b"\xed\xa0\x80\xc3\xa9"),
    ],
)
def test_a_command_is_the_bytes_it_stands_for(command: str, standing_for: bytes) -> None:
    """Escapes stand for their byte, other surrogates for the three of their code point."""
    same = standing_for.decode("utf-8", "surrogateescape")
    assert encode_state(command, 0) == encode_state(same, 0)
    assert as_read_back(command) == as_read_back(same)


def test_a_lone_surrogate_costs_three_marks() -> None:
    """A surrogate that is no escape is three offending bytes, an escape is one."""
    assert [as_read_back("\ud800"), as_read_back("\udc80")] == ["\ufffd" * 3, "\ufffd"]


@given(commands)
def test_what_is_read_back_is_valid_and_stays(command: str) -> None:
    """The command as read back can be encoded as UTF-8 and reads back as itself."""
    once = as_read_back(command)
    once.encode()
    assert as_read_back(once) is once


@given(st.text())
def test_valid_text_reads_back_untouched(command: str) -> None:
    """Valid text is returned as the very same object."""
    assert as_read_back(command) is command


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_766_940_004_500_000_000, "2025-12-28T16:40:04.5Z"),
        (1_766_940_010_000_000_100, "2025-12-28T16:40:10.0000001Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
        (FIRST_NS, "0000-01-01T00:00:00Z"),
        (LAST_NS, "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_instants_are_written_in_utc(ns: int, text: str) -> None:
    """An instant has four digits of year and a fraction only as long as it needs."""
    assert format_instant(ns) == text


@pytest.mark.parametrize("ns", [FIRST_NS - 1, LAST_NS + 1, -(10**30), 10**30])
def test_years_of_other_than_four_digits_are_refused(ns: int) -> None:
    """Outside the years 0000 to 9999 neither an instant nor a file is written."""
    with pytest.raises(ValueError, match="0000 to 9999"):
        format_instant(ns)
    with pytest.raises(ValueError, match="0000 to 9999"):
        encode_state("gt status", ns)
