"""The flight recorder for agent fleets: activity signals and a ledger of every touch.

The names below are the public interface. Each is imported when it is first used, so
that ``import ledger`` costs next to nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ledger.decode import decode_state
    from ledger.encode import encode_state
    from ledger.recorder import (
        record,
        touch,
        touch_in_workspace,
        touch_town_activity,
        touch_with_args,
    )
    from ledger.signals import read, read_town_activity
    from ledger.state import State, age, age_ns
    from ledger.workspace import find_workspace

__all__ = [
    "State",
    "age",
    "age_ns",
    "decode_state",
    "encode_state",
    "find_workspace",
    "read",
    "read_town_activity",
    "record",
    "touch",
    "touch_in_workspace",
    "touch_town_activity",
    "touch_with_args",
]

_HOMES = {
    "decode_state": "decode",
    "encode_state": "encode",
    "find_workspace": "workspace",
    "State": "state",
    "age": "state",
    "age_ns": "state",
    "read": "signals",
    "read_town_activity": "signals",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = __import__(f"{__name__}.{_HOMES.get(name, 'recorder')}", fromlist=[name])
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
