"""Detect secrets by the name they are assigned to: `password = "…"`, `://user:…@`, `Bearer …`.

A name alone proves nothing: programs are full of `token = "access_token"`. The value decides, by whether it looks
generated, or like a strong password, or like words.
"""

import re
import string
from collections.abc import Iterator
from functools import lru_cache

from omni_pipelines.text.secrets.finding import Finding, entropy, is_placeholder, occurrences
from omni_pipelines.text.secrets.shapes import matches_at
from omni_pipelines.text.secrets.wording import reads_like_a_name
from omni_pipelines.text.secrets.wrapped import LINE_BREAK

_BEGINNINGS = ("passw", "passphrase", "pwd", "secret", "token", "credential")
_KINDS_OF_KEY = r"(?:api|access|auth|account|private|encryption|signing)[_-]?"
_BEFORE_KEY, _MAX_BEFORE_KEY = re.compile(rf"{_KINDS_OF_KEY}\Z"), len("encryption_")
_NAMES = re.compile(
    rf"(?:passw(?:or)?d|passphrase|pwd|secret|token|credential|{_KINDS_OF_KEY}key)[a-z0-9_-]{{0,40}}+"
)
"""Searched in the text in lower case."""
_HARMLESS_ENDINGS = {
    "name", "names", "path", "file", "filename", "dir", "url", "uri", "endpoint", "type", "types", "field", "fields",
    "header", "param", "params", "regex", "pattern", "length", "len", "size", "count", "limit", "digest", "checksum",
    "version", "format", "label", "title", "text", "message", "msg", "error", "hint", "help", "description", "prefix",
    "suffix", "expires", "timeout", "class", "id", "ids", "kind", "index", "policy", "scope", "scopes", "provider",
    "alias", "ref", "template", "column", "table", "state", "status", "mode", "env", "var", "getter", "validator",
    "sha", "sha1", "sha256", "md5", "hash", "fingerprint", "store", "manager", "izer", "izers", "ized", "ize",
}  # fmt: skip
"""A name with one of these endings is about a secret; its value is not one."""
_HARMLESS_CONTEXT = re.compile(
    r"(?:next|continuation|page|change|lock|idempotency|request)[_-]?\Z|::\w*\Z", re.IGNORECASE
)
"""What precedes tokens that mark a position in a list or a request, and names of types."""
_GAP = r"[ \t]{0,3}(?:[(\\][ \t]{0,3})?(?:\r?\n[ \t]{0,40})?"
"""Between a sign of assignment and the value, which may be in the next line."""
_ASSIGNED = (
    r"""["'`]?\]?\s{0,3}(?:\)|:\s{0,2}\w{1,20}(?:\s{0,2}\|\s{0,2}None)?)?\s{0,3}(?:=>|:=|==?|:|,|\()"""
    rf"""{_GAP}[bru]{{0,2}}(["'`])"""
)
_QUOTED = re.compile(rf"""{_ASSIGNED}([^\s"'`]{{8,200}}+)\1""")
"""`"name": "value"`, `name = 'value'`, `name="value"`, `["name"] = "value"`, `name: str = "value"`…"""
_WRAPPED = re.compile(rf"""{_ASSIGNED}([^\s"'`\\]{{4,200}}+){LINE_BREAK}([^\s"'`\\]{{4,200}}+)\1""")
"""The same with a line end inside the value."""
_BARE = re.compile(r"[ \t]{0,4}(?:=|:)[ \t]{0,4}([^\s\"'`<>()\[\]{},;|\\]{8,200}+)")
"""`NAME=value` and `name: value`."""
_LINE_ENDS = re.compile(r"[ \t]*+(?=[\r\n;&]|\Z)")
"""What follows an unquoted value."""
_FLAG = re.compile(r"[= ]([^\s\"'`<>()\[\]{},;|\\]{8,200}+)")
"""`--name=value` and `--name value`."""
_MAX_NESTED = 3
"""Names inside a value whose own values are examined: `token=token=token=…` must not be slow."""
_FLAG_CHARACTERS = string.ascii_letters + string.digits + "_-"
_ELEMENT = re.compile(r">\s{0,4}([^\s<>&]{8,200}+)\s{0,4}</")
_URL = re.compile(r"://[^\s/:@\"'<>`]{0,64}+:([^\s/@\"'<>`{},]{3,128}+)@(?!localhost|127\.|example)[\w\[]")
_CREDENTIALS = re.compile(r"(?:bearer|basic|token)[ \t]{1,4}([a-z0-9+/=_.~-]{20,2000}+)", re.IGNORECASE)
_CODE = re.compile(
    r"^[$@#:.%&*~^-]|^/(?!.{39}$)|://|[\[\](){}|\\^]|\$\w|%[sd(]|::|->|\.(?:py|js|ts|json|ya?ml|txt|md|pem|crt|key|html)$"
)
"""What programs contain instead of a value: patterns, paths, references."""
_IDENTIFIER = re.compile(r"[A-Za-z_][\w.-]*")
_SIGN = re.compile(r"[!?@#%^~&]")
_MIN_BARE_LENGTH = 10
_PLACEHOLDER_PASSWORD = re.compile(
    r"[a-z]+|[A-Z_]+|(?i:pass|password|pw|secret|user|admin|root|guest|token|test)[\d_]*"
)


def assignments(text: str) -> Iterator[Finding]:
    """Values that look like secrets, where a name, a URL or a header says that they are."""
    small = text.replace("\u0130", "i").lower()  # the only letter that becomes longer in lower case
    examined_to = nested = 0
    for name in matches_at(_NAMES, small, _names(small)):
        nested = nested + 1 if name.start() < examined_to else 0
        if nested > _MAX_NESTED or not _names_a_secret(text[name.start() : name.end()]):
            continue
        value, is_secret = _value(text, name.start(), name.end())
        examined_to = max(examined_to, value[1])
        if is_secret and not _HARMLESS_CONTEXT.search(text, max(0, name.start() - 24), name.start()):
            yield Finding(*value, "password" if name[0].startswith(("pass", "pwd")) else "secret")
    for start in occurrences(small, "authorization"):
        yield from _header(text, start)
    for start in occurrences(text, "://"):
        url = _URL.match(text, start)
        if url and not is_placeholder(url[1]) and not _PLACEHOLDER_PASSWORD.fullmatch(url[1]):
            yield Finding(*url.span(1), "url_password")


def _names(small: str) -> list[int]:
    """Where names may begin, in order."""
    starts = [start for beginning in _BEGINNINGS for start in occurrences(small, beginning)]
    for key in occurrences(small, "key"):
        if (kind := _BEFORE_KEY.search(small, max(0, key - _MAX_BEFORE_KEY), key)) is not None:
            starts.append(kind.start())
    return sorted(starts)


@lru_cache(4096)
def _names_a_secret(name: str) -> bool:
    parts = re.split(r"[_-]|(?<=[a-z0-9])(?=[A-Z])", name.strip("_-"))
    last = parts[-1].lower()
    for stem in ("password", "passwd", "passphrase", "secret", "token", "credential", "key"):
        last = last.removeprefix(stem) if last != stem else ""
    return last not in _HARMLESS_ENDINGS


def _header(text: str, start: int) -> Iterator[Finding]:
    nearby = _CREDENTIALS.search(text, start, start + 60)
    if nearby is None:
        return
    credentials = _CREDENTIALS.match(text, nearby.start())
    if credentials and not is_placeholder(credentials[1]) and looks_made_up(credentials[1]):
        yield Finding(*credentials.span(1), "bearer_token")


def _value(text: str, start: int, end: int) -> tuple[tuple[int, int], bool]:
    """The range after a name that may be its value, empty if there is none, and whether it is a secret."""
    wrapped = _WRAPPED.match(text, end)
    if wrapped and looks_made_up(wrapped[2] + wrapped[3]):
        return (wrapped.start(2), wrapped.end(3)), True
    quoted = _QUOTED.match(text, end)
    if quoted:
        return quoted.span(2), looks_made_up(quoted[2])
    element = _ELEMENT.match(text, end)
    if element:
        return element.span(1), looks_made_up(element[1])
    line = max(text.rfind("\n", max(0, start - 80), start), text.rfind("\r", max(0, start - 80), start)) + 1
    before = text[line:start] if line else text[max(0, start - 80) : start]
    bare = _BARE.match(text, end) if re.fullmatch(r"[\w.\t \-]*", before) else None
    if bare and _LINE_ENDS.match(text, bare.end()):
        return bare.span(1), looks_made_up(bare[1], bare=True)
    if "--" in before[len(before.rstrip(_FLAG_CHARACTERS)) :] and (flag := _FLAG.match(text, end)):
        return flag.span(1), looks_made_up(flag[1], bare=True)
    return bare.span(1) if bare else (end, end), False


def looks_made_up(value: str, *, bare: bool = False) -> bool:
    """Whether a value is random or a strong password, and not a word, a name, a path or a pattern.

    `bare` is for a value without quotes, which in a program is more often another name.
    """
    if not re.search(r"\d", value) or _CODE.search(value) or is_placeholder(value):
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w.:/-]"))
    if kinds == 4 and (not bare or _SIGN.search(value)):
        return True
    if kinds < 2 or entropy(value) < (2.75 if len(value) < 16 else 3.0):
        return False
    if bare and _IDENTIFIER.fullmatch(value) and len(value) < _MIN_BARE_LENGTH:
        return False
    return not reads_like_a_name(value)
