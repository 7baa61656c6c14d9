"""Detect the encoding of a text from its bytes alone, with the probability that it is right."""

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from native.charset_detection import MAX_BYTES, best_candidate, candidates
from omni_pipelines.text.charset_labels import codec_of_label

MIN_PROBABILITY, _MAX_PROBABILITY = 0.6, 0.999
"""A less probable encoding is no better than a guess: on our samples, half of those were wrong."""
_FEW_BYTES = 8
"""With fewer bytes beyond ASCII than this, what the characters around them are says more than their statistics."""
_SYMBOLS = frozenset("°±µ§£€©®²³½¼¾·×÷–—‘’“”„…•™¿¡«»´¨ªº¹¢¥†‰‹›")  # noqa: RUF001
"""Signs that texts of every language contain on their own; in other encodings these bytes are rare letters."""
_JOINING = frozenset("'’‘·‐‑–—-״׳\xad")  # noqa: RUF001
"""Signs that occur inside words."""
_WEIGHTS = (0.7, 0.8, 2.0, -1.0)
"""Logistic regression on 2,219 samples in 37 pairs of language and encoding: intercept, bytes beyond ASCII, lead over
the next candidate, rank. A common encoding wins more often by its rank alone, so it needs the larger lead."""
_MIN_LEAD, _MAX_LEAD = -2.0, 4.0
_MIN_LONG = 200
"""Characters of a text in which a few strange bytes are damage; a shorter one may consist of them."""
_WITHOUT_BLANKS = {"HIRAGANA", "KATAKANA", "HANGUL"}
"""Scripts whose words follow words of other scripts without a blank."""
_UNSPACED = {"CJK", "HIRAGANA", "KATAKANA"}
"""Scripts that are written without a blank beside a comma or a bracket."""
_MAX_RARE_SHARE = 0.2
"""Of the letters of Korean text: Chinese ones, and syllables outside the 2,350 of KS X 1001."""
_KANA = re.compile(rb"[\xa1-\xdf]{3,}")
_COMMON_KANA = re.compile(rb"[\xb1-\xbf]")
_MIN_KANA_SHARE, _MIN_COMMON_SHARE = 0.9, 0.15
"""Katakana of half width in Shift JIS, of the bytes beyond ASCII. Those of ア to ソ are no letters in other encodings
with one byte a character."""
_MAX_ODD_SHARE = 0.2
"""Of the characters beyond ASCII: of random bytes, about half are odd in every encoding."""
_ODD = 0.2
"""The score of a candidate is multiplied by this for each character that no text has at that place."""
_MAX_CHARACTERS, _MAX_ODD, _MAX_MORE_ODD = 400, 8, 0.005
"""Characters that are examined for it; so often it counts; the share by which chardet's choice may have more."""
_UTF_CODECS = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_ANCHORS = frozenset(" \n、。，．,.")  # noqa: RUF001
"""Characters that every text has now and then, and that with the bytes exchanged are rare or no characters."""
_MAX_ANCHOR_DISTANCE = 200
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r\f"))
_MAX_ASCII_SHARE = 0.6
"""Of the bytes: in UTF-16, each character has a byte beside it that says its script, so more are another encoding."""
_REPEATED = re.compile(r"([^\W\d_\x00-\x7f])\1{3,}")
"""A line of a frame in the code pages of DOS, read in another encoding: no word repeats a letter so often."""


@dataclass(frozen=True)
class Detected:
    """An encoding, and the probability that it is the right one."""

    codec: str
    probability: float


@dataclass(frozen=True)
class _Scored:
    codec: str
    text: str
    score: float
    rank: float
    odd: int


def detect_encoding(raw: bytes) -> Detected | None:
    """The most probable encoding of bytes that are not UTF-8; None if none fits them.

    The probability comes from the lead of the best candidate, and from how many bytes beyond ASCII there are.
    """
    high = sum(byte > 0x7F for byte in raw[:MAX_BYTES])
    if not high:
        return None
    scored = _scored(raw)
    if high >= _FEW_BYTES and not (scored and _is_upper(scored[0].text)):
        scored = _with_first(scored, best_candidate(raw), raw)
    elif symbols := _as_symbols(raw):
        return Detected(symbols, _probability(_MAX_LEAD / 2, high, 1.0))
    is_single = not scored or len(scored[0].text) == len(raw)
    if is_single and _is_halfwidth_kana(raw, high):
        return Detected("cp932", _MAX_PROBABILITY)
    if not scored or _is_noise(scored[0].text):
        return None
    first, second = scored[0], scored[1].score if len(scored) > 1 else scored[0].score / 20
    lead = math.log((first.score + 1e-6) / (second + 1e-6))
    return Detected(first.codec, _probability(lead, high, first.rank))


def detect_utf(raw: bytes) -> str:
    """The codec of UTF-16 or UTF-32 without a byte order mark; "" for other bytes."""
    raw = raw[:MAX_BYTES]
    others = raw.translate(None, _CONTROLS)
    if others.isascii() and len(others) > _MAX_ASCII_SHARE * len(raw):
        return ""
    found = {codec: _anchors(raw, codec) for codec in _UTF_CODECS}
    best = max(found, key=lambda codec: found[codec])
    return best if found[best] else ""


def _probability(lead: float, high: int, rank: float) -> float:
    lead = min(max(lead, _MIN_LEAD), _MAX_LEAD)
    values = (1.0, math.log(high), lead, rank)
    total = sum(weight * value for weight, value in zip(_WEIGHTS, values, strict=True))
    return round(min(1 / (1 + math.exp(-total)), _MAX_PROBABILITY), 3)


def _scored(raw: bytes) -> list[_Scored]:
    """The candidates that decode the bytes, the best first; of two that give the same text, the more common one."""
    best: dict[str, _Scored] = {}
    for candidate in candidates(raw):
        codec = codec_of_label(candidate.codec)  # nobody means ISO 8859-1, but Windows-1252
        text = _decoded(raw, codec)
        if text is None:
            continue
        odd = _MAX_ODD if _is_unlikely_korean(text) else min(oddities(text[:_MAX_CHARACTERS]), _MAX_ODD)
        fit = max(candidate.score, _score_in_lower_case(text, candidate.codec) if _is_upper(text) else 0)
        score = fit * candidate.rank * _ODD**odd
        same = best.get(text)
        if same is None or (same.rank, same.score) < (candidate.rank, score):
            score = max(score, same.score if same else 0)
            best[text] = _Scored(codec, text, score, candidate.rank, odd)
    return sorted(best.values(), key=lambda each: -each.score)


def _is_upper(text: str) -> bool:
    """Whether all letters beyond ASCII are capital: chardet knows texts in small letters."""
    return "".join(sign for sign in text[:_MAX_CHARACTERS] if sign > "\x7f").isupper()


def _score_in_lower_case(text: str, codec: str) -> float:
    lower = text[:MAX_BYTES].lower().encode(codec, "ignore")
    return next((each.score for each in candidates(lower) if each.codec == codec), 0.0)


def _is_unlikely_korean(text: str) -> bool:
    """Whether a text has Korean syllables among too many letters that Korean rarely uses."""
    letters = [sign for sign in text[:_MAX_CHARACTERS] if sign >= "\u4e00" and sign.isalpha()]
    common = sum(_is_common_syllable(sign) for sign in letters)
    return any("가" <= sign <= "힣" for sign in letters) and common < (1 - _MAX_RARE_SHARE) * len(letters)


@lru_cache(4096)
def _is_common_syllable(sign: str) -> bool:
    return "가" <= sign <= "힣" and len(sign.encode("euc_kr")) == 2


def _is_halfwidth_kana(raw: bytes, high: int) -> bool:
    """Whether the `high` bytes beyond ASCII are words in katakana of half width."""
    kana = b"".join(_KANA.findall(raw[:MAX_BYTES]))
    if len(kana) < max(_MIN_KANA_SHARE * high, _FEW_BYTES) or _REPEATED.search(kana.decode("cp932")):
        return False
    return len(_COMMON_KANA.findall(kana)) >= _MIN_COMMON_SHARE * len(kana)


def _with_first(scored: list[_Scored], codec: str, raw: bytes) -> list[_Scored]:
    """The candidates with the one first that gives the same text as a codec."""
    text = _decoded(raw, codec) if codec else None
    chosen = [each for each in scored if each.text == text]
    if not chosen or chosen[0].odd > scored[0].odd + _MAX_MORE_ODD * len(chosen[0].text):
        return scored
    return chosen + [each for each in scored if each.text != text]


def _decoded(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except UnicodeError:
        return None


def _is_noise(text: str) -> bool:
    """Whether many of the characters beyond ASCII are at places where no text has them."""
    start = text[:_MAX_CHARACTERS]
    return oddities(start) > max(_MAX_ODD_SHARE * sum(sign > "\x7f" for sign in start), 1)


def _as_symbols(raw: bytes) -> str:
    """Windows-1252 if it makes signs of all bytes beyond ASCII, such as in `20 °C`."""
    text = _decoded(raw, "cp1252")
    is_symbols = text and not oddities(text) and all(sign in _SYMBOLS for sign in text if sign > "\x7f")
    return "cp1252" if is_symbols else ""


def oddities(text: str) -> int:
    """The number of characters beyond ASCII that no text has at their place, such as a sign within a word."""
    around = f" {text} "
    return len(_REPEATED.findall(text)) + sum(
        _is_odd(around[index - 1], sign, around[index + 1])
        for index, sign in enumerate(around[1:-1], 1)
        if sign > "\x7f"
    )


def is_stray(text: str) -> bool:
    """Whether the few characters beyond ASCII belong to no word and are no signs: broken bytes in long ASCII."""
    around = f" {text} "
    places = [index for index, sign in enumerate(around) if sign > "\x7f"] if len(text) >= _MIN_LONG else []
    return 0 < len(places) < _FEW_BYTES and all(_is_alone(around[at - 1 : at + 2]) for at in places)


def _is_alone(triple: str) -> bool:
    before, sign, after = tuple(triple)
    if sign in _SYMBOLS:
        return False
    return _is_odd(before, sign, after) or not (before.isalpha() or after.isalpha())


def _is_odd(before: str, sign: str, after: str) -> bool:
    category = unicodedata.category(sign)
    if category in ("Cc", "Co", "Cn"):
        return True
    if not category.startswith("L"):
        is_inside = before.isalpha() and (after.isalpha() or after in "¹²³")
        if category.startswith("P") and not _UNSPACED.isdisjoint((_script(before), _script(after))):
            return False
        return is_inside and category[0] in "SPN" and sign not in _JOINING
    if category == "Lu" and before.islower():
        return True
    if _script(sign) == "CJK" in (_script(before), _script(after)):  # a word of two, which Latin ones may touch
        return False
    scripts = {_script(each) for each in (before, sign, after)} - {""}
    return len(scripts) > 1 and not scripts & _WITHOUT_BLANKS


@lru_cache(4096)
def _script(sign: str) -> str:
    """The first word of a letter's name, such as LATIN or CYRILLIC; "" for other characters."""
    if sign in "ªºµ" or not sign.isalpha():
        return ""
    return unicodedata.name(sign, "").partition(" ")[0]


def _anchors(raw: bytes, codec: str) -> int:
    """The number of blanks, line ends and stops in bytes of this codec; 0 if they are no text in it."""
    text = raw.decode(codec, "replace")
    if not text or text[:-1].count("\ufffd") * 100 > len(text):
        return 0
    unusual = sum(unicodedata.category(sign) in ("Cc", "Co", "Cn") and sign not in "\t\r\n\f" for sign in text)
    anchors = sum(sign in _ANCHORS for sign in text)
    return anchors if unusual * 100 <= len(text) and anchors * _MAX_ANCHOR_DISTANCE >= len(text) else 0
