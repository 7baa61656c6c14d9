"""The language of prose: what the file says it is, or what a sample of its sentences looks like; "" when unsure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from native.language_detection import detect_language
from omni_pipelines.text.document import Parsed

SAMPLE = 1_000
"""Characters of prose that are looked at."""
_SEARCHED = 40_000
"""Characters in which they are searched for."""
_MAX_LINE_LENGTH = 4_000
MIN_LETTERS, MANY_LETTERS = 40, 80
"""Below the first a text in a script of many languages says too little; from the second on it says enough."""
LIKELY, NEARLY_CERTAIN = 0.97, 0.99
"""How likely a language must be, of many letters and of fewer."""
_MIN_OF_ONE_SCRIPT = 6
"""Letters, in a script that only one language is written in."""
_MIN_HAN = 12
"""Letters without one of Hiragana or Katakana, to be taken for Chinese."""
_SCRIPT_SAMPLE = 300
_ONE_LANGUAGE = {"HANGUL": "ko", "THAI": "th", "GREEK": "el", "GEORGIAN": "ka", "ARMENIAN": "hy", "TAMIL": "ta"}
_JAPANESE = {"HIRAGANA", "KATAKANA"}
_SHARE, _SHARE_OF_KANA = 0.4, 0.05
"""Of the letters: names and terms in Latin letters stand in every text."""
_NO_PROSE = re.compile(r"`[^`\n]*`|<[^<>\n]{1,300}>|\]\([^()\s]*\)")
"""Code, tags and the places of links within a line."""
_NO_WORD = re.compile(r"[@/\\_={}$&<>]|\w\(|\w[.:]+\w|;$")
"""In addresses, paths, names and statements, and in no word."""
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff"
"""Where vowels are marks on letters, which a pattern for letters leaves out."""
_WORD = re.compile(rf"(?:[^\W\d_]|[{_MARKS}]){{2,}}")
_MIN_WORDS, _MIN_UNSPACED = 4, 8
"""A line of fewer words, or letters in scripts without blanks, is no sentence."""
_UNSPACED = re.compile("[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_MIN_SHARE_OF_LETTERS = 0.75
_STATED = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9_-]*)?")
_UNKNOWN = {"und", "mul", "mis", "zxx"}
_SHORTER = {
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it", "por": "pt",
    "nld": "nl", "dut": "nl", "swe": "sv", "dan": "da", "fin": "fi", "nor": "nb", "no": "nb", "rus": "ru",
    "hun": "hu", "ron": "ro", "rum": "ro", "tur": "tr", "ell": "el", "gre": "el", "ara": "ar", "tam": "ta",
    "hin": "hi", "zho": "zh", "chi": "zh", "jpn": "ja", "kor": "ko", "tha": "th", "iw": "he",
}  # fmt: skip
"""Codes of three letters, and old ones, to those of ISO 639-1."""


def language_of(parsed: Parsed) -> str:
    """ISO 639-1 code of a document of prose, as `de`; of three letters where there is none of two; "" when unsure."""
    return stated(parsed.language) or detected(parsed.text)


def stated(tag: str) -> str:
    """The language of a tag as files have it: `de` of `de-DE`, `DEU` or `de_AT`; "" where it says nothing."""
    found = _STATED.fullmatch(tag.strip())
    code = found[1].lower() if found else ""
    return "" if code in _UNKNOWN else _SHORTER.get(code, code)


def detected(text: str) -> str:
    """The language that the first sentences of a text look like; "" when unsure."""
    sample = " ".join(_sentences(text[:_SEARCHED]))[:SAMPLE]
    letters = sum(map(len, _WORD.findall(sample)))
    if letters < _MIN_OF_ONE_SCRIPT:
        return ""
    if not sample.isascii() and (found := _by_script(sample)):
        return found
    if letters < MIN_LETTERS:
        return ""
    language, probability = detect_language(sample)
    return language if probability >= (LIKELY if letters >= MANY_LETTERS else NEARLY_CERTAIN) else ""


def _sentences(text: str) -> Iterator[str]:
    """Lines that hold words and little else, without what stands in them that is no prose."""
    found, fenced = 0, False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
            continue
        if fenced or found >= SAMPLE:
            continue
        pieces = _NO_PROSE.sub(" ", line[:_MAX_LINE_LENGTH]).split()
        words = [each for each in pieces if not (each.isascii() and _NO_WORD.search(each))]
        plain = " ".join(words)
        letters = sum(map(len, _WORD.findall(plain)))
        unspaced = len(_UNSPACED.findall(plain))
        if (len(words) < _MIN_WORDS and unspaced < _MIN_UNSPACED) or letters < _MIN_SHARE_OF_LETTERS * (
            len(plain) - plain.count(" ")
        ):
            continue
        found += len(plain) + 1
        yield plain


def _by_script(sample: str) -> str:
    """The language of a script that only one is written in; Han is Japanese where kana stand in it."""
    letters_of = (letter for letter in sample[:_SCRIPT_SAMPLE] if letter.isalpha())
    scripts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in letters_of)
    letters = scripts.total()
    for script, language in _ONE_LANGUAGE.items():
        if scripts[script] >= max(_MIN_OF_ONE_SCRIPT, _SHARE * letters):
            return language
    han, kana = scripts["CJK"], sum(scripts[script] for script in _JAPANESE)
    if han + kana < max(_MIN_OF_ONE_SCRIPT, _SHARE * letters):
        return ""
    if kana >= _SHARE_OF_KANA * (han + kana):
        return "ja"
    return "zh" if han >= _MIN_HAN and not kana else ""
