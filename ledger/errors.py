"""The errors that questions end with: what is wrong, and what to do about it."""


class LedgerError(Exception):
    """Base of all errors of the asking half.

    `hint` says what to do, `exit_status` is the command's: 2, or 1 for a negative
    finding.
    """

    exit_status = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class LedgerUnusableError(LedgerError):
    """The ledger can't be opened: not one, of a newer schema, not permitted, damaged."""


class BadInputError(LedgerError):
    """A time, a zone, a file or an option that says nothing we understand."""


class NotFoundError(LedgerError):
    """What was asked for is not there."""

    exit_status = 1
