"""Detect tokens with the prefix of a vendor, in the forms that the vendors document, and private keys."""

import itertools
import re
import string
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from omni_pipelines.text.secrets.finding import Finding, is_documentation_example, occurrences
from omni_pipelines.text.secrets.shapes import shape, signs
from omni_pipelines.text.secrets.wording import is_random
from omni_pipelines.text.secrets.wrapped import Unwrapped, Unwrapper

_MAX_KEY_LENGTH = 16_384
"""Characters between the first and the last line of a key; a key of 8,192 bits has 6,400."""
_KEY_FIRST_LINE = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(r"(?:[A-Za-z0-9+/=\s\"',]|\\[nrt])*+")
_KEY_CONTENT = re.compile(r"[A-Za-z0-9+/]{40}")


@dataclass(frozen=True)
class TokenForm:
    """The form of one kind of token."""

    kind: str
    prefixes: tuple[str, ...]
    pattern: re.Pattern[str]
    """Matches from the prefix on. Group 1 is the token, if the prefix is a label before it."""
    starts_a_word: bool
    """Whether a letter before the prefix often makes a word, such as `disk-`, which names and hashes follow."""


def _form(kind: str, prefixes: str, pattern: str, *, starts_a_word: bool = False) -> TokenForm:
    return TokenForm(kind, tuple(prefixes.split()), re.compile(pattern), starts_a_word)


def _one_of(prefixes: Iterable[str]) -> re.Pattern[str]:
    """Any of the prefixes; where one begins with another, the first of them. Grouped by letter, which is faster."""
    by_letter = defaultdict(list)
    for prefix in prefixes:
        by_letter[prefix[0]].append(re.escape(prefix[1:]))
    return re.compile("|".join(f"{letter}(?:{'|'.join(rests)})" for letter, rests in by_letter.items()))


_DASHED = r"[A-Za-z0-9_-]"
TOKEN_FORMS = (
    _form("aws_access_key", "AKIA ASIA ABIA ACCA", r"A[KSBC][IC]A[A-Z2-7]{16}"),
    _form("gcp_key", "AIza", rf"AIza{_DASHED}{{35}}"),
    _form("gcp_key", "GOCSPX-", rf"GOCSPX-{_DASHED}{{28}}"),
    _form("gcp_key", "ya29.", r"ya29\.[A-Za-z0-9_-]{20,1000}+"),
    _form("azure_key", "AccountKey=", r"AccountKey=([A-Za-z0-9+/]{86}==)"),
    _form("azure_key", "SharedAccessKey=", r"SharedAccessKey=([A-Za-z0-9+/]{43}=)"),
    _form("azure_key", "sig=", r"sig=([A-Za-z0-9%]{43,90}%3[dD])", starts_a_word=True),
    _form("github_token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}+"),
    _form("github_token", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    _form("gitlab_token", "glpat- glptt- gldt- glrt- glcbt- glft- glsoat- gloas- glagent-",
          rf"gl[a-z]{{2,6}}-{_DASHED}{{20,300}}+(?:\.[0-9a-z]{{2}}\.[0-9a-z]{{9}})?"),
    _form("slack_token", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs-", r"xox[abeoprs]-[A-Za-z0-9-]{20,300}+"),
    _form("slack_token", "xapp-", r"xapp-\d-[A-Za-z0-9-]{20,300}+"),
    _form("slack_token", "hooks.slack.com/",
          r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{40,100}+"),
    _form("stripe_key", "sk_live_ rk_live_ sk_test_ rk_test_",
          r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}+", starts_a_word=True),
    _form("stripe_key", "whsec_", r"whsec_[A-Za-z0-9+/]{32,100}+={0,2}"),
    _form("model_api_key", "sk-ant-", rf"sk-ant-{_DASHED}{{32,300}}+"),
    _form("model_api_key", "sk-proj- sk-svcacct- sk-admin- sk-or-",
          rf"sk-(?:proj|svcacct|admin|or)-{_DASHED}{{40,300}}+", starts_a_word=True),
    _form("model_api_key", "sk-", r"sk-[A-Za-z0-9]{32,100}+", starts_a_word=True),
    _form("model_api_key", "gsk_ hf_", r"gsk_[A-Za-z0-9]{40,80}+|hf_[A-Za-z0-9]{30,60}+", starts_a_word=True),
    _form("package_token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _form("package_token", "pypi-AgE", rf"pypi-AgE{_DASHED}{{50,1000}}+"),
    _form("package_token", "dckr_pat_", rf"dckr_pat_{_DASHED}{{27}}"),
    _form("cloud_token", "dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    _form("cloud_token", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?"),
    _form("cloud_token", "hvs. hvb.", rf"hv[sb]\.{_DASHED}{{24,300}}+"),
    _form("cloud_token", "PMAK- glsa_ lin_api_ ATATT3",
          r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}|glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|lin_api_[A-Za-z0-9]{40}"
          r"|ATATT3[A-Za-z0-9_=-]{60,300}+"),
    _form("cloud_token", "shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _form("cloud_token", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    _form("mail_api_key", "SG.", rf"SG\.{_DASHED}{{22}}\.{_DASHED}{{43}}"),
    _form("jwt", "eyJ", r"eyJ[A-Za-z0-9_-]{8,4000}+\.eyJ[A-Za-z0-9_-]{8,8000}+\.[A-Za-z0-9_-]{16,2000}+"),
    _form("jwt", "eyJ",
          rf"eyJ{_DASHED}{{8,4000}}+\.{_DASHED}{{0,2000}}+\.{_DASHED}{{8,200}}+\.{_DASHED}{{8,8000}}+\.{_DASHED}{{16,100}}+"),
)  # fmt: skip
_SIGNS = signs({"w": f"{string.ascii_letters}{string.digits}_-", "q": "\"'`\\+.& \t", "\r": "\r", "\n": "\n"})
_RUN = re.compile(rb"w{8}(?<!w{9})(?:w{12}w*+|w*+(?=q{0,4}\r?\n))".replace(b"w{8}", b"w" * 8))
"""In the shape of a text: a long run, or one before a line end, where a token may be wrapped. Python finds a pattern
that begins with a fixed string faster."""
_IN_TOKENS = re.compile(r"[A-Za-z0-9_-]")
_JUDGED = 24
"""Characters at each end of a token that decide whether it looks generated."""
_MAX_PREFIXES = 8
"""Prefixes in one run of letters and digits that are tried: `eyJeyJeyJ…` must not be slow."""
_BY_PREFIX = {
    prefix: [form for form in TOKEN_FORMS if prefix in form.prefixes]
    for form in TOKEN_FORMS
    for prefix in form.prefixes
}
_PREFIXES_OUTSIDE_RUNS = [prefix for prefix in _BY_PREFIX if not re.fullmatch(r"[A-Za-z0-9_-]+", prefix)]
_PREFIXES_IN_RUNS = _one_of([prefix for prefix in _BY_PREFIX if prefix not in _PREFIXES_OUTSIDE_RUNS])


def vendor_tokens(text: str) -> Iterator[Finding]:
    """Tokens with a vendor's prefix, and private keys. Examples from manuals are left out."""
    unwrap = Unwrapper(text)
    for prefix, start in _prefixes(text):
        wrapped = unwrap.at(start)
        for form in _BY_PREFIX[prefix]:
            finding = _token(text, start, form, wrapped)
            if finding is not None:
                yield finding
    yield from private_keys(text)


def _prefixes(text: str) -> Iterator[tuple[str, int]]:
    """Where a token may start. Most prefixes are in long runs of letters and digits: rare and easy to find."""
    for run in _RUN.finditer(shape(text, _SIGNS)):
        found = _PREFIXES_IN_RUNS.finditer(text, run.start(), run.end())
        yield from ((prefix[0], prefix.start()) for prefix in itertools.islice(found, _MAX_PREFIXES))
    for outside in _PREFIXES_OUTSIDE_RUNS:
        yield from ((outside, start) for start in occurrences(text, outside))


def _token(text: str, start: int, form: TokenForm, wrapped: Unwrapped | None) -> Finding | None:
    """The token of a form at a position, on one line or wrapped."""
    match = form.pattern.match(text, start)
    group = form.pattern.groups
    longer = form.pattern.match(wrapped.text) if wrapped is not None else None
    if wrapped is not None and longer is not None and longer.end() > wrapped.first_line:
        added = longer[0][len(form.prefixes[0]) :] if match is None else longer[0][wrapped.first_line :]
        if is_random(added) and not is_documentation_example(longer[0]):
            return Finding(wrapped.position(longer.start(group) + 1) - 1, wrapped.position(longer.end()), form.kind)
    if match is None or is_documentation_example(match[0]):
        return None
    return Finding(*match.span(group), form.kind) if _stands_alone(text, match, form) else None


def _stands_alone(text: str, match: re.Match[str], form: TokenForm) -> bool:
    """Whether a token is no part of a longer word: nothing is beside it, or it looks generated all the same."""
    before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 1]
    if form.starts_a_word and before.isalnum():
        return all(re.search(kind, match[0]) for kind in (r"[a-z]", r"[A-Z]", r"\d"))
    if not (_IN_TOKENS.fullmatch(before) or _IN_TOKENS.fullmatch(after)):
        return True
    return is_random(match[0][len(form.prefixes[0]) :][:_JUDGED]) or is_random(match[0][-_JUDGED:])


def private_keys(text: str) -> Iterator[Finding]:
    """What is between the first and the last line of a private key; those lines themselves are no secret."""
    for start in occurrences(text, "-----BEGIN "):
        first_line = _KEY_FIRST_LINE.match(text, start)
        if first_line is None:
            continue
        begin = first_line.end()
        last_line = text.find("-----", begin, begin + _MAX_KEY_LENGTH)
        end = last_line if last_line >= 0 else _end_of_truncated_key(text, begin)
        if _KEY_CONTENT.search(text, begin, end):
            yield Finding(begin, end, "private_key")


def _end_of_truncated_key(text: str, start: int) -> int:
    body = _KEY_BODY.match(text, start, start + _MAX_KEY_LENGTH)
    return body.end() if body else start
