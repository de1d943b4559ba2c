"""What ``keepalive backoff`` prints of a replay."""

from collections.abc import Iterator

from ledger import output
from ledger.cli import options
from ledger.figures import Backoff
from ledger.gotime import format_instant
from ledger.instants import NS, Zone, duration
from ledger.terminal import count


def as_dict(one: Backoff) -> dict[str, object]:
    """Return the replay as the formats show it."""
    record: dict[str, object] = {
        "policy": one.policy,
        "since": format_instant(one.since_ns),
        "until": format_instant(one.until_ns),
    }
    record |= {name: value for name, value in one._asdict().items() if not name.endswith("_ns")}
    record["tiers"] = [tier._asdict() for tier in one.tiers]
    record["averaged"] = one.averaged and one.averaged._asdict()
    return record


def columns(form: str) -> list[str]:
    """Return the fields in their order; those that are tables only where a format has room."""
    names = ["policy", "since", "until"]
    names += [name for name in Backoff._fields[1:] if not name.endswith("_ns")]
    return names if form in {"json", "nl"} else names[:-2]


def length(length_s: float | None) -> str:
    """Return a duration in words, '-' for none."""
    return "-" if length_s is None else duration(round(length_s * NS))


def average_note(one: Backoff) -> str:
    """Say why figures are averages."""
    times = count(one.resumptions, "time", "times")
    resumed = f"only {times}" if one.resumptions else "never"
    phases = one.averaged.phases if one.averaged else 1
    return f"averages over {phases} phases: work resumed {resumed}, so one phase would mislead"


def lines(one: Backoff, zone: Zone) -> Iterator[str]:
    """Yield the report of one replay."""
    yield (
        f"{one.policy} ({one.mode}), {options.range_text(one.since_ns, one.until_ns, zone)},"
        f" first heartbeat {f'{length(one.phase_s)} after' if one.phase_s else 'at'} the start"
    )
    yield ""
    yield from output.grid(*_figures(one), right={1, 2})
    yield ""
    yield from output.grid(*_late(one), right={1, 2, 3})
    yield ""
    yield from output.grid(*_tiers(one), right={0, 1, 2, 3, 4, 5})
    if (averaged := one.averaged) is not None:
        yield ""
        yield average_note(one)
        yield (
            f"  heartbeats {averaged.per_day:.1f} a day, wasted {averaged.wasted_per_day:.1f};"
            f" reaction {length(averaged.reaction_median_s)} median,"
            f" {length(averaged.reaction_p95_s)} in 95 %, {length(averaged.reaction_max_s)} at most"
        )
    if one.reaches_stale:
        yield ""
        yield stale_warning(one)


def stale_warning(one: Backoff) -> str:
    """Say what an interval as long as --stale-after leads to."""
    return (
        f"warning: the longest interval, {length(one.longest_interval_s)}, reaches"
        f" {length(one.stale_after_s)}, when an agent counts as stuck (--stale-after)"
    )


_Grid = tuple[list[str], list[list[str]]]


def _figures(one: Backoff) -> _Grid:
    days = (one.until_ns - one.since_ns) / NS / 86_400 - one.phase_s / 86_400
    saved = "" if one.saved_share is None else f"{one.saved_share * 100:.1f} %"
    wasted = f"{one.wasted / one.heartbeats * 100:.1f} %" if one.heartbeats else ""
    rows = [
        ["heartbeats", f"{one.heartbeats:,}", f"{one.per_day:,.1f}", ""],
        ["wasted", f"{one.wasted:,}", f"{one.wasted_per_day:,.1f}", wasted],
        ["saved", f"{one.saved:,}", f"{one.saved / days:,.1f}" if days > 0 else "",
         f"{saved} of one every {length(one.base_s)}".strip()],
    ]  # fmt: skip
    headers = ["", "in all", "a day", "share"]
    if one.cost is not None:
        headers.append("cost")
        for row, cost in zip(rows, (one.cost, one.wasted_cost, one.saved_cost), strict=True):
            row.append(f"{cost:,.2f}")
    return headers, rows


def _late(one: Backoff) -> _Grid:
    resumed = f"of {count(one.resumptions, 'time', 'times')} that work resumed"
    found = f"of {count(one.silences, 'silence', 'silences')}, {one.unnoticed:,} never noticed"
    return ["", "median", "95 %", "at most", ""], [
        ["reaction", length(one.reaction_median_s), length(one.reaction_p95_s),
         length(one.reaction_max_s), resumed],
        ["noticed after", length(one.noticed_median_s), length(one.noticed_p95_s),
         length(one.noticed_max_s), found],
    ]  # fmt: skip


def _tiers(one: Backoff) -> _Grid:
    whole_s = (one.until_ns - one.since_ns) / NS
    return ["tier", "idle from", "interval", "time", "time %", "heartbeats"], [
        [str(tier.tier), length(tier.from_s) if tier.from_s else "0", length(tier.interval_s),
         length(tier.time_s), f"{tier.time_s / whole_s * 100:.1f}" if whole_s else "",
         f"{tier.heartbeats:,}"]
        for tier in one.tiers
    ]  # fmt: skip
