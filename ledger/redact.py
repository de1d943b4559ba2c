"""Replace the secrets in a command before it is written anywhere.

Part of the fast lane: a touch imports this. What finds a secret, and what is none, is
written in `ledger.redaction_rules`, which is loaded only for a command that the quick
test here can't clear.
"""

import os

# A command with a secret has one of these texts: capitals as written, or, in lower
# case, a text that few commands have together with one of those behind it.
_CAPITALS = ("AKIA", "ASIA", "ABIA", "ACCA", "AIza", "eyJ", "SG.", "GR1348941")
_GITHUB = ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")
_GITLAB = ("glpat-", "gloas-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-", "glft-", "glimt-")
_DIGITALOCEAN = ("dop_v1_", "doo_v1_", "dor_v1_")
_STRIPE = ("k_live_", "k_test_", "k_prod_", "whsec_")
_HINTS = (
    ("_", (*_GITHUB, *_STRIPE, *_DIGITALOCEAN, "npm_", "hf_", "gsk_", "dckr_pat_")),
    ("-", ("xox", "xapp-", "xai-", "gocspx-", "pypi-age", "-----begin")),
    ("gl", (*_GITLAB, "glagent-", "glwt-", "glsoat-", "glffct-")),
    ("/", ("hooks.slack.com/", "/api/webhooks/")),
    ("://", ("@",)),
    (".", ("ya29.", "hvs.", "hvb.")),
    ("=", ("sig=", "signature=")),
    ("authorization", (":", "=")),
    ("bearer", ("bearer ", "bearer\t")),
    ("curl", ("-u", "u ", "u=")),
    ("-p", ("sshpass", "mysql", "mariadb", "ssh-keygen", "login ")),
    ("-n", ("ssh-keygen",)),
    ("-a", ("redis-cli",)),
    ("-b", ("gh secret set",)),
    ("'", ("identified by", "with password", "set password", "encrypted password")),
)
# ... or one of these names, where a value can follow it.
_NAMES = ("token", "secret", "pass", "pwd", "key", "bearer", "jwt", "creds", "_pat=", "_auth")
_SETTERS = ("config set ", "configure set ", "git config ", "setenv ", "setx ", "set -")
_BEFORE_VALUES = (*_SETTERS, " = ", " := ", '" :', "' :", '" =>', "' =>")
_IN_WORDS = ('":', "':", *(before + "-" for before in "\"'`([{,:;|&>"))


def redact(*words: str) -> str:
    """Return a command with a mark such as ``[redacted:github-token]`` for each secret.

    The command is text as a shell has it, or the words that a shell made of that: a word
    with blanks in it, which was quoted, is taken as one. The words come back joined by
    one space each, and all else is kept. To redact twice is to redact once. With
    ``KEEPALIVE_REDACT=off`` in the environment nothing is replaced.
    """
    command = " ".join(words)
    if not suspicious(command) or os.environ.get("KEEPALIVE_REDACT", "").lower() == "off":
        return command
    from ledger import redaction

    return redaction.replace(*words)


def suspicious(command: str) -> bool:
    """Tell whether `command` may hold a secret: False is certain, True is not."""
    low = command.lower()
    return (
        _has_hint(command, low)
        or ("sk-" in command and _may_begin_key(command))
        or _may_name_value(low)
    )


def _has_hint(command: str, low: str) -> bool:
    if low != command:
        for text in _CAPITALS:
            if text in command:
                return True
    for first, texts in _HINTS:
        if first in low:
            for text in texts:
                if text in low:
                    return True
    return False


def _may_begin_key(command: str) -> bool:
    """Tell whether some ``sk-`` is not the end of a word, as in ``task-``, or too short."""
    at = command.find("sk-")
    while at >= 0:
        before = command[max(at - 2, 0) : at]
        in_word = before.isascii() and before.isalpha() and command[at - 3 : at - 2] != "%"
        if not in_word and len(command[at : at + 19].split(None, 1)[0]) == 19:
            return True
        at = command.find("sk-", at + 3)
    return False


def _may_name_value(low: str) -> bool:
    """Tell whether a secret's name is an option's, or has a value beside it."""
    for name in _NAMES:
        if name in low:
            break
    else:
        return False
    header = "-h" in low
    return any(text in low for text in _BEFORE_VALUES) or any(
        any(name in word for name in _NAMES)
        for word in low.split()
        if "=" in word
        or word[0] == "-"
        or (header and ":" in word)
        or any(text in word for text in _IN_WORDS)
    )
