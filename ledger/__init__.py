"""The flight recorder for agent fleets: activity signals and a ledger of every touch.

The names below are the public interface. Each is imported when it is first used, so
that ``import ledger`` costs next to nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ledger.backoff import compare_policies, replay_policy, unbeaten
    from ledger.database import open_ledger
    from ledger.decode import decode_state
    from ledger.encode import encode_state
    from ledger.figures import Question
    from ledger.filters import Filters
    from ledger.heartbeat import next_heartbeat
    from ledger.idle import idle_days, idle_report
    from ledger.instants import zone
    from ledger.policy import parse_policy
    from ledger.postmortem import tell_postmortem
    from ledger.recorder import (
        record,
        touch,
        touch_in_workspace,
        touch_town_activity,
        touch_with_args,
    )
    from ledger.signals import read, read_town_activity
    from ledger.state import State, age, age_ns
    from ledger.status import check_age, stream_status
    from ledger.tuning import Bound, tune_policy
    from ledger.waiting import wait_for_heartbeat
    from ledger.workspace import find_workspace

_HOMES = {
    "Bound": "tuning",
    "Filters": "filters",
    "Question": "figures",
    "State": "state",
    "age": "state",
    "age_ns": "state",
    "check_age": "status",
    "compare_policies": "backoff",
    "decode_state": "decode",
    "encode_state": "encode",
    "find_workspace": "workspace",
    "idle_days": "idle",
    "idle_report": "idle",
    "next_heartbeat": "heartbeat",
    "open_ledger": "database",
    "parse_policy": "policy",
    "read": "signals",
    "read_town_activity": "signals",
    "record": "recorder",
    "replay_policy": "backoff",
    "stream_status": "status",
    "tell_postmortem": "postmortem",
    "touch": "recorder",
    "touch_in_workspace": "recorder",
    "touch_town_activity": "recorder",
    "touch_with_args": "recorder",
    "tune_policy": "tuning",
    "unbeaten": "backoff",
    "wait_for_heartbeat": "waiting",
    "zone": "instants",
}

__all__ = [
    "Bound",
    "Filters",
    "Question",
    "State",
    "age",
    "age_ns",
    "check_age",
    "compare_policies",
    "decode_state",
    "encode_state",
    "find_workspace",
    "idle_days",
    "idle_report",
    "next_heartbeat",
    "open_ledger",
    "parse_policy",
    "read",
    "read_town_activity",
    "record",
    "replay_policy",
    "stream_status",
    "tell_postmortem",
    "touch",
    "touch_in_workspace",
    "touch_town_activity",
    "touch_with_args",
    "tune_policy",
    "unbeaten",
    "wait_for_heartbeat",
    "zone",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = __import__(f"{__name__}.{_HOMES[name]}", fromlist=[name])
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
