"""Recorded text made safe to look at, and as wide as it will appear."""

import re
import unicodedata

# Control characters, separators that break lines, and the marks that reorder text or
# hide in it; not the joiners that emoji and several scripts are spelt with.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# Marks that join the character before them, and characters that only format.
_NO_WIDTH = {"Mn", "Me", "Cf"}
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(text: str) -> str:
    r"""Return `text` with control characters as escapes (``\x1b``, ``\n``, ``\u202e``)."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if code < 0x100:
        return _SHORT.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def json_safe(text: str) -> str:
    """Return JSON `text` with what `visible` escapes as JSON's own escapes: still the same data."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_json_escape, text)


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def width(text: str) -> int:
    """Return how many terminal columns the `visible` text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH or "\u1160" <= character <= "\u11ff":
        return 0  # the range: vowels and finals that join the Hangul syllable before them
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, columns: int, *, keep_end: bool = False) -> str:
    """Return `text` cut to so many columns, with an ellipsis where something is missing."""
    if width(text) <= columns:
        return text
    if keep_end:
        return fit(text[::-1], columns)[::-1]
    used = position = 0
    while (used := used + _columns(text[position])) < columns:
        position += 1
    return text[:position] + "…"


def pad(text: str, columns: int) -> str:
    """Return `text` with blanks to so many columns."""
    return text + " " * (columns - width(text))


def count(number: int, one: str, more: str) -> str:
    """Return ``1 touch`` or ``1,234 touches``."""
    return f"{number:,} {one if number == 1 else more}"
