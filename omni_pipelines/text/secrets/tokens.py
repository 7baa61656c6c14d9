"""Tokens and keys that bear a mark of who made them: as their makers document them, and private key blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from omni_pipelines.text.secrets.finding import Finding, is_documented, places

_MAX_KEY_LENGTH = 16_384
"""Characters between the first and the last line of a key; one of 8,192 bits has 6,400."""
_KEY_HEAD = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(r"(?:[A-Za-z0-9+/=\s\"',]|\\[nrt])*+")
_KEY_MATTER = re.compile(r"[A-Za-z0-9+/]{40}")


@dataclass(frozen=True)
class Mark:
    """How tokens of one kind begin, and what they look like from there on."""

    kind: str
    begins: tuple[str, ...]
    pattern: re.Pattern[str]
    """From the beginning on. What may stand in the token may not stand before it. Of a labelled one, group 1."""


def _mark(kind: str, begins: str, pattern: str, letters: str = r"A-Za-z0-9_-") -> Mark:
    return Mark(kind, tuple(begins.split()), re.compile(rf"(?<![{letters}])(?:{pattern})(?![{letters}])"))


_WORD = r"[A-Za-z0-9]"
_DASHED = r"[A-Za-z0-9_-]"
MARKS = (
    _mark("aws_access_key", "AKIA ASIA ABIA ACCA", r"A[KSBC][IC]A[A-Z2-7]{16}", "A-Za-z0-9"),
    _mark("gcp_key", "AIza", rf"AIza{_DASHED}{{35}}"),
    _mark("gcp_key", "GOCSPX-", rf"GOCSPX-{_DASHED}{{28}}"),
    _mark("gcp_key", "ya29.", r"ya29\.[A-Za-z0-9_-]{20,1000}+"),
    _mark("azure_key", "AccountKey=", r"AccountKey=([A-Za-z0-9+/]{86}==)", "A-Za-z0-9+/="),
    _mark("azure_key", "SharedAccessKey=", r"SharedAccessKey=([A-Za-z0-9+/]{43}=)", "A-Za-z0-9+/="),
    _mark("azure_key", "sig=", r"sig=([A-Za-z0-9%]{43,90}%3[dD])", "A-Za-z0-9%"),
    _mark("github_token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}+", "A-Za-z0-9_"),
    _mark("github_token", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", "A-Za-z0-9_"),
    _mark("gitlab_token", "glpat- glptt- gldt- glrt- glcbt- glft- glsoat- gloas- glagent-",
          rf"gl[a-z]{{2,6}}-{_DASHED}{{20,300}}+(?:\.[0-9a-z]{{2}}\.[0-9a-z]{{9}})?"),
    _mark("slack_token", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs-", r"xox[abeoprs]-[A-Za-z0-9-]{20,300}+"),
    _mark("slack_token", "xapp-", r"xapp-\d-[A-Za-z0-9-]{20,300}+"),
    _mark("slack_token", "hooks.slack.com/",
          r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{40,100}+",
          "A-Za-z0-9+"),
    _mark("stripe_key", "sk_live_ rk_live_ sk_test_ rk_test_",
          r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}+", "A-Za-z0-9_"),
    _mark("stripe_key", "whsec_", r"whsec_[A-Za-z0-9+/]{32,100}+={0,2}", "A-Za-z0-9_+/="),
    _mark("model_api_key", "sk-ant-", rf"sk-ant-{_DASHED}{{32,300}}+"),
    _mark("model_api_key", "sk-proj- sk-svcacct- sk-admin- sk-or-",
          rf"sk-(?:proj|svcacct|admin|or)-{_DASHED}{{40,300}}+"),
    _mark("model_api_key", "sk-", r"sk-[A-Za-z0-9]{32,100}+"),
    _mark("model_api_key", "gsk_ hf_", r"gsk_[A-Za-z0-9]{40,80}+|hf_[A-Za-z0-9]{30,60}+", "A-Za-z0-9_"),
    _mark("package_token", "npm_", r"npm_[A-Za-z0-9]{36}", "A-Za-z0-9_"),
    _mark("package_token", "pypi-AgE", rf"pypi-AgE{_DASHED}{{50,1000}}+"),
    _mark("package_token", "dckr_pat_", rf"dckr_pat_{_DASHED}{{27}}"),
    _mark("cloud_token", "dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    _mark("cloud_token", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?"),
    _mark("cloud_token", "hvs. hvb.", rf"hv[sb]\.{_DASHED}{{24,300}}+"),
    _mark("cloud_token", "PMAK- glsa_ lin_api_ ATATT3",
          r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}|glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|lin_api_[A-Za-z0-9]{40}"
          r"|ATATT3[A-Za-z0-9_=-]{60,300}+"),
    _mark("cloud_token", "shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "A-Za-z0-9_"),
    _mark("cloud_token", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    _mark("mail_api_key", "SG.", rf"SG\.{_DASHED}{{22}}\.{_DASHED}{{43}}"),
    _mark("jwt", "eyJ", r"eyJ[A-Za-z0-9_-]{8,4000}+\.eyJ[A-Za-z0-9_-]{8,8000}+\.[A-Za-z0-9_-]{16,2000}+"),
    _mark("jwt", "eyJ",
          rf"eyJ{_DASHED}{{8,4000}}+\.{_DASHED}{{0,2000}}+\.{_DASHED}{{8,200}}+\.{_DASHED}{{8,8000}}+\.{_DASHED}{{16,100}}+"),
)  # fmt: skip


_RUN = re.compile(r"[A-Za-z0-9_-]{20,}")
_APART = ("ya29.", "AccountKey=", "SharedAccessKey=", "sig=", "hooks.slack.com/", "hvs.", "hvb.", "SG.")
"""Beginnings that stand in no run of such length."""
_IN_RUNS = re.compile("|".join(re.escape(begin) for mark in MARKS for begin in mark.begins if begin not in _APART))
_BY_BEGIN = {begin: [mark for mark in MARKS if begin in mark.begins] for mark in MARKS for begin in mark.begins}


def tokens(text: str) -> Iterator[Finding]:
    """Tokens that bear a vendor's mark, and private keys. What manuals print in their place is left out."""
    for begin, at in _beginnings(text):
        for mark in _BY_BEGIN[begin]:
            found = mark.pattern.match(text, at)
            if found and not is_documented(found[0]):
                yield Finding(*found.span(found.lastindex or 0), mark.kind)
    yield from private_keys(text)


def _beginnings(text: str) -> Iterator[tuple[str, int]]:
    """Where a token may begin. Most lie in long runs of letters and digits, which are rare and quickly found."""
    for run in _RUN.finditer(text):
        for begin in _IN_RUNS.finditer(text, run.start(), run.end()):
            yield begin[0], begin.start()
    for apart in _APART:
        yield from ((apart, at) for at in places(text, apart))


def private_keys(text: str) -> Iterator[Finding]:
    """What stands between the first and the last line of a private key; the lines themselves say nothing secret."""
    for at in places(text, "-----BEGIN "):
        head = _KEY_HEAD.match(text, at)
        if head is None:
            continue
        last = text.find("-----", head.end(), head.end() + _MAX_KEY_LENGTH)
        end = last if last >= 0 else _end_of_cut_key(text, head.end())
        if _KEY_MATTER.search(text, head.end(), end):
            yield Finding(head.end(), end, "private_key")


def _end_of_cut_key(text: str, start: int) -> int:
    """Where the matter of a key ends whose last line is missing."""
    body = _KEY_BODY.match(text, start, start + _MAX_KEY_LENGTH)
    return body.end() if body else start
