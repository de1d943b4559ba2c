"""Recorded text is safe to look at, and lines up."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.terminal import fit, json_safe, pad, visible, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gt status", "gt status"),
        ("", ""),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("a\nb\r\tc\x00\x7f", r"a\nb\r\tc\x00\x7f"),
        ("\x9b31m\x85", r"\x9b31m\x85"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("abc\u202egpj.exe\u2066\u2069", r"abc\u202egpj.exe\u2066\u2069"),
        ("zero\u200bwidth\ufeff\xad", r"zero\u200bwidth\ufeff\xad"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("\udcff\ud800", r"\udcff\ud800"),
        ("naïve 日本語 🏭 👩‍🔧", "naïve 日本語 🏭 👩‍🔧"),
        (r"C:\x1b", r"C:\x1b"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    """What could steer a terminal, or hide, is an escape; all else is as it was."""
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_nothing_visible_steers(text: str) -> None:
    """No control character and no separator of lines gets through."""
    categories = {unicodedata.category(character) for character in visible(text)}
    assert categories.isdisjoint({"Cc", "Zl", "Zp", "Cs"})
    assert len(visible(text).splitlines()) <= 1


@given(st.text(st.characters()))
def test_safe_json_is_the_same_data(text: str) -> None:
    """JSON made safe reads back as it was, and is itself fit to be shown."""
    safe = json_safe(json.dumps([text], ensure_ascii=False))
    assert json.loads(safe) == [text]
    assert visible(safe) == safe


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("gt status", 9),
        ("日本語", 6),
        ("ｱｲｳ", 3),
        ("\uff21", 2),
        ("e\u0301", 1),
        ("한글", 4),
        ("\u1112\u1161\u11ab", 2),  # one syllable, spelt with three letters
        ("🏭", 2),
        ("❤\ufe0f", 1),
        ("naïve", 5),
    ],
)
def test_width(text: str, columns: int) -> None:
    """Wide characters take two columns, joining marks none."""
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "columns", "cut", "cut_in_front"),
    [
        ("gt status", 9, "gt status", "gt status"),
        ("gt status", 8, "gt stat…", "… status"),
        ("gt status", 1, "…", "…"),
        ("日本語", 6, "日本語", "日本語"),
        ("日本語", 5, "日本…", "…本語"),
        ("日本語", 4, "日…", "…語"),
        ("日本語", 2, "…", "…"),
        ("e\u0301" * 5, 5, "e\u0301" * 5, "e\u0301" * 5),
        ("e\u0301" * 5, 3, "e\u0301" * 2 + "…", None),
    ],
)
def test_fit(text: str, columns: int, cut: str, cut_in_front: str | None) -> None:
    """What is too wide loses its end, or its beginning, to an ellipsis."""
    assert fit(text, columns) == cut
    if cut_in_front is not None:
        assert fit(text, columns, keep_end=True) == cut_in_front


@given(st.text(st.sampled_from("ab 日本ｱ\u0301🏭é")), st.integers(1, 20), st.booleans())
def test_fitted_text_fills_its_column(text: str, columns: int, keep_end: bool) -> None:
    """Fitted and padded, a text takes just the columns that it was given."""
    fitted = fit(text, columns, keep_end=keep_end)
    assert width(pad(fitted, columns)) == columns
    assert width(fitted) >= min(width(text), columns - 1)
