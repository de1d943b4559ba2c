"""What our HTML pages share: their own style and script, and how they show an instant.

Nothing but these may run on a page: a Content-Security-Policy names them by their hashes.
"""

import base64
import hashlib
import os

from markupsafe import Markup

from ledger.gotime import format_instant
from ledger.instants import zone

_PAGES = os.path.join(os.path.dirname(__file__), "pages")
_UTC = zone("UTC")


def own_file(name: str, place: str = _PAGES) -> str:
    """Return the text of a style or a script, by default one that several pages share."""
    with open(os.path.join(place, name), encoding="utf-8") as file:
        return file.read()


def policy_hash(text: str) -> str:
    """Return how a Content-Security-Policy names the text of an element."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def instant(at_ns: int, text: str) -> Markup:
    """Return an instant that reads as `text`, with the UTC in a tooltip."""
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        format_instant(at_ns), _UTC.text(at_ns), text
    )
