"""Entry point: a plain ``touch`` takes the fast lane, all else goes to the command line."""

import os
import sys


def main() -> None:
    """Run the command that the process was started with; does not return."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["touch"]:
        _touch(arguments[1:])
    from ledger.cli import main as command_line

    command_line()


def _touch(arguments: list[str]) -> None:
    """Record the touch and end the process, or return when `arguments` are not plain."""
    import _signal  # type: ignore[import-not-found]  # loaded already, unlike signal

    # A touch takes a moment: an interrupt meant for the shell must not cost it.
    _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
    from ledger import touch_arguments

    parsed = touch_arguments.parse(arguments)
    if parsed is None:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        return
    strict = "strict" in parsed[2]
    status = int(strict)  # whatever happens, bar --strict, it is 0
    try:
        _import_sqlite()
        status = touch_arguments.run(*parsed)
    except Exception as error:  # noqa: BLE001 - nor does a touch show a traceback
        if strict:
            touch_arguments.tell([f"the touch was not recorded: {error or type(error).__name__}"])
    finally:
        # Without the interpreter's farewell, and without closing the ledger: the
        # last one to close it would write the whole WAL back, with an fsync.
        os._exit(status)


def _import_sqlite() -> None:
    """Import _sqlite3 without functools, a seventh of a touch's time.

    It asks functools for nothing but lru_cache, to remember prepared statements: of no
    use to a process that executes each once. Where that should change, the import fails
    here and is made in the ordinary way later.
    """
    functools = type(sys)("functools")
    functools.lru_cache = lambda _: lambda function: function  # type: ignore[attr-defined]
    if sys.modules.setdefault("functools", functools) is functools:
        try:
            import _sqlite3  # noqa: F401
        except Exception:  # noqa: BLE001, S110 - it is only a saving
            pass
        finally:
            del sys.modules["functools"]


if __name__ == "__main__":
    main()
