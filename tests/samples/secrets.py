"""Generated secrets, so that the repository contains none, in the contexts where people leave them."""

from __future__ import annotations

import base64
import itertools
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LETTERS = string.ascii_letters + string.digits
DASHED = LETTERS + "-_"
HEX = "0123456789abcdef"
WORDS = ("otter", "heron", "river", "winter", "copper", "window", "garden", "silver", "dragon", "coffee")


@dataclass(frozen=True)
class Planted:
    """A text with a secret in it."""

    kind: str
    text: str
    secret: str
    """The part of the text that must be masked."""


def _some(r: random.Random, alphabet: str, length: int) -> str:
    return "".join(r.choice(alphabet) for _ in range(length))


def _part(r: random.Random, length: int) -> str:
    return base64.urlsafe_b64encode(r.randbytes(length)).decode().rstrip("=")


def _jwt(r: random.Random) -> str:
    head, body = ({"alg": "HS256", "typ": "JWT"}, {"sub": str(r.randrange(10**9)), "iat": r.randrange(10**9)})
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, body)]
    return ".".join([*parts, _part(r, 32)])


def private_key(r: random.Random) -> str:
    """A block that looks like a private key of 2,048 bits."""
    content = base64.b64encode(r.randbytes(1190)).decode()
    lines = [content[start : start + 64] for start in range(0, len(content), 64)]
    kind = r.choice(["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
    return "\n".join([f"-----BEGIN {kind}PRIVATE" + " KEY-----", *lines, f"-----END {kind}PRIVATE" + " KEY-----"])


def strong(r: random.Random) -> str:
    """A password from a password manager: lower case, upper case, digit and sign."""
    return "".join(
        r.sample([*_some(r, LETTERS, r.randint(8, 20)), *_some(r, string.digits, 2), r.choice("!?=_")], k=11)
    )


def typical(r: random.Random) -> str:
    """A password that a person chose: a word, a year, a sign, a word."""
    return f"{r.choice(WORDS).title()}{r.randint(10, 2030)}{r.choice('!?=+')}{r.choice(WORDS)}"


TOKENS: dict[str, Callable[[random.Random], str]] = {
    "aws_access_key": lambda r: r.choice(["AKI", "ASI"]) + "A" + _some(r, string.ascii_uppercase + "234567", 16),
    "gcp_key": lambda r: "AI" + "za" + _some(r, DASHED, 34) + "a",
    "gcp_key (client)": lambda r: "GOC" + "SPX-" + _some(r, LETTERS, 28),
    "github_token": lambda r: r.choice(["gh" + "p_", "gh" + "o_", "gh" + "s_"]) + _some(r, LETTERS, 36),
    "github_token (fine)": lambda r: "github" + "_pat_" + _some(r, LETTERS, 22) + "_" + _some(r, LETTERS, 59),
    "gitlab_token": lambda r: "gl" + "pat-" + _some(r, LETTERS, 20),
    "slack_token": lambda r: "xo" + f"xb-{r.randrange(10**11, 10**12)}-{r.randrange(10**12)}-"
    + _some(r, LETTERS, 24),
    "slack_token (hook)": lambda r: "hooks.slack" + ".com/services/T" + _some(r, LETTERS, 8) + "/B"
    + _some(r, LETTERS, 10) + "/" + _some(r, LETTERS, 24),
    "stripe_key": lambda r: r.choice(["sk", "rk"]) + "_li" + "ve_" + _some(r, LETTERS, 24),
    "model_api_key": lambda r: "s" + "k-" + _some(r, LETTERS, 48),
    "model_api_key (project)": lambda r: "s" + "k-proj-" + _some(r, DASHED, 100) + "A",
    "model_api_key (other)": lambda r: "s" + "k-ant-api03-" + _some(r, DASHED, 93) + "AA",
    "model_api_key (hub)": lambda r: "h" + "f_" + _some(r, LETTERS, 34),
    "package_token": lambda r: "np" + "m_" + _some(r, LETTERS, 36),
    "package_token (index)": lambda r: "py" + "pi-AgEIcHlwaS5vcmc" + _some(r, DASHED, 80) + "A",
    "cloud_token": lambda r: "do" + "p_v1_" + _some(r, HEX, 64),
    "mail_api_key": lambda r: "S" + "G." + _some(r, LETTERS, 22) + "." + _some(r, LETTERS, 43),
    "jwt": _jwt,
}  # fmt: skip
"""By kind; a word in brackets names another form of the same kind."""
GLUED = (
    "MY_{}", "x{}", "TOKEN_{}", "name-{}", "cfg.{}", "{}_suffix", "{}-old", "id9{}", "apiKey{}Value",
)  # fmt: skip
"""Names that a token is a part of."""
WRAPPED = (
    "{}\n{}", "{}\r\n    {}", "> {}\n> {}", "{}\\\n{}",
    '"{}" \\\n    "{}"', '"{}"\n  "{}"', '"{}" +\n  "{}"', "'{}\n{}'",
)  # fmt: skip
"""A token on two lines."""
_CONTEXTS = (
    "{}",
    "Use {} for the build.",
    "key = '{}'",
    'token="{}"',
    "export TOKEN={}\n",
    "curl -H 'Authorization: Bearer {}' https://api.internal/v1",
    "- run: deploy --with {} --now",
    '{{"id": 7, "value": "{}"}}',
    "<td>{}</td>",
    "| ci | {} | 2025 |",
)
_ASSIGNED = (
    'password = "{}"',
    "PASSWORD='{}'",
    '{{"db_password": "{}"}}',
    'client_secret: "{}"',
    'config["api_key"] = "{}"',
    'API_KEY: str = "{}"',
    'connect(host, user, password="{}")',
    '$password = "{}";',
    "<password>{}</password>",
    'setSecret("{}")',
)
_ASSIGNED_BARE = (
    "DB_PASSWORD={}\n",
    "export API_TOKEN={}\n",
    "password: {}\n",
    "  client_secret: {}\n",
    "aws_secret_access_key = {}\n",
    "deploy --password={} --now",
)


def planted(seed: int, count: int = 20) -> Iterator[Planted]:
    """Texts with secrets, `count` of every kind. The same seed gives the same texts."""
    r = random.Random(seed)
    for kind, make in TOKENS.items():
        yield from (_in(r, kind.partition(" (")[0], r.choice(_CONTEXTS), make(r)) for _ in range(count))
    for _ in range(count):
        key = private_key(r)
        body = key.split("\n")
        text = r.choice(
            [key, json.dumps({"key": key}), "\n".join("    " + line for line in body), key.replace("\n", "\r\n")]
        )
        yield Planted("private_key", text, body[7])
    for name, make in (("generated", _generated), ("password manager", strong), ("person", typical)):
        for _ in range(count):
            yield _in(r, f"assigned, {name}", r.choice(_ASSIGNED), make(r))
            yield _in(r, f"assigned without quotes, {name}", r.choice(_ASSIGNED_BARE), make(r))
    for _ in range(count):
        yield _in(r, "url_password", "postgresql://app:{}@db.internal:5432/main", _some(r, LETTERS, 16))
        yield _in(r, "azure_key", "AccountName=a;AccountKey={};Suffix=b", base64.b64encode(r.randbytes(64)).decode())


def glued(seed: int, count: int) -> Iterator[Planted]:
    """Tokens with a vendor's prefix as a part of a name, `count` of every kind and form."""
    r = random.Random(seed)
    for make, name, _ in itertools.product(TOKENS.values(), GLUED, range(count)):
        token = make(r)
        yield Planted(name, f"see {name.format(token)} there", token)


def wrapped(seed: int, count: int) -> Iterator[Planted]:
    """The same tokens, and assigned secrets, broken over two lines. The secret is the longer part."""
    r = random.Random(seed)
    for make, form, _ in itertools.product((*TOKENS.values(), strong), WRAPPED, range(count)):
        token = make(r)
        if make is strong and "'" not in form and '"' not in form:
            continue
        at = r.randint(4 if make is strong else 8, len(token) - 4)
        before = "password = " if make is strong else "see "
        yield Planted(
            form, before + form.format(token[:at], token[at:]) + "\nand so on", max(token[:at], token[at:], key=len)
        )


def _generated(r: random.Random) -> str:
    return r.choice(
        [_some(r, LETTERS, r.randint(12, 40)), _some(r, HEX, 32), base64.b64encode(r.randbytes(30)).decode()]
    )


def _in(r: random.Random, kind: str, context: str, secret: str) -> Planted:
    before = " ".join(r.choice(WORDS) for _ in range(5)) + ".\n"
    return Planted(kind, before + context.format(secret) + "\nThe " + r.choice(WORDS) + " waits.\n", secret)
