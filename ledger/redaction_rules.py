"""The table of rules by which secrets are found in a command.

Longer than most modules because the table and the parts its patterns are made of are
one thing: none of it can be understood, or changed, without the rest.

Used by `ledger.redaction`. Loaded only for a command that may hold a secret; a pattern is compiled
when a command first bears one of its rule's hints. The secret is the last group that took
part in a match. Every pattern takes linear time: what may repeat is possessive, bounded,
or can't begin again inside itself.

Kept, as it holds no secret: a value that is only a reference (``$TOKEN``, ``"${TOKEN}"``,
``%TOKEN%``, ``{{ token }}``, ``<token>``, ``$(cat file)``), a yes or no, stars, and what
looks like the path of a private key. A mixture such as ``abc$X`` is replaced, and so is
``$(echo secret)``, which spells out what it stands for.
"""


# --- values -------------------------------------------------------------------------------

_QUOTE = r"""\\?["']"""
_ENDS = r"""(?=[\s"'`;,)\]}|&<>\\]|\Z)"""
_VARIABLES = (
    r"(?:(?:\$(?:env:\w++|[A-Za-z_]\w*+|[0-9@*#?!$]|\{\{[^{}\n]*+\}\}"
    r"|\{[#!]?[A-Za-z_]\w*+(?::?[-+=](?:\$\{?\w*+\}?)?|:?\?[^$}{\n]*+)?\})"
    r"|%[A-Za-z_]\w*+%|\{\{[^{}\n]*+\}\}|<[\w -]++>)[-:/.]{0,2}+){1,9}+"
)
_NOTHING = rf"(?:{_VARIABLES}|(?i:true|false|null|none|yes|no)|\*++)"
_LITERAL_ECHO = r"(?:\$\(\s*(?:echo|printf)\b[^$()\n]*+\)|`\s*(?:echo|printf)\b[^$`\n]*+`)"
_SUBSTITUTION = rf"(?:(?!{_LITERAL_ECHO})(?:\$\(|`))"
_NO_SECRET = rf"(?:{_QUOTE}{_NOTHING}{_QUOTE}|{_NOTHING}{_ENDS}|(?:{_QUOTE})?{_SUBSTITUTION})"

# A word without quotes. What closes a list, a call or a statement belongs to it only
# when more of the word follows; `&name=`, `;name=` and `,name=` begin something else.
_NEXT_NAME = r"(?:&|[\w.%\[\]-]++=)"
_CLOSER = rf"(?:[)\]}}`|]|[;,&](?!{_NEXT_NAME}))"
_ESCAPED_END = r"""\\(?:[\s"']|[nrt](?:[\w.-]*+=|[\s"'\\]|\Z))"""
_WORD = (
    rf"""(?:{_CLOSER}*+(?:\$\{{[^\s{{}}"']*+\}}|[^\s"'\\;,&)\]}}`|]"""
    rf"""|(?!{_ESCAPED_END})\\|{_QUOTE}(?=[A-Za-z0-9])))++"""
)
_OPENS = r"(?![\s;,)|&\]}])"  # else the quote before it closes what began earlier
_PIECE = rf"""(?:\$?"{_OPENS}(?:[^"\\]|\\.)*+"|\$?'{_OPENS}[^']*+')"""
_VALUE = (
    rf"(?!{_NO_SECRET})"
    rf"""(?:({_PIECE}(?:{_PIECE}|[\w.@%+/=!#~^*-])++)"""
    rf"""|\$?"{_OPENS}((?:[^"\\]|\\.)++)"|\$?'{_OPENS}([^']++)'"""
    rf"""|\\"([^"\\]++)\\"|\\'([^'\\]++)\\'|({_LITERAL_ECHO})|({_WORD}))"""
)
# The rest of an argument that group 1 quotes: blanks included, up to the quote or the
# next name or option.
_REST = (
    rf"(?!{_NOTHING}\1|{_SUBSTITUTION})"
    rf"((?:(?!\1)[^\\\s&;,]|\\.|\s(?!-)|[&;,](?!{_NEXT_NAME}))++)(?=\1|[&;,]{_NEXT_NAME})"
)

# --- named values -------------------------------------------------------------------------

_SWITCHES = "no|without|ask|prompt|show|print|generate|require|skip|allow|enable|disable|use|has"
_EDITIONS = "prod|production|staging|dev|test|live|old|new|primary|secondary"
_PROSE = "flags?|options?|arguments?|args?|parameters?|params?|switch|support|handling|usage"
# A `==` gives a query to HTTPie; before a number it gives a version to pip.
_IS = r"""(?:(?:[:?+]?=|==(?![0-9]))(?![=~>])|[ ]:?=[ ](?=\\?["']))"""
_GAP = (
    r"(?:(?:[ \t]|\\\r?\n)++"
    rf"(?!-|:?=[ ]|[|&;)]++(?:\s|\Z)|[0-9]?[<>]|(?i:{_PROSE}){_ENDS})"
    rf"|{_QUOTE}[ \t]*+,[ \t]*+(?={_QUOTE}))"
)
_OPTION = r"""(?<![^\s"'`(\[{,=:;|&>])"""  # what an option may stand behind
_HEADER = r"(?:-H|--header)[ =]?"
_SETTER = (
    r"(?:(?:(?:configure|config)[ ]set|git[ ]config|setenv|setx)(?:[ ]--?[\w.-]++)*+"
    r"|set[ ]-(?=\w*x)\w++(?:[ ]-\w++)*+)[ ]"
)
_CARRIER = (
    r"(?:-e|-d|-F|-var|--env|--build-arg|--from-literal|--set|--set-string|--form|--form-string"
    r"|--data|--data-raw|--data-binary|--data-urlencode|export|env)[ =]"
)


def _named(words: str, unless: str = "") -> tuple[str, str]:
    """Return the patterns of a value whose name ends in one of `words`."""
    name = (
        rf"(?i:(?!-{{0,2}}(?:{_SWITCHES})[-_])[\w.-]*?(?:{words})"
        rf"(?:[_-]?[0-9]{{1,3}}|[_-](?:{_EDITIONS}))?)"
    )
    after = (
        rf"(?:{_IS}|(?(1):[ \t]*+|(?!))|(?(2)[ ](?!-|[|&;<>])|(?!))|(?(3)(?:{_QUOTE})?\]{_IS}|(?!))"
        rf"|(?(4){_QUOTE}[ ]?(?::|=>)\s*+(?![\[{{])|(?!))|(?(5)(?::(?![\s:=])|{_GAP})|(?!)))"
    )
    before = rf"({_HEADER}(?:{_QUOTE})?)|({_SETTER})|(\[(?:{_QUOTE})?)|({_QUOTE})|"
    value = rf"(?:(?<![\w.\]-])|(?=\[))(?:{before})(?:{_OPTION}(?=(-)))?+{name}{after}"
    argument = (
        rf"(?<![\w-])(?:{_CARRIER}|{_HEADER}|(?<![^\s,(\[])(?=[\"']--))([\"']){name}[=:][ \t]*+"
    )
    return value + unless + _VALUE, argument + unless + _REST


_COUNT = r"""["']?[= ][0-9]{1,3}(?:[\s"',;]|\Z)"""  # of tests passed, say
_DIRECTORY = r"""[= ]["']?[/~.]"""
_PASSWORD = (
    "password|passwd|passphrase|passcode|passin|passout|creds|(?:store|key|user|db|root|admin)pass"
    rf"|(?<![a-z0-9])pass(?!{_COUNT})"
    rf"|(?:(?<=[a-z0-9][_.-])|(?<=;)|(?<=--))pwd(?!{_DIRECTORY})"
)
_ELSEWHERE = rf"(?!(?:{_QUOTE})?(?:(?:env|file|fd):|(?:stdin|prompt){_ENDS}))"
_NO_CREDENTIAL = "max min num pad eos bos unk mask sep cls stop next starting page continuation"
_TOKEN = (
    "".join(f"(?<!{word}[-_])" for word in _NO_CREDENTIAL.split())
    + "token|bearer|(?<![a-z0-9])jwt|(?<=_)pat(?==)|(?<![\\w.-])_auth"
)
_MOUNTED = rf"(?!(?:{_QUOTE})?(?:id|src|source|type)=)"  # docker build --secret id=...
_PATH = (
    r"(?:(?:~|\.{0,2}/|file:)|[\w./~-]*\.(?:pem|key|p8|p12|ppk|der|json|txt|asc)\b"
    r"|[\w./~-]*\bid_[a-z])"
)
_KEY = (
    r"(?:api|access|secret|auth|account|app|application|shared|license|subscription|service|admin)"
    r"[-_.]?key|secret[-_]?key[-_]base"
    rf"|(?:(?:private|priv|encryption|master)[-_.]?|signing_)key(?![= \t]++[\"']?{_PATH})"
)

# --- headers, URLs, commands ----------------------------------------------------------------

_AUTHORIZATION = r"(?i:(?:(?<![\w\]])(?<![\w\]]-)|(?<=-H))(?:(?:proxy|x)-)?authorization)"
_IS_HEADER = r"[ \t]*+(?:=>|[:=])[ \t]*+"
_SCHEME = "bearer|basic|token|bot|apikey|api-key|key|jwt|negotiate|ntlm|geniekey|ssws"
_NO_CREDENTIALS = (
    rf"""(?!(?i:{_SCHEME}|digest)[ \t]*+(?:["'\\\n]|\Z)|{_VARIABLES}[ \t]*+(?:["'\\\n]|\Z)"""
    rf"|{_SUBSTITUTION}|\*++{_ENDS})"
)
_QUOTED_AUTHORIZATION = "|".join(
    rf"(?:{_AUTHORIZATION}(?:{_QUOTE})?\]?{_IS_HEADER}{quote}{_OPENS}"
    rf"|{quote}{_AUTHORIZATION}{_IS_HEADER})"
    rf"(?:[A-Za-z][\w-]*+[ \t]++)?+{_NO_CREDENTIALS}({credentials})"
    for quote, credentials in (
        (r"\\\"", r'[^"\\\n]++'),
        (r"(?<!\\)\"", r'(?:[^"\\\n$]|\\[^\n]|\$\([^()\n]*+\)|\$)++'),
        (r"(?<!\\)'", r"[^'\n]++"),
    )
)
_PARAMETER = r"""\w++=(?:"[^"\n]*+"|[^\s,"']*+)"""
# Without quotes, the credentials of an unknown scheme end where an option, a URL or
# another command begins.
_UNQUOTED_AUTHORIZATION = (
    rf"""{_AUTHORIZATION}{_IS_HEADER}(?!["'\\\n])(?:"""
    rf"""(?i:{_SCHEME})[ \t]++(?!{_NO_SECRET})({_LITERAL_ECHO}|[^\s"'\\]++)"""
    rf"|[A-Za-z][\w-]*+[ \t]++({_PARAMETER}(?:[ \t]*+,[ \t]*+{_PARAMETER})*+)"
    r"""|(?:[A-Za-z][A-Za-z-]*+[ \t]++(?!-|https?:|[|&;<>"'\n]|\Z))?+"""
    rf"{_NO_CREDENTIALS}(?!{_NO_SECRET})"
    r"""([^\s"'\\]++(?:[ \t]++(?!-|https?:|[|&;<>])[^\s"'\\]++)*+))"""
)

# The user information ends at the last @ of the authority. A slash is taken for a part
# of the password only where what stands before it can't be a port.
_USER = r"""(?<=[A-Za-z0-9])://[^\s:/@"'?#]*+"""
_NO_PASSWORD = rf"(?!{_VARIABLES}@|\*++@)"
_HOST = r"@(?!sha(?:256|512):)(?=[\w.$%\[{-])"  # an image's digest is none
_URL_PASSWORD = (
    rf"""{_USER}(?:@[^\s:/@"'?#]*+)?+:{_NO_PASSWORD}((?:[^\s/?#"']|["'](?=[A-Za-z0-9]))+){_HOST}"""
    rf"""|{_USER}:{_NO_PASSWORD}(?![0-9]*+[/?#,]|[$<{{])((?:(?!://)[^\s"'@])++){_HOST}"""
)

_MYSQL = "mysql(?:dump|admin|import|show|check)?|mariadb(?:-dump|-admin)?"
_LOGIN = "(?:docker|podman|nerdctl|buildah|skopeo|oras|registry|az|acr)[ ]login"
_UP_TO = r"(?:[ ]++(?!{0})\S++){{0,12}}+[ ]++{0}".format
_COMMAND_PASSWORD = (
    r"(?<![\w.-])(?:sshpass[ ]++-p[ ]*+"
    rf"|(?:{_MYSQL}){_UP_TO('-p')}(?!\s|[0-9.]*+:)"
    rf"|redis-cli{_UP_TO('-a')}[ ]++|{_LOGIN}{_UP_TO('-p')}[ ]++"
    rf"|ssh-keygen{_UP_TO('-[NP]')}[ ]++|gh[ ]secret[ ]set{_UP_TO('(?:-b|--body)')}[ =]++)"
    rf"(?!-){_VALUE}"
)
_CURL_PASSWORD = (
    r"(?<!\S)(?:-[A-Za-z]*[uU][ =]++|-[uU]|--(?:proxy-)?user[ =]++)(?:"
    rf"""(["'])[^\s:"']++:(?!{_NOTHING}\1|{_SUBSTITUTION})((?:(?!\1)[^\\]|\\.)++)\1"""
    rf"""|[^\s:"']++:(?!{_NO_SECRET}|[0-9]++{_ENDS}|//)({_WORD}))"""
)

# --- keys known by their look -------------------------------------------------------------

# A key may also begin after an escape, and in the word of a one-letter option.
_START = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt])|(?<=\s-[A-Za-z]))"
_DIGIT_SOON = r"(?=[A-Za-z_-]{0,40}[0-9])"
# No word of a file's name: long, or not so long and with a digit.
_BODY = r"(?:[A-Za-z0-9]{16,}+|(?=[A-Za-z]{0,15}[0-9])[A-Za-z0-9]{10,}+)"
_AWS_ID = r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"
_AWS_SECRET = _AWS_ID + r"""[\s:,/"']{1,3}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"""
_GITHUB = rf"gh[pousr]_{_BODY}|github_pat_\w{{16,}}+"
_GITLAB = (
    r"gl(?:pat-[\w-]{10,}+|(?:oas|dt|rtr?|cbt|ptt|ft|imt|agent|wt|soat|ffct)-[\w-]{16,}+)"
    r"(?:\.\w++)*+"
    r"|GR1348941[\w-]{16,}+"
)
_SLACK = (
    r"xox[abceoprs](?:\.xox[a-z])?-[A-Za-z0-9-]{8,}+"
    rf"|xapp-{_DIGIT_SOON}[A-Za-z0-9-]{{8,}}+"
)
_WEBHOOK = (
    r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/+-]++)"
    r"|discord(?:app)?\.com/api/webhooks/[0-9]++/([\w-]++)"
)
_STRIPE = rf"[sr]k_(?:live|test|prod)_{_BODY}|whsec_[A-Za-z0-9+/=]{{10,}}+"
_ANTHROPIC = rf"sk-ant-(?:[a-z]++[0-9]{{2}}-[\w-]{{10,}}+|{_DIGIT_SOON}[\w-]{{16,}}+)"
_OPENAI = (
    r"sk-(?:(?:proj|svcacct|or-v1)-[\w-]{12,}+|(?:admin|None)-[\w-]{40,}+|[A-Za-z0-9]{32,}+"
    r"|(?=[A-Za-z]{0,30}[0-9])[A-Za-z0-9]{16,}+)"
)
_GOOGLE = r"AIza[\w-]{20,}+|ya29\.[\w-]{10,}+(?:\.[\w-]++)*+|GOCSPX-[\w-]{10,}+"
_OTHERS = (
    r"pypi-AgE[\w-]{30,}+|dckr_pat_[\w-]{16,}+|do[por]_v1_[A-Za-z0-9]{32,}+|hv[sb]\.[\w-]{20,}+"
    r"|SG\.[\w-]{16,}+\.[\w-]{16,}+|gsk_[A-Za-z0-9]{20,}+|xai-[A-Za-z0-9]{20,}+"
)
_JWT = (
    r"(?:(?<![\w-])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt])|(?<=\s-[A-Za-z]))"
    r"(eyJ[\w-]{8,}+\.(?:[\w-]{4,}+(?:\.[\w-]*+){1,3}+|eyJ[\w-]++))"
)
_BEARER = r"(?i:\bbearer)[ \t]++(?=[A-Za-z._~+/=-]{0,60}[0-9])([\w.~+/=-]{16,}+)"
_SQL = r"(?i:identified[ ]by|(?:with|set|encrypted)[ ]password)\s*+=?\s*+'((?:[^'\\]|\\.)++)'"
_SIGNATURE = r"""[?&](?i:sig|signature|x-amz-signature|x-goog-signature)=([^\s&#"'<>]{16,}+)"""
_KEY_BLOCK = r"(?:[A-Z0-9]++ ){0,4}?PRIVATE KEY(?: BLOCK)?-----"
# A header line that a quote closes is spoken of, as in a search for it.
_PRIVATE_KEY = rf"""(-----BEGIN {_KEY_BLOCK}(?!["'](?:\s|\Z)).*?(?:-----END {_KEY_BLOCK}|\Z))"""

# --- the table ----------------------------------------------------------------------------


class Rule:
    """One kind of secret: its name in the mark, what it means, and how it is found."""

    __slots__ = ("hints", "meaning", "name", "patterns")

    def __init__(self, name: str, meaning: str, hints: str, *patterns: str) -> None:
        self.name = name
        self.meaning = meaning
        self.hints = hints.split()  # the rule needs one of these texts, in lower case
        self.patterns = patterns


def _key(name: str, meaning: str, hints: str, pattern: str) -> Rule:
    """Return the rule of a key known by its look."""
    return Rule(name, meaning, hints, f"{_START}({pattern})")


# Where several rules find the same text, the first of them names the mark.
RULES = (
    Rule("private-key", "a private-key block", "-----begin", _PRIVATE_KEY),
    _key("aws-key-id", "an AWS access key id", "akia asia abia acca", _AWS_ID + "(?![A-Za-z0-9])"),
    Rule("aws-secret-key", "an AWS secret key beside its id", "akia asia abia acca", _AWS_SECRET),
    _key("github-token", "a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", _GITHUB),
    _key("gitlab-token", "a GitLab token", "gl gr1348941", _GITLAB),
    _key("slack-token", "a Slack token", "xox xapp-", _SLACK),
    Rule("webhook", "the secret path of a webhook", "hooks.slack.com/ /api/webhooks/", _WEBHOOK),
    _key("stripe-key", "a Stripe secret key", "_live_ _test_ _prod_ whsec_", _STRIPE),
    _key("npm-token", "an npm token", "npm_", "npm_" + _BODY),
    _key("anthropic-key", "an Anthropic key", "sk-ant-", _ANTHROPIC),
    _key("openai-key", "an OpenAI key, or one that looks like it", "sk-", _OPENAI),
    _key("google-key", "a Google key, token or client secret", "aiza ya29. gocspx-", _GOOGLE),
    _key("hugging-face-token", "a Hugging Face token", "hf_", "hf_" + _BODY),
    _key(
        "service-key",
        "a key of PyPI, Docker Hub, DigitalOcean, SendGrid, Vault, Groq or xAI",
        "pypi-age dckr_pat_ do sg. hvs. hvb. gsk_ xai-",
        _OTHERS,
    ),
    Rule("jwt", "a JSON web token", "eyj", _JWT),
    Rule(
        "authorization-header",
        "the credentials of an Authorization header",
        "authorization",
        _QUOTED_AUTHORIZATION,
        _UNQUOTED_AUTHORIZATION,
    ),
    Rule("bearer-token", "what follows the word Bearer", "bearer", _BEARER),
    Rule("url-password", "the password in a URL", "://", _URL_PASSWORD),
    Rule("url-signature", "the signature of a presigned URL", "sig= signature=", _SIGNATURE),
    Rule(
        "command-password",
        "what sshpass, mysql, redis-cli, ssh-keygen, gh or a login takes as an option",
        "sshpass mysql mariadb redis-cli login ssh-keygen secret",
        _COMMAND_PASSWORD,
    ),
    Rule("curl-password", "the password in curl's --user", "curl", _CURL_PASSWORD),
    Rule("sql-password", "the password in an SQL statement", "password identified", _SQL),
    Rule("password", "the value of a password", "pass pwd creds", *_named(_PASSWORD, _ELSEWHERE)),
    Rule("token", "the value of a token", "token bearer jwt _pat= _auth", *_named(_TOKEN)),
    Rule("secret", "the value of a secret", "secret", *_named("secret", _MOUNTED)),
    Rule("key", "the value of a secret key", "key", *_named(_KEY)),
)
