"""Find the secrets of a command by the table of `ledger.redaction_rules`; replace, explain.

Loaded by `ledger.redact` only for a command that its quick test can't clear.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence

from ledger.redaction_rules import RULES, Rule


class Redaction:
    """A stretch of a command that is replaced, told without the secret itself."""

    __slots__ = ("end", "meaning", "rule", "start")

    def __init__(self, rule: Rule, start: int, end: int) -> None:
        self.rule = rule.name
        self.meaning = rule.meaning
        self.start = start  # offsets into the original command
        self.end = end


def explain(*words: str) -> list[Redaction]:
    """Return what `replace` replaces in the command, from left to right."""
    command, found = " ".join(words), _find_in_words(words)
    more = _moved_back(_find_all(_marked(command, found)), found)
    spans = sorted(found + more, key=lambda span: span[0])
    return [Redaction(rule, start, end) for start, end, rule in spans]


def replace(*words: str) -> str:
    """Return the words of a command, joined, with a mark in the place of each secret."""
    command = _marked(" ".join(words), _find_in_words(words))
    return _marked(command, _find_all(command))


_Span = tuple[int, int, Rule]


def _find_in_words(words: Sequence[str]) -> list[_Span]:
    """Return the secrets that show when words with blanks are quoted again."""
    if len(words) < 2:
        return []
    quoted: list[str] = []
    quotes: list[int] = []  # where they were added
    position = 0
    for word in words:
        blank = re.search(r"\s", word)
        quote = next((quote for quote in "\"'" if quote not in word), "") if blank else ""
        if quote:
            quotes += position, position + len(word) + 1
        quoted.append(f"{quote}{word}{quote}")
        position += len(quoted[-1]) + 1
    return [
        (start - bisect_left(quotes, start), end - bisect_left(quotes, end), rule)
        for start, end, rule in _find_all(" ".join(quoted))
    ]


def _find_all(command: str) -> list[_Span]:
    """Return all secrets of `command`, also those that show once others are replaced.

    Hence to replace twice is to replace once. Each pass takes text that is no mark, so
    there is a last one: nearly always the second, which finds nothing.
    """
    found = more = _find(command)
    while more:
        more = _find(_marked(command, found))
        found = sorted(found + _moved_back(more, found), key=lambda span: span[0])
    return found


def _find(command: str) -> list[_Span]:
    """Return the secrets of `command`; where they overlap, the widest names them all."""
    found: list[_Span] = []
    widest = 0
    for start, end, rule in sorted(_matches(command), key=lambda span: span[0]):
        if not found or start >= found[-1][1]:
            found.append((start, end, rule))
            widest = end - start
        else:
            first, last, known = found[-1]
            if end - start > widest:
                widest, known = end - start, rule
            found[-1] = first, max(last, end), known
    return found


def _matches(command: str) -> list[_Span]:
    """Return what each rule finds, in the order of the rules; nothing that is a mark."""
    low = command.lower()
    marks = [match.span() for match in re.finditer(r"\[redacted:[a-z-]+\]", command)]
    ends = [end for _, end in marks]
    found = []
    for rule in RULES:
        if any(hint in low for hint in rule.hints):
            for pattern in rule.patterns:
                for match in re.finditer(pattern, command, re.ASCII | re.DOTALL):
                    start, end = match.span(match.lastindex or 0)
                    mark = bisect_left(ends, start + 1)
                    if mark == len(marks) or marks[mark][0] >= end:
                        found.append((start, end, rule))
    return found


def _mark(rule: Rule) -> str:
    return f"[redacted:{rule.name}]"


def _marked(command: str, found: list[_Span]) -> str:
    """Return `command` with a mark in the place of each span."""
    pieces: list[str] = []
    done = 0
    for start, end, rule in found:
        pieces += command[done:start], _mark(rule)
        done = end
    return "".join((*pieces, command[done:]))


def _moved_back(spans: list[_Span], found: list[_Span]) -> list[_Span]:
    """Return `spans` of the command that bears the marks of `found` as ones of the original."""
    moved = []
    grown = passed = 0
    for start, end, rule in spans:
        while passed < len(found) and found[passed][0] + grown <= start:
            first, last, known = found[passed]
            grown += len(_mark(known)) - (last - first)
            passed += 1
        moved.append((start - grown, end - grown, rule))
    return moved
