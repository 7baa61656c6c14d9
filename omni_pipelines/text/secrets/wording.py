"""Tell words and names from random characters, by the pairs of letters that are frequent in English and programs."""

import re

_COMMON_PAIRS = frozenset(
    (
        "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi "
        "ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot il tr ly nc "
        "et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su id os iv "
        "ia am fi ci vi pl ig tu ev ld ry mp fe bl ab gh ty op wo sa ay ex ke fr oo av ag if ap gr od bo sp rd do "
        "uc bu ei ov by rm ep tt oc fa ef cu rn sc gi da yo cr cl du ga qu ue ff ba ey ls va um pp ua up lu go ht "
        "ru ug ds lt pi rc rr eg au ck ew mu br bi pt ak pu ui rg ib tl ny ki rk ys ob mm fu ph og ms ye ud mb ip "
        "ub oi rl gu dr hr cc tw ft wn nu af hu nn eo vo rv nf xp gn sm fl iz ok nl my gl aw ju oa eq sy sl ps jo "
        "lf nv je nk kn gs dy hy ze ks xt bs ik dd pd xi sd wd"
    ).split()
)
"""The most frequent pairs of letters in English and in the identifiers of programs."""
_LETTERS = re.compile(r"[a-z]{2,}")
_MAX_COMMON_PAIRS = 0.62
_CASE_CHANGE = re.compile(
    r"(?<=[a-z])(?=[A-Z\d])|(?<=\d)(?=[A-Za-z])|(?<=[A-Z])(?=\d)|(?<=[A-Z])(?=[a-z])(?<![a-z\d_-][A-Z])(?<!^.)"
)
"""Where lower case, upper case and digits meet, except at a capital that starts a word."""
_MAX_CASE_CHANGES = 0.28
"""Changes per character of a name; random letters and digits have nearly 0.5."""
_HEX = re.compile(r"[0-9a-f]{16,}|[0-9A-F]{16,}")


def reads_like_a_name(value: str) -> bool:
    """Whether a value consists of words: most of its letter pairs are common, and its parts are long."""
    if _HEX.fullmatch(value):
        return False
    pairs = [run[start : start + 2] for run in _LETTERS.findall(value.lower()) for start in range(len(run) - 1)]
    if len(pairs) < 3:  # digits and signs between nearly all letters
        return len(value) < 10 and re.fullmatch(r"[a-zA-Z]*\d*|\d+[a-zA-Z]*|[\d.:/-]+", value) is not None
    if len(_CASE_CHANGE.findall(value)) >= _MAX_CASE_CHANGES * len(value):
        return False
    return sum(pair in _COMMON_PAIRS for pair in pairs) / len(pairs) > _MAX_COMMON_PAIRS


def is_random(value: str) -> bool:
    """Whether a part of a text that has the form of a secret looks generated, and not like words or a number."""
    return bool(re.search(r"\d", value) and re.search(r"[A-Za-z]", value)) and not reads_like_a_name(value)
