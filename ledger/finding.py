"""What a check of the doctor's comes to."""

from typing import NamedTuple


class Finding(NamedTuple):
    """What was looked at, how it is, and, where that is wrong, what to do."""

    subject: str
    state: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.remedy
