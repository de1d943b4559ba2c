"""Read a signal's content exactly as Go's encoding/json does (1.24 to 1.26).

The text is scanned once, without recursion, one step for each value: its cost is
linear in its length whatever it holds.
"""

import json
import re
from collections.abc import Iterator

from ledger.encode import as_read_back
from ledger.rfc3339 import parse
from ledger.state import ZERO_TIME_NS, State

_MAX_DEPTH = 10_000
"""Objects and arrays that may be open at once, the outermost included."""

_SPACE = rb"[ \t\n\r]*+"
# The scanner sees no escapes: `_blank_escapes` has checked and hidden them.
_STRING = rb'"[^"\x00-\x1f]*"'
_NUMBER = rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_VALUE = rb"(?:(?P<open>[\[{])|(?P<scalar>" + _STRING + rb"|true|false|null|" + _NUMBER + rb"))"
_MEMBER = rb"(?P<key>" + _STRING + rb")" + _SPACE + rb":" + _SPACE + _VALUE


def _step(close: bytes, before: bytes, content: bytes) -> re.Pattern[bytes]:
    """Return the pattern of one step: the container's end or its next value."""
    return re.compile(_SPACE + rb"(?:(?P<close>" + close + rb")|" + before + content + rb")")


# By the character that opens the container.
_FIRST_STEP = {b"[": _step(rb"\]", b"", _VALUE), b"{": _step(rb"\}", b"", _MEMBER)}
_NEXT_STEP = {
    b"[": _step(rb"\]", b"," + _SPACE, _VALUE),
    b"{": _step(rb"\}", b"," + _SPACE, _MEMBER),
}

_OBJECT_START = re.compile(_SPACE + rb"\{")
_NULL = re.compile(_SPACE + rb"null" + _SPACE)
_END = re.compile(_SPACE + rb"\Z")

_BAD_ESCAPE = re.compile(rb"\\(?![/bfnrt]|u[0-9a-fA-F]{4})")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class _NotJSONError(Exception):
    """The text is not one JSON object."""


def decode_state(data: bytes) -> State | None:
    """Return the state that a signal holding `data` stands for, or None (Go's Read).

    None is for whatever Go refuses: text that is not one JSON value, a value that is
    neither an object nor null, a wrong type or a bad time under a known key. Other
    keys are ignored. The command never holds a surrogate.
    """
    command, timestamp_ns = "", ZERO_TIME_NS
    if _NULL.fullmatch(data):
        return State(command, timestamp_ns)
    try:
        for key, value in _members(data):
            name = _field_name(key)
            if name is None or value == b"null":
                continue
            if not value.startswith(b'"'):
                return None
            if name == "last_command":
                command = _unquote(value)
                continue
            instant = parse(value[1:-1].decode("latin-1"))
            if instant is None:
                return None
            timestamp_ns = instant
    except _NotJSONError:
        return None
    return State(command, timestamp_ns)


def _members(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value of each member of the one object that `data` holds, as written.

    Of a value that is an object or an array only the first character is given.

    Raises _NotJSONError where the text breaks a rule, perhaps after many members.
    """
    text = _blank_escapes(data)
    match = _OBJECT_START.match(text)
    if match is None:
        raise _NotJSONError
    open_containers = [b"{"]
    step = _FIRST_STEP[b"{"]
    while open_containers:
        match = step.match(text, match.end())
        if match is None:
            raise _NotJSONError
        if match["close"]:
            open_containers.pop()
        else:
            opened = match["open"]
            if len(open_containers) == 1:
                value = opened or data[slice(*match.span("scalar"))]
                yield data[slice(*match.span("key"))], value
            if opened:
                if len(open_containers) == _MAX_DEPTH:
                    raise _NotJSONError
                open_containers.append(opened)
                step = _FIRST_STEP[opened]
                continue
        if open_containers:
            step = _NEXT_STEP[open_containers[-1]]
    if _END.match(text, match.end()) is None:
        raise _NotJSONError


def _blank_escapes(data: bytes) -> bytes:
    r"""Return `data` with ``\\`` and ``\"`` hidden, so that each quote begins or ends a string.

    Nothing moves. A backslash outside strings becomes, or stays, something that no JSON
    text may hold there.

    Raises _NotJSONError for an escape that JSON does not have.
    """
    text = data.replace(rb"\\", b"__").replace(rb"\"", b"__")
    if _BAD_ESCAPE.search(text):
        raise _NotJSONError
    return text


def _field_name(key: bytes) -> str | None:
    """Return the field that a key, with its quotes, stands for; None if it is unknown.

    Case is folded as Go does: for ASCII, and the long s, U+017F, is an s.
    """
    name = _unquote(key)
    folded = name.replace("\u017f", "s")
    if not folded.isascii():
        return None
    folded = folded.lower()
    return folded if folded in {"last_command", "timestamp"} else None


def _unquote(string: bytes) -> str:
    """Return what a JSON string, given with its quotes, stands for in Go.

    Each byte that is not part of valid UTF-8 and each lone surrogate escape is U+FFFD.
    """
    text = as_read_back(string.decode("utf-8", "surrogateescape"))
    if "\\" not in text:
        return text[1:-1]
    # json pairs surrogates as Go does and leaves the lone ones in.
    return _LONE_SURROGATE.sub("\ufffd", json.loads(text))
