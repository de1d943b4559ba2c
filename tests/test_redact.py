"""Redaction: what is replaced, what is kept, and that it is quick and safe."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import redaction, redaction_rules
from ledger.redact import redact, suspicious

# All secrets are put together here, so that none is found in this file.
BODY = "a1B2" * 9
HEX = "0a1b2c3d" * 8
KEYS = {
    "aws-key-id": ["AK" + "IAIOSFODNN7EXAMPLE", "AS" + "IA" + "ABCD2345" * 2],
    "github-token": [
        *(f"gh{kind}_" + BODY for kind in "pousr"),
        "github" + "_pat_" + "11ABCDEFG0_" + BODY,
    ],
    "gitlab-token": [
        *(f"gl{kind}-" + BODY for kind in ("pat", "dt", "rt", "rtr", "cbt", "ptt", "ft", "soat")),
        "glpat-" + BODY + ".01.1a0b2c3d4",
        "GR1348941" + BODY,
    ],
    "slack-token": [
        *(f"xox{kind}-" + "123456789012-abcDEF" for kind in "abeprs"),
        "xoxe.xoxp-" + "1-" + BODY,
        "xapp-" + "1-A0123456789-" + BODY,
    ],
    "stripe-key": [
        *(f"{kind}_{mode}_" + BODY for kind in ("sk", "rk") for mode in ("live", "test")),
        "whsec_" + BODY + "/+=",
    ],
    "npm-token": ["npm_" + BODY],
    "anthropic-key": [
        "sk-" + "ant-api03-" + BODY + "_-AA",
        "sk-" + "ant-oat01-" + BODY,
        "sk-" + "ant-" + BODY,
    ],
    "openai-key": [
        "sk-" + BODY,
        "sk-" + "proj-" + BODY + "_-" + BODY,
        "sk-" + "svcacct-" + BODY,
        "sk-" + "or-v1-" + HEX,
    ],
    "google-key": ["AI" + "zaSy" + BODY, "ya29" + ".a0_" + BODY, "GOC" + "SPX-" + BODY],
    "hugging-face-token": ["hf_" + BODY],
    "jwt": [
        "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1g",
        "eyJ" + "hbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    ],
    "service-key": [
        "pypi-" + "AgEIcHlwaS5vcmc" + BODY,
        "dckr" + "_pat_" + BODY,
        "dop_v1_" + HEX,
        "SG." + BODY + "." + BODY,
        "hvs." + BODY,
        "gsk_" + BODY,
        "xai-" + BODY,
    ],
}
EVERY_KEY = [(rule, key) for rule, keys in KEYS.items() for key in keys]
GITHUB = KEYS["github-token"][0]
PEM = "-----{} RSA PRIVATE " + "KEY-----"
BLOCK = PEM.format("BEGIN") + "\nMIIEow\nabc+/=\n" + PEM.format("END")
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(("rule", "key"), EVERY_KEY)
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "login {} now",
        "f('{}')",
        'echo "{}" | sh',
        "https://{}@host/x.git",
        "x?y=z&k={}&n=1",
        "printf a\\n{}\\n",
        "cmd -T{}",
    ],
)
def test_key_known_by_its_look(rule: str, key: str, around: str) -> None:
    """A key is replaced wherever it stands, and nothing around it."""
    assert redact(around.format(key)) == around.format(f"[redacted:{rule}]")


# «rule» stands for the mark of that rule.
REPLACED = [
    # private keys
    (f"echo '{BLOCK}' > key", "echo '«private-key»' > key"),
    (f"echo {BLOCK!r} x", "echo '«private-key»' x"),
    (f"echo {PEM.format('BEGIN')} MIIE a b", "echo «private-key»"),
    (f"a {BLOCK} b {BLOCK} c", "a «private-key» b «private-key» c"),
    (f"K={BLOCK.replace('RSA ', '')}", "K=«private-key»"),
    (f"K={BLOCK.replace('RSA', 'OPENSSH')}", "K=«private-key»"),
    # AWS
    (
        f"echo {KEYS['aws-key-id'][0]}:{AWS_SECRET}",
        "echo «aws-key-id»:«aws-secret-key»",
    ),
    (
        f"AWS_SECRET_ACCESS_KEY={AWS_SECRET} aws s3 ls",
        "AWS_SECRET_ACCESS_KEY=«key» aws s3 ls",
    ),
    (
        f"aws configure set aws_secret_access_key {AWS_SECRET} --profile x",
        "aws configure set aws_secret_access_key «key» --profile x",
    ),
    (f'{{"SecretAccessKey": "{AWS_SECRET}"}}', '{"SecretAccessKey": "«key»"}'),
    # Authorization
    (
        "curl -H 'Authorization: Bearer x' https://a",
        "curl -H 'Authorization: Bearer «authorization-header»' https://a",
    ),
    (
        'curl -H "authorization: token a b c" https://a',
        'curl -H "authorization: token «authorization-header»" https://a',
    ),
    (
        "curl -H Authorization: Bearer abc https://a",
        "curl -H Authorization: Bearer «authorization-header» https://a",
    ),
    (
        "curl --header=Authorization:Basic dXNlcjpwYXNz https://a",
        "curl --header=Authorization:Basic «authorization-header» https://a",
    ),
    (
        "curl -H 'Authorization: abc' -H 'Accept: x'",
        "curl -H 'Authorization: «authorization-header»' -H 'Accept: x'",
    ),
    ("Authorization: abcdef https://a", "Authorization: «authorization-header» https://a"),
    (
        "Authorization: Custom abc def -x y",
        "Authorization: Custom «authorization-header» -x y",
    ),
    (
        "Proxy-Authorization: Basic abc\nHost: x",
        "Proxy-Authorization: Basic «authorization-header»\nHost: x",
    ),
    (
        '-H \'Authorization: Digest username="M", response="66"\' x',
        "-H 'Authorization: Digest «authorization-header»' x",
    ),
    (
        '-H Authorization: Digest username="M", response="66" x',
        "-H Authorization: Digest «authorization-header» x",
    ),
    (
        '{"Authorization": "Basic abc", "x": 1}',
        '{"Authorization": "Basic «authorization-header»", "x": 1}',
    ),
    (
        '{\\"Authorization\\": \\"Basic abc\\", \\"x\\": 1}',
        '{\\"Authorization\\": \\"Basic «authorization-header»\\", \\"x\\": 1}',
    ),
    (
        "headers['Authorization'] = 'Bearer abc'",
        "headers['Authorization'] = 'Bearer «authorization-header»'",
    ),
    (
        'git -c http.extraheader="AUTHORIZATION: basic abc=" fetch',
        'git -c http.extraheader="AUTHORIZATION: basic «authorization-header»" fetch',
    ),
    (
        '-H "Authorization: Basic $(echo -n "user:word" | base64)" x',
        '-H "Authorization: Basic «authorization-header»" x',
    ),
    (
        f"-H 'Authorization: Bearer {GITHUB}'",
        "-H 'Authorization: Bearer «github-token»'",
    ),
    (f"-H 'X-Auth: Bearer {HEX}' x", "-H 'X-Auth: Bearer «bearer-token»' x"),
    # URLs
    ("psql postgres://user:word@host/db", "psql postgres://user:«url-password»@host/db"),
    ("x https://u:p%40s%3As@host:80/", "x https://u:«url-password»@host:80/"),
    ("x https://u:p@s:s@host/a@b", "x https://u:«url-password»@host/a@b"),
    ("x https://u:p/s@host/db", "x https://u:«url-password»@host/db"),
    ("x https://me@corp.com:word@host", "x https://me@corp.com:«url-password»@host"),
    (
        "redis-cli -u redis://:word@host:6379",
        "redis-cli -u redis://:«url-password»@host:6379",
    ),
    ("x amqp://u:word@[::1]/v", "x amqp://u:«url-password»@[::1]/v"),
    ("x http://u:p@$HOST/", "x http://u:«url-password»@$HOST/"),
    (
        "x mongodb://u:word@h1:27017,h2:27017/db",
        "x mongodb://u:«url-password»@h1:27017,h2:27017/db",
    ),
    (
        f"git clone https://oauth2:{GITHUB}@host/x",
        "git clone https://oauth2:«github-token»@host/x",
    ),
    (
        f"get 'https://b.s3.x.com/k?X-Amz-Signature={HEX}&x=1'",
        "get 'https://b.s3.x.com/k?X-Amz-Signature=«url-signature»&x=1'",
    ),
    (
        "curl https://hooks." + "slack.com/services/T0/B0/xyz -d x",
        "curl https://hooks." + "slack.com/services/«webhook» -d x",
    ),
    (
        "curl https://discord" + ".com/api/webhooks/12/ab-c?wait=1",
        "curl https://discord" + ".com/api/webhooks/12/«webhook»?wait=1",
    ),
    # options
    ("mysql --password=hunter2 -u root", "mysql --password=«password» -u root"),
    ("x --password hunter2", "x --password «password»"),
    ("x --password my pass word", "x --password «password» pass word"),
    ('x --password "my pass word" y', 'x --password "«password»" y'),
    ("x --password='my pass word' y", "x --password='«password»' y"),
    ('x "--password=my pass word" y', 'x "--password=«password»" y'),
    ('x --password "a\\" b" y', 'x --password "«password»" y'),
    ("x --password 'it'\"'\"'s' y", "x --password «password» y"),
    ("x --password it's y", "x --password «password» y"),
    ("x --password p&ss;w|rd y", "x --password «password» y"),
    ("x --password \\\n  hunter2 \\\n -y", "x --password \\\n  «password» \\\n -y"),
    ("x --password\thunter2", "x --password\t«password»"),
    ("x --password=-dash", "x --password=«password»"),
    (
        "x -password hunter2 -Password:abc",
        "x -password «password» -Password:«password»",
    ),
    (
        "x --passwd=a --passphrase b --db-pwd c",
        "x --passwd=«password» --passphrase «password» --db-pwd «password»",
    ),
    (
        "x --pass abc -storepass changeit",
        "x --pass «password» -storepass «password»",
    ),
    ("x --token abc --other", "x --token «token» --other"),
    ("x --TOKEN=abc", "x --TOKEN=«token»"),
    (
        "x --access-token a --auth-token=b --authtoken c --oauth2-bearer d",
        "x --access-token «token» --auth-token=«token» --authtoken «token» --oauth2-bearer «token»",
    ),
    (
        "x --secret a --client-secret=b --secret-key c",
        "x --secret «secret» --client-secret=«secret» --secret-key «key»",
    ),
    (
        "x --api-key a --api_key=b --apikey c --access-key d --private-key e",
        "x --api-key «key» --api_key=«key» --apikey «key» --access-key «key» --private-key «key»",
    ),
    ("x --token abc$X", "x --token «token»"),
    ("x --token ${X:-abc}", "x --token «token»"),
    ('x --token "$X abc"', 'x --token "«token»"'),
    ("x --token $(echo abc | tr a b) y", "x --token «token» y"),
    ('["x", "--token", "abc", "-y"]', '["x", "--token", "«token»", "-y"]'),
    ("$(x --token abc)", "$(x --token «token»)"),
    ('ssh host "x --token abc" | grep "y"', 'ssh host "x --token «token»" | grep "y"'),
    # assignments
    ("GITHUB_TOKEN=abc gt done", "GITHUB_TOKEN=«token» gt done"),
    (f"export GITHUB_TOKEN={GITHUB} && gt", "export GITHUB_TOKEN=«github-token» && gt"),
    ("docker run -e X_TOKEN=abc img", "docker run -e X_TOKEN=«token» img"),
    ('docker run -e "X_TOKEN=a b" img', 'docker run -e "X_TOKEN=«token»" img'),
    ("docker run --env=X_TOKEN=abc img", "docker run --env=X_TOKEN=«token» img"),
    ("CLIENT_SECRET='a b' x", "CLIENT_SECRET='«secret»' x"),
    ("db_password=abc; x", "db_password=«password»; x"),
    (
        "TOKEN=a SECRET=b PASSWORD=c PASSWD=d API_KEY=e",
        "TOKEN=«token» SECRET=«secret» PASSWORD=«password» PASSWD=«password» API_KEY=«key»",
    ),
    (
        "PGPASSWORD=a MYSQL_PWD=b DB_PASS=c x",
        "PGPASSWORD=«password» MYSQL_PWD=«password» DB_PASS=«password» x",
    ),
    (
        "X_ACCESS_KEY=a X_PRIVATE_KEY=b SECRET_KEY_BASE=c",
        "X_ACCESS_KEY=«key» X_PRIVATE_KEY=«key» SECRET_KEY_BASE=«key»",
    ),
    ("API_KEY_2=a TOKEN_PROD=b", "API_KEY_2=«key» TOKEN_PROD=«token»"),
    ("http POST x token==abc", "http POST x token==«token»"),
    ("bash -c 'TOKEN=abc x --y'", "bash -c 'TOKEN=«token» x --y'"),
    (
        "java -Dspring.datasource.password=abc",
        "java -Dspring.datasource.password=«password»",
    ),
    ("echo //npm.x/:_authToken=abc", "echo //npm.x/:_authToken=«token»"),
    ("helm --set auth.password=a,b=c", "helm --set auth.password=«password»,b=c"),
    ("curl 'https://a/?token=b&x=1#f'", "curl 'https://a/?token=«token»&x=1#f'"),
    ("curl -d 'u=a&password=b c&x=1'", "curl -d 'u=a&password=«password» c&x=1'"),
    ("curl -d 'user[password]=b'", "curl -d 'user[password]=«password»'"),
    ("AccountKey=abc==;EndpointSuffix=z", "AccountKey=«key»;EndpointSuffix=z"),
    ("psql 'host=h password=p dbname=d'", "psql 'host=h password=«password» dbname=d'"),
    ("python -c 'f(api_key=\"a\", x=1)'", "python -c 'f(api_key=\"«key»\", x=1)'"),
    ('os.environ["TOKEN"] = "abc"', 'os.environ["TOKEN"] = "«token»"'),
    ("set -gx API_TOKEN abc", "set -gx API_TOKEN «token»"),
    ("git config --global x.token abc", "git config --global x.token «token»"),
    # fields and headers
    ('-d \'{"password": "a b", "x": 1}\'', '-d \'{"password": "«password»", "x": 1}\''),
    ('-d "{\\"apiKey\\":\\"a\\"}"', '-d "{\\"apiKey\\":\\"«key»\\"}"'),
    ('-H "X-Api-Key: a b" x', '-H "X-Api-Key: «key»" x'),
    ("-H PRIVATE-TOKEN: abc x", "-H PRIVATE-TOKEN: «token» x"),
    # commands with options of their own
    ("curl -u user:word https://a", "curl -u user:«curl-password» https://a"),
    ("curl -su 'user:a b' https://a", "curl -su 'user:«curl-password»' https://a"),
    ("sshpass -p word ssh host", "sshpass -p «command-password» ssh host"),
    ("mysql -uroot -pword db", "mysql -uroot -p«command-password» db"),
    ("docker login -u me -p word reg", "docker login -u me -p «command-password» reg"),
    ("redis-cli -h x -a word ping", "redis-cli -h x -a «command-password» ping"),
    ("gh secret set X --body word", "gh secret set X --body «command-password»"),
    (
        "psql -c \"ALTER USER a WITH PASSWORD 'b'\"",
        "psql -c \"ALTER USER a WITH PASSWORD '«sql-password»'\"",
    ),
    # several at once
    (
        f"TOKEN=a curl -H 'X-Api-Key: b' -u c:d {GITHUB} https://e:f@g",
        "TOKEN=«token» curl -H 'X-Api-Key: «key»' -u c:«curl-password» «github-token» https://e:«url-password»@g",
    ),
]


@pytest.mark.parametrize(("command", "expected"), REPLACED)
def test_replaced(command: str, expected: str) -> None:
    """The secret is replaced in place and the rest stays."""
    assert redact(command) == expected.replace("«", "[redacted:").replace("»", "]")


KEPT = [
    "",
    " ",
    "gt status",
    "gt mail send --subject 'password reset' --body token",
    "bd update gt-69dai --status done",
    'bd create --title "API key: rotate" -p 1',
    'git commit -m "Fix token handling: keep the secret"',
    'git commit -m "feat(token): add the --token flag"',
    "git log --author=token --grep=password",
    "git show 9d670460b4b4aece5915caf5c68d12f560a9fe3e4",
    "bd show 123e4567-e89b-12d3-a456-426614174000",
    "ls dGVzdC1maWxlLW5hbWU9PQ== /usr/lib/python3/sk-learn ./sk-learn-contrib-package",
    "gt sling task-force risk-assessment-2024-final-version desk-1234567890abcdef1234",
    "pip install hf_transfer xapp-service-frontend jupyter-token==1.0",
    "npm_config_cache=/x npm_lifecycle_event=test HF_HUB_ENABLE_HF_TRANSFER=1",
    "grep AKIA ASIAPACIFICREGIONALOFFICE Asia/Tokyo eyJ ghp_ sk- sk_test_helpers.py",
    # a name without a value
    "unset AWS_SECRET_ACCESS_KEY",
    "echo $GITHUB_TOKEN ${API_KEY}",
    "x --token",
    "x --password --next-flag y",
    "x --password -n",
    "x --password | y",
    "x --token && y",
    "x --password > out",
    "x --password\necho done",
    "TOKEN= x",
    'x --token "" --y',
    'echo "TOKEN=" && echo "x"',
    "grep -rn password= src/",
    'grep "api_key:" -r .',
    "curl -H 'Authorization:' -H 'Authorization: Bearer' x",
    # a name of something else
    "x --token-limit 500 --max-tokens 4096 --max-token 5 --tokenizer t --next-token abc",
    "x --password-file /run/secrets/x --password-stdin --secret-name foo --api-key-file k",
    "psql --no-password db; ansible-playbook --ask-become-pass site.yml",
    "TOKEN_COUNT=5 MAX_TOKENS=4096 tokens=3 secretary=bob PASSWORD_LENGTH=12 monkey=1",
    "PWD=/x OLDPWD=/y WORK_PWD=/z SSH_ASKPASS=/bin/x PASS=12 bypass=1 compass=n",
    "PUBLIC_KEY=a SORT_KEY=b KEY=c sort --key=2 --primary-key id",
    '{"tokens": 3, "token": {"a": 1}, "secret": ["x"]}',
    "docker build --secret id=npm,src=/x .",
    "x --private-key ~/.ssh/id_rsa --private-key=key.pem X_PRIVATE_KEY=/etc/k",
    "openssl -passin env:X -pass file:/x",
    'grep -r "' + PEM.format("BEGIN") + '" src',
    # a reference
    "TOKEN=$OTHER x --token ${X} --secret $1",
    'x --token "$TOKEN" --token=\'$TOKEN\' --password "${PW}"',
    "x --token ${X:-} --token ${X:?not set} --token $env:TOKEN",
    "x --password %PW% --token {{ token }} --secret ${{ secrets.X }} --token <token>",
    'x --token $(cat f) --password "$(pass show x)" --secret `cat f`',
    "TOKEN=$(gh auth token) x",
    'curl -u "$USER:$PASS" -u user:$PASS x',
    'curl -H "Authorization: Bearer $TOKEN" -H "X-Api-Key: ${KEY}" x',
    "curl -H Authorization: Bearer $TOKEN https://a",
    'curl -H "Authorization: token $(cat ~/.token)" x',
    "git clone https://x-access-token:$TOKEN@github.com/x",
    "redis://default:${REDIS_PASSWORD}@host",
    # a yes, a no, stars
    "USE_TOKEN=1 REQUIRE_PASSWORD=yes x --secret=false TOKEN=null --password '***'",
    # a URL or an address without a password
    "git clone git@github.com:org/repo user@host:path ssh://git@host/x s3://bucket",
    "npm i http://host:8080/@scope/pkg http://host:$PORT/@scope/pkg",
    "x http://localhost:3000?mail=a@b.c http://localhost:3000/r?mail=a@b.c",
    "x mongodb://h1:27017,h2:27017/db?x=a@b docker://alpine:3.18@sha256:abc",
    "pip install git+ssh://git@host:org/x@v1 git+https://host:443/x@v1",
    # options of other commands
    "docker run -u 1000:1000 --name mysql -p3306:3306 curl",
    "gh auth login -p https",
    "ssh-keygen -t ed25519 -N '' -f key",
    "mkdir -p a/b && mysql -u root -p",
]


@pytest.mark.parametrize("command", KEPT)
def test_kept(command: str) -> None:
    """What holds no secret stays as it is."""
    assert redact(command) == command


@pytest.mark.parametrize(
    "command",
    [
        "gt status",
        'git commit -m "Fix the parser of the inbox, and its tests"',
        'git commit -m "fix token handling"',
        "bd update gt-69dai --status done",
        "cat /home/user/gastown/polecats/furiosa/internal/keepalive/keepalive_test.go",
        "gt sling task-force-1234567890123456 --on furiosa",
        "curl -s https://example.com/x",
    ],
)
def test_ordinary_commands_are_cleared_at_once(command: str) -> None:
    """An ordinary command is cleared by the quick test."""
    assert not suspicious(command)


def test_ordinary_command_imports_no_re() -> None:
    """Regular expressions stay unloaded until a command is suspicious."""
    program = (
        "import sys; from ledger.redact import redact\n"
        "redact('gt status'); redact('git commit -m \"fix token handling\"')\n"
        "print('re' in sys.modules, 'ledger.redaction_rules' in sys.modules)\n"
        "redact('x --token y'); print('re' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "False False\nTrue\n"


@pytest.mark.parametrize(
    ("value", "redacts"),
    [("off", False), ("OFF", False), ("Off", False), ("", True), ("0", True), ("no", True)],
)
def test_environment(value: str, redacts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only ``off`` keeps the secrets, and the variable is read at each call."""
    command = "x --token abc"
    assert redact(command) != command
    monkeypatch.setenv("KEEPALIVE_REDACT", value)
    assert (redact(command) != command) == redacts


def test_explanation() -> None:
    """An explanation tells rule, meaning and place, from left to right."""
    command = f"x --token {GITHUB} --password hunter2"
    start = command.index("hunter2")
    assert [
        (finding.rule, finding.meaning, finding.start, finding.end)
        for finding in redaction.explain(command)
    ] == [
        ("github-token", "a GitHub token", 10, 10 + len(GITHUB)),
        ("password", "the value of a password", start, start + 7),
    ]


def test_explanation_of_a_command_without_secrets() -> None:
    """Where nothing is replaced there is nothing to explain."""
    assert redaction.explain("gt status --token") == []


def test_widest_rule_names_the_mark() -> None:
    """Where one secret holds another, the mark is that of the wider one."""
    assert redact(f"x --password abc{GITHUB}") == "x --password [redacted:password]"


def test_rules_are_told_apart() -> None:
    """Each rule has a name of its own and one line that says what it means."""
    names = [rule.name for rule in redaction_rules.RULES]
    assert len(set(names)) == len(names)
    assert all(rule.meaning and "\n" not in rule.meaning for rule in redaction_rules.RULES)


FRAGMENTS = [
    *(key for _, key in EVERY_KEY),
    *("ghp_", "sk-", "eyJ", "xapp-1-", *PEM.format("BEGIN").split(), PEM.format("END"), BLOCK),
    *("Authorization", "authorization: ", "Proxy-Authorization:", "Bearer ", "Basic ", "Digest "),
    *("https://", "://", "user", "@", ":", "/", "?", "&", "#", "|", ";", ",", "<", ">", "&&"),
    *(" ", "\t", "\n", "\\n", "\\", '\\"', '"', "'", "`", "(", ")", "[", "]", "{", "}", "%3A"),
    *("$", "$X", "${X}", "${X:-y}", "$(", "$(echo ", "%X%", "{{ x }}", "<x>", "***", "true"),
    *("=", ":=", "=>", "==", " = ", "-", "--", "-H ", "-e ", "--env=", "-u ", "-p", "-a ", "-N "),
    *("curl ", "mysql ", "sshpass ", "docker login ", "git config ", "set -gx ", "export "),
    *("token", "--token", "X_TOKEN", "secret", "PASSWORD", "--pass", "DB_PWD", "api_key", "key"),
    *("private_key", "jwt", "_pat", "_auth", "no-", "max_", "_2", "flag", "id=", "env:", "x.pem"),
    *("[redacted:token]", "[redacted:github-token]", "[redacted:", "a", "b1", "xyz9", " x "),
    *("é", "\0", "\ud800", "\u212a", "\u0130", "\u017f", "\xa0"),
]
COMMANDS = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join),
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map(" ".join),
    st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=12).map("".join),
    st.text(st.characters(exclude_categories=())),
)


@given(COMMANDS)
def test_redacting_twice_is_redacting_once(command: str) -> None:
    """A mark is never taken for a secret, nor does it make one of its neighbours."""
    once = redact(command)
    assert redact(once) == once


@given(COMMANDS)
def test_quick_test_misses_nothing(command: str) -> None:
    """Whatever the rules would change, the quick test lets through to them."""
    assert suspicious(command) or redaction.replace(command) == command


@given(COMMANDS)
def test_explanation_is_what_happens(command: str) -> None:
    """The places of an explanation, with the marks put there, are the redacted command."""
    pieces = []
    done = 0
    for finding in redaction.explain(command):
        assert done <= finding.start < finding.end
        pieces += [command[done : finding.start], f"[redacted:{finding.rule}]"]
        done = finding.end
    assert "".join([*pieces, command[done:]]) == redact(command)


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_key_never_survives(before: str, after: str) -> None:
    """A key that stands as a word of its own is gone, whatever surrounds it."""
    assert GITHUB not in redact(f"{before} {GITHUB} {after}")


HOSTILE = [
    *("a", "-", "_", ".", "=", ":", "/", '"', "'", "\\", "$", "(", ")", "%", "<", "{", " ", "\n"),
    *("\0", "\ud800", "token", "token ", "token=", "=token", "--token ", 'token="', 'token=\\"'),
    *("token=$(", "token=${A?", "token=<a ", "token={{", "token=,a", "token=)", "-e 'token=a -e "),
    *("Authorization: ", 'Authorization: "', "$authorization:", 'Authorization: D a="', "bearer "),
    *("://", "a://b:", "a://b:c/", "a://b:c@", "eyJ", "-eyJ", "eyJaaaaaaaa.", "sk-", "sk-ant-"),
    *("xapp-", "ghp_", "AKIA", "-----BEGIN ", PEM.format("BEGIN"), "mysql ", "curl -u a:", "u"),
    *("private_key=a.", "git config --a ", "set -x", "with password '\\", "https://user:", "&x="),
]


@pytest.mark.parametrize("before", ["x --token ", "curl -set -", "Authorization: "])
@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_repetition(unit: str, before: str) -> None:
    """No pattern takes more than linear time, wherever it begins."""
    once = redact(before + unit * ((1 << 16) // len(unit)))
    assert redact(once) == once


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_megabyte(unit: str) -> None:
    """A megabyte of anything is redacted promptly: at worst in seconds, not in hours."""
    assert len(redact(unit * ((1 << 20) // len(unit)))) > 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["deploy", "--password", "correct horse battery", "--now"],
            "deploy --password [redacted:password] --now",
        ),
        (["env", "PGPASSWORD=a b c", "psql"], "env PGPASSWORD=[redacted:password] psql"),
        (["a", "--token=a b", "c"], "a --token=[redacted:token] c"),
        (["curl", "-u", "nux:hunter two", "u"], "curl -u nux:[redacted:curl-password] u"),
        (["curl", "-H", "X-Api-Key: abc def", "u"], "curl -H X-Api-Key: [redacted:key] u"),
        (["sh", "-c", "X_TOKEN=abc make test"], "sh -c X_TOKEN=[redacted:token] make test"),
        (["git", "commit", "-m", "hash the password = later"], None),
        (["echo", "a  b", "", "c"], None),
        (["deploy --password x y"], "deploy --password [redacted:password] y"),
        (["x", "--token", 'say "it\'s" so'], 'x --token [redacted:token] "it\'s" so'),
    ],
)
def test_words(words: list[str], expected: str | None) -> None:
    """A word with blanks in it is one value: what a shell took the quotes of."""
    assert redact(*words) == (" ".join(words) if expected is None else expected)


@given(st.lists(COMMANDS, max_size=4))
def test_words_once_redacted_stay(words: list[str]) -> None:
    """The row of a redacted touch is imported elsewhere as it is; explanations have its spans."""
    once = redact(*words)
    assert redact(once) == once
    command = " ".join(words)
    rebuilt, done = "", 0
    for finding in redaction.explain(*words):
        rebuilt += command[done : finding.start] + f"[redacted:{finding.rule}]"
        done = finding.end
    assert rebuilt + command[done:] == once
