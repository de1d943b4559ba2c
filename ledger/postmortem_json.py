"""A post-mortem as one object for programs: instants ``..._at``, durations ``..._s``."""

from collections.abc import Sequence

from ledger.gotime import format_instant
from ledger.history import HistoryRow
from ledger.postmortem import Postmortem
from ledger.postmortem_lanes import Lane
from ledger.postmortem_silences import Silence
from ledger.postmortem_words import INFERRED, OBSERVED

Object = dict[str, object]


def as_object(found: Postmortem) -> Object:
    """Return the post-mortem in its five parts, each marked as observed or inferred."""
    return {
        "at": format_instant(found.at_ns),
        "at_is_default": found.found,
        "window": {
            "since_at": format_instant(found.since_ns),
            "until_at": format_instant(found.until_ns),
        },
        "made_at": format_instant(found.now_ns),
        "seen": _seen(found),
        "unusual": _unusual(found),
        "daemon": _daemon(found),
        "touches": _touches(found),
        "unknown": _unknown(found),
        "lanes": [_lane(lane) for lane in found.lanes],
    }


def _at(at_ns: int | None) -> str | None:
    return None if at_ns is None else format_instant(at_ns)


def _seen(found: Postmortem) -> Object:
    return {
        "basis": OBSERVED,
        "last": [
            {
                **one.stream._asdict(),
                "last_at": format_instant(one.at_ns),
                "age_s": one.age_s,
                "command": one.command,
            }
            for one in found.seen.last
        ],
        "began_at": format_instant(found.seen.began_ns),
        "fell_silent": [
            {
                **one.stream._asdict(),
                "chosen": one.chosen,
                "began_at": format_instant(one.began_ns),
                "ended_at": _at(one.ended_ns),
            }
            for one in found.seen.fell_silent
        ],
    }


def _unusual(found: Postmortem) -> Object:
    return {
        "basis": OBSERVED,
        "together": _silence(found.unusual.together),
        "each": [_silence(one) for one in found.unusual.each],
        "host_off": found.unusual.host_off,
    }


def _silence(one: Silence) -> Object:
    rest = _renamed(one._asdict(), ("began_ns", "ended_ns"))
    del rest["stream"]
    return {**(one.stream._asdict() if one.stream else {}), **rest}


def _daemon(found: Postmortem) -> Object:
    daemon = found.daemon
    return {
        "basis": INFERRED,
        "policy": daemon.policy,
        "first_heartbeat_at": format_instant(daemon.first_ns),
        "earlier_heartbeats_from_at": _at(daemon.earlier_ns),
        "silence_began_at": format_instant(daemon.began_ns),
        "silence_ended_at": _at(daemon.ended_ns),
        "idle": daemon.idle,
        "heartbeats": [_renamed(beat._asdict(), ("at_ns",)) for beat in daemon.heartbeats],
        "policies": [
            _renamed(view._asdict(), ("noticed_ns", "resumed_ns")) for view in daemon.views
        ],
    }


def _renamed(record: Object, instants: Sequence[str]) -> Object:
    """Return a record with its instants as text, under names that say so."""

    def field(name: str, value: object) -> tuple[str, object]:
        if name not in instants:
            return name, value
        text = format_instant(value) if isinstance(value, int) else None
        return ("at" if name == "at_ns" else name.replace("_ns", "_at")), text

    return dict(field(name, value) for name, value in record.items())


def _touches(found: Postmortem) -> Object:
    def row(one: HistoryRow) -> Object:
        at = format_instant(one.at_ns)
        return {"at": at, **one.stream._asdict(), "command": one.command}

    touches = found.touches
    return {
        "basis": OBSERVED,
        "before": [row(one) for one in touches.before],
        "after": [row(one) for one in touches.after],
        "all_before": touches.all_before,
        "all_after": touches.all_after,
    }


def _unknown(found: Postmortem) -> Object:
    unknown = found.unknown
    sources = [_renamed(one._asdict(), ("last_ns",)) for one in unknown.sources]
    never = [stream._asdict() for stream in unknown.never_before]
    return {
        "basis": OBSERVED,
        **unknown._asdict(),
        "sources": sources,
        "never_before": never,
    }


def _lane(lane: Lane) -> Object:
    return {
        "basis": OBSERVED,
        "stream": lane.stream._asdict() if lane.stream else None,
        "first_at": format_instant(lane.first_ns),
        "active": [
            {"started_at": format_instant(started), "ended_at": format_instant(ended)}
            for started, ended in lane.active
        ],
        "idle": [_renamed(one._asdict(), ("started_ns", "ended_ns")) for one in lane.idle],
    }
