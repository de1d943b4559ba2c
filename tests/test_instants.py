"""Times as people write them, in zones with all their quirks, and back."""

import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import instants
from ledger.errors import BadInputError
from ledger.instants import NS, duration, exact_duration, parse, parse_duration, parse_iso, zone

UTC_ZONE = zone("UTC")
RIGA = zone("Europe/Riga")
NEW_YORK = zone("America/New_York")
NOW = 1_772_119_403_000_000_005  # 2026-02-26T15:23:23.000000005Z

ZONES = [
    "UTC",
    "Europe/Riga",
    "America/New_York",
    "Australia/Lord_Howe",  # clocks move by half an hour
    "Asia/Kathmandu",  # +05:45
    "Pacific/Apia",  # skipped a day in 2011
    "America/Sao_Paulo",  # skipped midnights
    "Africa/Monrovia",  # -00:44:30 until 1972
]
INT64_NS = (1 << 63) - 1

# Seconds around which clocks of Riga and New York change, and any other.
seconds = st.one_of(
    st.integers(-INT64_NS // NS + 1, INT64_NS // NS - 1),
    st.builds(
        lambda change, off: change + off,
        st.sampled_from([1_774_746_000, 1_792_890_000, 1_772_953_200, 1_793_512_800]),
        st.integers(-7200, 7200),
    ),
)
moments = st.builds(lambda s, ns: s * NS + ns, seconds, st.integers(0, NS - 1))


def ns(text: str) -> int:
    """Return the instant of a whole second in ISO 8601 with its offset."""
    return int(datetime.fromisoformat(text).timestamp()) * NS


@given(moments, st.sampled_from(ZONES))
def test_a_written_instant_reads_back(at_ns: int, name: str) -> None:
    """An instant written in any zone, with its offset, is read as the same to the nanosecond."""
    wall = zone(name).wall_clock(at_ns)
    whole = wall.replace(microsecond=0).isoformat()
    text = f"{whole[:19]}.{at_ns % NS:09d}{whole[19:]}"
    assert parse(text, NOW, UTC_ZONE) == at_ns
    assert parse_iso(text, None) == at_ns


@given(moments, st.sampled_from(ZONES))
def test_a_wall_clock_reads_back(at_ns: int, name: str) -> None:
    """Without its offset a time is its zone's; of two, it is the first."""
    where = zone(name)
    wall = where.wall_clock(at_ns)
    read = parse(f"{wall.strftime('%Y-%m-%d %H:%M:%S')}.{at_ns % NS:09d}", NOW, where)
    twice = wall.replace(fold=0).utcoffset() - wall.replace(fold=1).utcoffset()
    assert read == at_ns - (twice // timedelta(seconds=1) * NS if wall.fold else 0)


@given(moments, st.sampled_from(ZONES), st.integers(-3, 3))
def test_midnight_begins_the_day(at_ns: int, name: str, days: int) -> None:
    """A day's first instant shows its date, and the nanosecond before it an earlier one."""
    where = zone(name)
    day = (where.wall_clock(at_ns) + timedelta(days=days)).date()
    first = where.midnight(at_ns, days)
    if name == "Pacific/Apia" and day.isoformat() == "2011-12-30":
        return  # there was no such day
    assert where.wall_clock(first).date() == day
    assert where.wall_clock(first - 1).date() < day


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        # The hour that Riga's clocks skip is read as if they had not gone forward yet.
        ("2026-03-29T03:30", RIGA, "2026-03-29T01:30+00:00"),
        ("2026-03-29T02:59:59", RIGA, "2026-03-29T00:59:59+00:00"),
        ("2026-03-29T04:00", RIGA, "2026-03-29T01:00+00:00"),
        # Of the hour that comes twice, the first.
        ("2026-10-25T03:30", RIGA, "2026-10-25T00:30+00:00"),
        ("2026-10-25T03:30+02:00", RIGA, "2026-10-25T01:30+00:00"),
        ("2026-10-25T04:00", RIGA, "2026-10-25T02:00+00:00"),
        ("2026-03-08 02:30", NEW_YORK, "2026-03-08T07:30+00:00"),
        ("2026-03-08 03:00", NEW_YORK, "2026-03-08T07:00+00:00"),
        ("2026-11-01 01:30", NEW_YORK, "2026-11-01T05:30+00:00"),
        ("2026-11-01 02:00", NEW_YORK, "2026-11-01T07:00+00:00"),
        ("2026-03-29", RIGA, "2026-03-28T22:00+00:00"),
        ("2026-03-30", RIGA, "2026-03-29T21:00+00:00"),
        ("20260226", UTC_ZONE, "2026-02-26T00:00+00:00"),
        ("2026-W09-4", UTC_ZONE, "2026-02-26T00:00+00:00"),
        ("20260226T151323Z", RIGA, "2026-02-26T15:13:23+00:00"),
        ("2026-02-26T15", UTC_ZONE, "2026-02-26T15:00+00:00"),
        ("  2026-02-26T15:13 ", RIGA, "2026-02-26T13:13+00:00"),
        ("2026-02-26T15:13:23-05:30", RIGA, "2026-02-26T20:43:23+00:00"),
        ("today", UTC_ZONE, "2026-02-26T00:00+00:00"),
        ("Today", RIGA, "2026-02-25T22:00+00:00"),
        ("yesterday", NEW_YORK, "2026-02-25T05:00+00:00"),
    ],
)
def test_days_and_dates(text: str, where: instants.Zone, expected: str) -> None:
    """Dates and times without an offset are of the zone."""
    assert parse(text, NOW, where) == ns(expected)


@pytest.mark.parametrize("change", ["2026-03-29", "2026-10-25"])
def test_yesterday_on_the_day_after_a_change(change: str) -> None:
    """Yesterday begins at midnight also where it had 23 or 25 hours."""
    noon_after = parse(change, NOW, RIGA) + 36 * 3600 * NS
    assert parse("yesterday", noon_after, RIGA) == parse(change, NOW, RIGA)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("2026-02-26T15:13:23.5Z", 500_000_000),
        ("2026-02-26T15:13:23,5Z", 500_000_000),
        ("20260226T151323.000000001Z", 1),
        ("2026-02-26T15:13:23.123456789987654321+00:00", 123_456_789),
    ],
)
def test_fractions(text: str, nanoseconds: int) -> None:
    """A fraction counts to the nanosecond; further digits are dropped."""
    assert parse(text, NOW, RIGA) == ns("2026-02-26T15:13:23+00:00") + nanoseconds


@pytest.mark.parametrize(
    ("text", "length_s"),
    [
        ("now", 0),
        ("0s", 0),
        ("90s", 90),
        ("15m", 900),
        ("2h", 7200),
        ("7d", 604_800),
        ("1w", 604_800),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5h", 5400),
        ("0.5s", 0.5),
        ("2 hours ago", 7200),
        ("1 day ago", 86_400),
        ("2hours ago", 7200),
        ("3 WEEKS", 1_814_400),
        ("10 mins", 600),
        ("1 week 2 days 3 hrs 4 minutes 5 secs ago", 788_645),
    ],
)
def test_durations_are_before_now(text: str, length_s: float) -> None:
    """A duration says how long ago, `m` being minutes."""
    assert parse(text, NOW, RIGA) == NOW - int(length_s * NS)


@pytest.mark.parametrize(
    ("text", "now", "instant"),
    [
        ("03:12", "2026-03-02T09:00Z", "2026-03-02T01:12Z"),
        ("3:12", "2026-03-02T01:12Z", "2026-03-02T01:12Z"),
        ("03:12:30", "2026-03-02T01:12:29.9Z", "2026-03-01T01:12:30Z"),
        (" 23:59 ", "2026-03-01T22:30Z", "2026-03-01T21:59Z"),
        ("00:00", "2026-03-01T22:00Z", "2026-03-01T22:00Z"),
    ],
)
def test_a_time_of_day_is_the_last_one(text: str, now: str, instant: str) -> None:
    """Of today, or of yesterday where it is yet to come, by the clocks of the zone."""
    assert parse(text, parse_iso(now, None), RIGA) == parse_iso(instant, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "24:00",
        "12:60",
        "1:2",
        "12:00:61",
        "ago",
        "soon",
        "15",
        "15x",
        "1mo",
        "m",
        "-5m",
        "5m-",
        "h2",
        "1h30",
        "9" * 5000 + "s",
        "2026",
        "2026-13-01",
        "2026-02-30",
        "2026-02-26T25:00",
        "2026-02-26.5",
        "2026-02-26T15:13.5",
        "2026-02-26T15.5",
        "26.02.2026",
        "1600-01-01",
        "2300-01-01",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01",
        "999999w",
        "\x1b[31m",
        "\udcff",
        "٣h",
    ],
)
@pytest.mark.parametrize("where", [RIGA, zone(None)], ids=["zone", "local"])
def test_what_is_no_time(text: str, where: instants.Zone) -> None:
    """What can't be read, or a ledger can't hold, is an error that shows the text."""
    with pytest.raises(BadInputError) as caught:
        parse(text, NOW, where)
    assert str(caught.value).startswith(repr(text))
    assert caught.value.hint


@given(st.text())
def test_any_text_is_a_time_or_an_error(text: str) -> None:
    """Whatever is given for a time is read, or refused with a BadInputError."""
    try:
        at_ns = parse(text, NOW, RIGA)
    except BadInputError:
        return
    assert abs(at_ns) <= INT64_NS


@given(moments)
def test_the_local_zone_is_that_of_the_environment(at_ns: int) -> None:
    """Without a name the zone is the machine's, here UTC."""
    assert zone(None).name == "UTC"
    assert zone(None).wall_clock(at_ns) == UTC_ZONE.wall_clock(at_ns)
    text = zone(None).wall_clock(at_ns).strftime("%Y-%m-%dT%H:%M:%S")
    assert parse_iso(text, zone(None)) == at_ns // NS * NS


@pytest.mark.parametrize(
    ("value", "name"), [("Europe/Riga", "Europe/Riga"), (":UTC", "UTC"), ("", "UTC")]
)
def test_name_of_the_local_zone(value: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable TZ names the local zone; empty, it is UTC."""
    monkeypatch.setenv("TZ", value)
    assert zone("local").name == name


@pytest.mark.parametrize("name", ["", "Mars", "Europe", "../UTC", "/etc/passwd", "a\0b", "\udcff"])
def test_no_such_zone(name: str) -> None:
    """A zone that there is not is an error with an example."""
    with pytest.raises(BadInputError, match="there is no time zone") as caught:
        zone(name)
    assert caught.value.hint == "Name one such as UTC or Europe/Riga."


def test_every_zone_there_is() -> None:
    """Each zone that zoneinfo lists can be named."""
    for name in zoneinfo.available_timezones():
        assert zone(name).wall_clock(NOW) == datetime.fromtimestamp(NOW // NS, UTC)


@pytest.mark.parametrize(
    ("length_ns", "text"),
    [
        (0, "0.0s"),
        (99_999_999, "0.0s"),
        (300_000_000, "0.3s"),
        (9_999_999_999, "9.9s"),
        (10 * NS, "10s"),
        (59_999_999_999, "59s"),
        (60 * NS, "1m"),
        (252 * NS, "4m 12s"),
        (3600 * NS, "1h"),
        (3601 * NS, "1h"),
        (86_399 * NS, "23h 59m"),
        (86_400 * NS, "1d"),
        (266_400 * NS, "3d 2h"),
        (31_536_000 * NS, "365d"),
        (-252 * NS, "-4m 12s"),
        (-1, "-0.0s"),
        (INT64_NS, "106751d 23h"),
    ],
)
def test_durations_in_words(length_ns: int, text: str) -> None:
    """A duration shows its two largest units, and never more than has passed."""
    assert duration(length_ns) == text


lengths = st.one_of(
    st.integers(0, INT64_NS),
    st.integers(0, 100 * 86_400).map(lambda second: second * NS),
    st.integers(0, 10 * NS),
)


@given(lengths)
def test_an_exact_duration_reads_back(length_ns: int) -> None:
    """A duration written exactly is read as the same to the nanosecond, also as a time."""
    text = exact_duration(length_ns)
    assert parse_duration(text) == length_ns
    assert parse(text, 0, UTC_ZONE) == -length_ns
    assert text == text.strip().lower()
    assert " " not in text


@pytest.mark.parametrize(
    ("length_ns", "text"),
    [
        (0, "0s"),
        (1, "0.000000001s"),
        (500_000_000, "0.5s"),
        (NS, "1s"),
        (59_999_999_999, "59.999999999s"),
        (60 * NS, "1m"),
        (60 * NS + 1, "1m0.000000001s"),
        (90 * NS, "1m30s"),
        (5400 * NS, "1h30m"),
        (86_400 * NS, "1d"),
        (604_800 * NS, "7d"),
        (90_061 * NS, "1d1h1m1s"),
        (3600 * NS + 100_000_000, "1h0.1s"),
        (INT64_NS, "106751d23h47m16.854775807s"),
    ],
)
def test_durations_to_the_nanosecond(length_ns: int, text: str) -> None:
    """An exact duration names every unit that it needs, and no other."""
    assert exact_duration(length_ns) == text
    assert parse_duration(text) == length_ns


@pytest.mark.parametrize(
    ("text", "length_ns"),
    [
        ("90s", 90 * NS),
        (" 15m ", 900 * NS),
        ("2H", 7200 * NS),
        ("1h 30 minutes", 5400 * NS),
        ("1.5h", 5400 * NS),
        ("1w", 604_800 * NS),
        ("0.0000000019s", 1),  # cut to the nanosecond
        ("0.5m", 30 * NS),
        ("106751d23h47m16.854775807s", INT64_NS),
    ],
)
def test_lengths_in_many_forms(text: str, length_ns: int) -> None:
    """A duration takes the units of a time, in all their spellings."""
    assert parse_duration(text) == length_ns


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "5", "m", "-5m", "+5m", "5m-", "1h30", "h2", "5x", "1mo", ".5s", "5.s", "1e3s",
        "1,5h", "5 m a", "2 hours ago", "now", "today", "2026-02-26", "inf", "nans",
        "106751d23h47m16.854775808s", "15251w", "9" * 5000 + "s", "0." + "1" * 5000 + "s",
        "\x1b[31m", "\udcff", "٣h", "5\0m",
    ],
)  # fmt: skip
def test_what_is_no_duration(text: str) -> None:
    """What is no length, or more than a ledger holds, is an error that shows the text."""
    with pytest.raises(BadInputError) as caught:
        parse_duration(text)
    assert (str(caught.value), caught.value.hint) == (
        f"{text!r} is not a duration that I can read",
        "Write 90s, 15m, 2h, 1h30m or 1.5h.",
    )


@given(st.text() | st.from_regex(r"([0-9]{1,25}(\.[0-9]{1,25})? ?[smhdw] ?){1,3}", fullmatch=True))
def test_any_text_is_a_duration_or_an_error(text: str) -> None:
    """Whatever is given for a duration is read, or refused with a BadInputError."""
    try:
        length_ns = parse_duration(text)
    except BadInputError:
        return
    assert 0 <= length_ns <= INT64_NS
    assert parse_duration(exact_duration(length_ns)) == length_ns
