"""What is read from a signal: `ledger.decode` and `ledger.rfc3339`."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors import assert_same, each_category_of

from ledger.decode import decode_state
from ledger.encode import encode_state
from ledger.gotime import format_instant
from ledger.rfc3339 import parse
from ledger.state import ZERO_TIME_NS, State

FIRST_NS = -62_167_219_200 * 10**9
LAST_NS = 253_402_300_800 * 10**9 - 1
AT = b"2025-12-28T16:40:04Z"
AT_NS = 1_766_940_004 * 10**9
LATER = b"2025-12-28T16:40:05Z"

ZERO = State("", ZERO_TIME_NS)

# Text that is often nearly JSON.
json_like = st.lists(
    st.sampled_from(
        [
            *(b"{", b"}", b"[", b"]", b",", b":", b" ", b'"', b"\\", b"0", b"-1", b"null", b"true"),
            *(b'"last_command"', b'"timestamp"', b'"' + AT + b'"', b'"gt"', b'{"x":[', b"\xff"),
        ]
    )
).map(b"".join)


each_category = each_category_of("decode.jsonl")


def as_vector_result(state: State | None) -> dict[str, object] | None:
    if state is None:
        return None
    seconds, nanoseconds = divmod(state.timestamp_ns, 10**9)
    return {
        "last_command_b64": base64.b64encode(state.last_command.encode()).decode(),
        "unix_s": str(seconds),
        "nanos": nanoseconds,
        "rfc3339": state.rfc3339,
    }


@each_category
def test_files_give_the_state_that_go_reads(vectors: list[dict[str, Any]]) -> None:
    """Each vector's file gives its result: command, seconds, nanoseconds and text of the time."""
    files = {vector["id"]: base64.b64decode(vector["file_b64"]) for vector in vectors}
    got = {name: as_vector_result(decode_state(file)) for name, file in files.items()}
    assert_same(got, {vector["id"]: vector["result"] for vector in vectors})


@given(st.one_of(st.binary(), json_like))
def test_nothing_makes_reading_fail(data: bytes) -> None:
    """Arbitrary bytes give a state that can be written again, or None."""
    state = decode_state(data)
    if state is not None:
        assert decode_state(encode_state(state.last_command, state.timestamp_ns)) == state


scalars = st.none() | st.booleans() | st.integers() | st.text()
json_values = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
manners = st.sampled_from([{}, {"indent": "\t"}, {"ensure_ascii": False, "separators": (",", ":")}])


@given(json_values, manners)
def test_unknown_keys_may_hold_anything(value: object, manner: dict[str, Any]) -> None:
    """Any JSON value, however written, is passed over under a key that is not ours."""
    document = {"x": value, "last_command": "gt", "y": [value], "timestamp": AT.decode()}
    assert decode_state(json.dumps(document, **manner).encode()) == State("gt", AT_NS)


@given(json_values, st.data())
def test_a_file_cut_short_is_refused(value: object, data: st.DataObject) -> None:
    """No proper beginning of an object is a state."""
    text = json.dumps({"last_command": "gt", "x": value}).encode()
    assert decode_state(text[: data.draw(st.integers(0, len(text) - 1))]) is None


@pytest.mark.parametrize(
    ("data", "state"),
    [
        (b"null", ZERO),
        (b" {}\n", ZERO),
        (b"{} {}", None),
        (b"[]", None),
        (b'"gt"', None),
        (b"", None),
        (b'\xef\xbb\xbf{"last_command":"gt"}', None),
        (b'{"last_command":"a","LAST_COMMAND":"b"}', State("b", ZERO_TIME_NS)),
        (b'{"last_command":"a","last_command":null}', State("a", ZERO_TIME_NS)),
        (b'{"last_command":1,"last_command":"a"}', None),
        (b'{"last_command":["a"]}', None),
        (b'{"la\xc5\xbft_command":"a","time\\u017ftamp":"' + AT + b'"}', State("a", AT_NS)),
        ('{"t\u0131mestamp":0,"t\u0130mestamp":0,"last-command":0}'.encode(), ZERO),
        (b'{"timestamp":"' + LATER + b'","timestamp":"' + AT + b'"}', State("", AT_NS)),
        (b'{"timestamp":"soon","timestamp":"' + AT + b'"}', None),
        (b'{"timestamp":{}}', None),
        (b'{"timestamp":"2025-12-28\\u005416:40:04Z"}', None),
        (
            rb'{"last_command":"\ud83d\ude00\ud800\u0041\"\\\/"}',
            State('😀\ufffdA"\\/', ZERO_TIME_NS),
        ),
        (b'{"last_command":"\xe2\x82\xff!"}', State("\ufffd\ufffd\ufffd!", ZERO_TIME_NS)),
        (b'{"x":"\xff","last_command":""}', ZERO),
        (b'{"x":\xff}', None),
        (b'{"x":"\x7f"}', ZERO),
        (b'{"x":"\x1f"}', None),
        (rb'{"x":"\x41"}', None),
        (rb'{\"x":1}', None),
        (b'{"x":01}', None),
        (b'{"x":1 2}', None),
        (b'{"x":1,}', None),
        (b'{"x":[1,]}', None),
        (b'{"x":[1}', None),
        (b'{"x":{"y"}}', None),
        (b'{"x" "y"}', None),
    ],
)
def test_rules_of_reading(data: bytes, state: State | None) -> None:
    """What is accepted and what is refused, rule by rule."""
    assert decode_state(data) == state


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"k":', b"}")])
def test_ten_thousand_levels_are_the_limit(opening: bytes, closing: bytes) -> None:
    """With the outermost object 10,000 levels are read, and 10,001 are refused."""

    def nested(levels: int) -> bytes:
        innermost = b"{}" if closing == b"}" else b"[]"
        around = levels - 2
        return b'{"x":' + opening * around + innermost + closing * around + b"}"

    assert decode_state(nested(10_000)) == ZERO
    assert decode_state(nested(10_001)) is None


MANY = 300_000


@pytest.mark.parametrize(
    ("data", "state"),
    [
        pytest.param(b" " * MANY, None, id="blank"),
        pytest.param(b'{"x":1' + b" " * MANY + b"," + b" " * MANY + b"!", None, id="blank inside"),
        pytest.param(b'{"x":' + b"9" * MANY + b"}", ZERO, id="digits"),
        pytest.param(b'{"x":1e' + b"9" * MANY + b"}", ZERO, id="exponent"),
        pytest.param(b'{"x":-' + b"0" * MANY + b"}", None, id="zeros"),
        pytest.param(b'{"x":' + b"[" * MANY, None, id="openings"),
        pytest.param(b'{"x":[' + b"[]," * MANY + b"{}]}", ZERO, id="siblings"),
        pytest.param(b"{" + b'"":1,' * MANY + b'"":1}', ZERO, id="members"),
        pytest.param(b'{"x":"' + b"a" * MANY, None, id="open string"),
        pytest.param(b'{"x":"' + b"\\" * (2 * MANY) + b'"}', ZERO, id="backslashes"),
        pytest.param(b'{"x":"' + b"\\" * (2 * MANY + 1) + b'"}', None, id="odd backslashes"),
        pytest.param(b"{" + b'"' * MANY, None, id="quotes"),
        pytest.param(
            b'{"last_command":"' + b"\\ud800" * MANY + b'"}',
            State("\ufffd" * MANY, ZERO_TIME_NS),
            id="lone surrogates",
        ),
        pytest.param(
            b'{"last_command":"' + b"\xe2\x82" * MANY + b'"}',
            State("\ufffd" * (2 * MANY), ZERO_TIME_NS),
            id="broken bytes",
        ),
        pytest.param(
            b'{"timestamp":"' + AT[:-1] + b"." + b"0" * MANY + b'Z"}',
            State("", AT_NS),
            id="fraction",
        ),
        pytest.param(
            b'{"timestamp":"' + AT[:-1] + b"." + b"0" * MANY + b'"}', None, id="fraction, no zone"
        ),
    ],
)
def test_long_files_are_read(data: bytes, state: State | None) -> None:
    """Size alone neither stops the reader nor changes what it finds."""
    assert decode_state(data) == state


@given(st.integers(FIRST_NS, LAST_NS))
def test_times_are_read_as_written(ns: int) -> None:
    """Every instant of the years 0000 to 9999 is read from the text that is written for it."""
    assert parse(format_instant(ns)) == ns


@given(
    st.datetimes(timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m))))
)
def test_offsets_are_taken_into_account(at: datetime) -> None:
    """A time with an offset is the instant that Python's datetime makes of it."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert parse(at.isoformat()) == (at - epoch) // timedelta(microseconds=1) * 1_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2025-12-28T16:40:04,5Z", AT_NS + 500_000_000),
        ("2025-12-28T16:40:04.0000000019Z", AT_NS + 1),
        ("2025-12-28T6:40:04Z", AT_NS - 36_000 * 10**9),
        ("2025-12-28T16:40:04-00:00", AT_NS),
        ("2025-12-28T16:40:04+24:60", AT_NS - 90_000 * 10**9),
        ("0000-02-29T00:00:00Z", FIRST_NS + 59 * 86_400 * 10**9),
        ("0000-01-01T00:00:00+24:60", FIRST_NS - 90_000 * 10**9),
        ("9999-12-31T23:59:59.999999999-24:60", LAST_NS + 90_000 * 10**9),
        ("2025-12-28T16:40:04", None),
        ("2025-12-28T16:40:04.Z", None),
        ("2025-12-28T16:40:04z", None),
        ("2025-12-28t16:40:04Z", None),
        ("2025-12-28 16:40:04Z", None),
        ("2025-12-28T16:40:04Z\n", None),
        ("2025-12-28T16:40Z", None),
        ("2025-12-28T24:00:00Z", None),
        ("2025-12-28T16:40:60Z", None),
        ("2025-12-28T16:40:04+25:00", None),
        ("2025-12-28T16:40:04+00:61", None),
        ("2025-12-28T16:40:04+0100", None),
        ("2025-02-29T00:00:00Z", None),
        ("1900-02-29T00:00:00Z", None),
        ("2025-00-01T00:00:00Z", None),
        ("2025-12-00T00:00:00Z", None),
        ("25-12-28T16:40:04Z", None),
        ("12025-12-28T16:40:04Z", None),
        ("٢٠٢٥-12-28T16:40:04Z", None),
        ("", None),
    ],
)
def test_rules_of_times(text: str, ns: int | None) -> None:
    """What Go's time package accepts, and what it refuses."""
    assert parse(text) == ns
