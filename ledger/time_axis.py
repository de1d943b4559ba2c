"""The axis under a timeline: ticks at round times of a zone, as fine as there is room for."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from ledger.binning import DAY_NS, offsets
from ledger.drawing import MONTHS, WEEKDAYS, Marks
from ledger.instants import NS, Zone


class _Tick(NamedTuple):
    """A round time, as it reads after one of the same day, month or year, and after another."""

    at_ns: int
    within: int
    short: str
    long: str


_MakeTicks = Callable[[int, int, Zone], Iterator[_Tick]]


def _clock_ticks(seconds: int, since_ns: int, until_ns: int, zone: Zone) -> Iterator[_Tick]:
    form, step_ns = "%H:%M" if seconds % 60 == 0 else "%H:%M:%S", seconds * NS
    for started_ns, ended_ns, offset_ns in offsets(since_ns, until_ns, zone):
        first = -(-(started_ns + offset_ns) // step_ns) * step_ns
        for at_ns in range(first - offset_ns, ended_ns, step_ns):
            wall = zone.wall_clock(at_ns)
            clock, day = wall.strftime(form), f"{wall.day} {MONTHS[wall.month - 1]}"
            texts = (day, day) if zone.midnight(at_ns) == at_ns else (clock, f"{day} {clock}")
            yield _Tick(at_ns, wall.toordinal(), *texts)


def _date_ticks(
    chosen: Callable[[date], bool],
    tick: Callable[[int, date], _Tick],
    since_ns: int,
    until_ns: int,
    zone: Zone,
) -> Iterator[_Tick]:
    first, last = (zone.wall_clock(at_ns).toordinal() for at_ns in (since_ns, until_ns))
    for day in map(datetime.fromordinal, range(first, last + 1)):
        if chosen(day) and since_ns <= (at_ns := zone.at_ns(day)) < until_ns:
            yield tick(at_ns, day)


def _day_tick(at_ns: int, day: date) -> _Tick:
    month = MONTHS[day.month - 1]
    return _Tick(at_ns, day.month, str(day.day), f"{day.day} {month}")


def _weekday_tick(at_ns: int, day: date) -> _Tick:
    tick, name = _day_tick(at_ns, day), WEEKDAYS[day.weekday()]
    return tick._replace(short=f"{name} {tick.short}", long=f"{name} {tick.long}")


def _month_tick(at_ns: int, day: date) -> _Tick:
    month = MONTHS[day.month - 1]
    return _Tick(at_ns, day.year, month, str(day.year) if day.month == 1 else f"{month} {day.year}")


def _year_tick(at_ns: int, day: date) -> _Tick:
    return _Tick(at_ns, 0, str(day.year), str(day.year))


def _every_days(days: int, day: date) -> bool:
    return day.toordinal() % days == 1 % days  # the first day of them all was a Monday


def _every_months(months: int, day: date) -> bool:
    return day.day == 1 and (day.year * 12 + day.month - 1) % months == 0


_CLOCK_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)


def _steps() -> Iterator[tuple[int, _MakeTicks]]:
    """Yield about how far ticks are from each other, and how to make them, the finest first."""
    for seconds in _CLOCK_S:
        yield seconds * NS, partial(_clock_ticks, seconds)
    for days in (1, 2, 7, 14):
        for tick in (_weekday_tick, _day_tick):
            yield days * DAY_NS, partial(_date_ticks, partial(_every_days, days), tick)
    for months in (1, 3, 6):
        yield (
            months * 30 * DAY_NS,
            partial(_date_ticks, partial(_every_months, months), _month_tick),
        )
    for years in (1, 2, 5, 10, 20, 50, 100):
        yield (
            years * 365 * DAY_NS,
            partial(_date_ticks, partial(_every_months, years * 12), _year_tick),
        )


def ticks(since_ns: int, until_ns: int, zone: Zone, room: int) -> list[tuple[int, str]]:
    """Return round times of the range and how they read, of the finest step that has room.

    The room is so many characters from the range's start to its end.
    """
    length_ns = until_ns - since_ns
    for step_ns, make_ticks in _steps():
        if step_ns * room < 3 * length_ns or not length_ns:
            continue
        found = list(make_ticks(since_ns, until_ns, zone))
        places = [(tick.at_ns - since_ns) * room // length_ns for tick in found]
        labels = _tick_labels(found, [*places, room + 2])
        if labels is not None:
            return [(tick.at_ns, label) for tick, label in zip(found, labels, strict=True)]
    return []


def time_axis(since_ns: int, until_ns: int, zone: Zone, count: int, marks: Marks) -> list[str]:
    """Return a line of ticks and one of their times."""
    found = ticks(since_ns, until_ns, zone, count)
    if not found:
        return [marks.line * count]
    places = [(at_ns - since_ns) * count // (until_ns - since_ns) for at_ns, _ in found]
    line = "".join(marks.tick if at in places else marks.line for at in range(count))
    text = ""
    for place, (_, label) in zip(places, found, strict=True):
        text = text.ljust(place) + label
    return [line, text]


def _tick_labels(ticks: Sequence[_Tick], places: Sequence[int]) -> list[str] | None:
    """Return what is to stand at the `places`, the last of which is the end; None if too tight."""
    rooms = [after - place - 2 for place, after in pairwise(places)]
    labels = [
        tick.short if tick.within == before.within else tick.long
        for before, tick in pairwise([*ticks[:1], *ticks])
    ]
    if labels and len(ticks[0].long) <= rooms[0]:
        labels[0] = ticks[0].long
    if labels and len(labels[-1]) > rooms[-1]:
        labels[-1] = ""
    fits = all(len(label) <= room for label, room in zip(labels, rooms, strict=True))
    return labels if fits and any(labels) else None
