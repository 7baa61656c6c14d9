"""Tell the language of prose: as the file declares it, else by a sample of its sentences; "" when unsure."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from native.language_detection import detect_language
from omni_pipelines.text.document import Parsed

MAX_SAMPLE_LENGTH = 1_000
"""Characters of prose that are examined."""
_MAX_SEARCHED = 40_000
_MAX_LINE_LENGTH = 4_000
MIN_LETTERS, MANY_LETTERS = 40, 80
"""In a script of many languages, fewer letters than the first say too little, and the second number is plenty."""
MIN_PROBABILITY, MIN_PROBABILITY_OF_FEW = 0.97, 0.99
"""How probable the language must be with at least MANY_LETTERS, and with fewer."""
_MIN_LETTERS_OF_SCRIPT = 6
"""In a script that only one language uses."""
_MIN_HAN = 12
"""Han letters without any Hiragana or Katakana that count as Chinese."""
_MAX_SCRIPT_SAMPLE = 300
_ONE_LANGUAGE = {"HANGUL": "ko", "THAI": "th", "GREEK": "el", "GEORGIAN": "ka", "ARMENIAN": "hy", "TAMIL": "ta"}
_JAPANESE = {"HIRAGANA", "KATAKANA"}
_MIN_SCRIPT_SHARE, _MIN_KANA_SHARE = 0.4, 0.05
"""Of the letters: texts in every script contain names and terms in Latin letters."""
_NO_PROSE = re.compile(r"`[^`\n]*`|<[^<>\n]{1,300}>|\]\([^()\s]*\)")
"""Code, tags and link targets within a line."""
_NO_WORD = re.compile(r"[@/\\_={}$&<>]|\w\(|\w[.:]+\w|;$")
"""Occurs in addresses, paths, names and statements, and in no word."""
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_VOWEL_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff"
"""Scripts that write vowels as marks on letters, which \\w does not match."""
_WORD = re.compile(rf"(?:[^\W\d_]|[{_VOWEL_MARKS}]){{2,}}")
_MIN_WORDS, _MIN_UNSPACED = 4, 8
"""A line is a sentence from this many words, or this many letters in scripts without spaces."""
_UNSPACED = re.compile("[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_MIN_LETTER_SHARE = 0.75
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9_-]*)?")
_UNKNOWN = {"und", "mul", "mis", "zxx"}
_ISO_639_1 = {
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it", "por": "pt",
    "nld": "nl", "dut": "nl", "swe": "sv", "dan": "da", "fin": "fi", "nor": "nb", "no": "nb", "rus": "ru",
    "hun": "hu", "ron": "ro", "rum": "ro", "tur": "tr", "ell": "el", "gre": "el", "ara": "ar", "tam": "ta",
    "hin": "hi", "zho": "zh", "chi": "zh", "jpn": "ja", "kor": "ko", "tha": "th", "iw": "he",
}  # fmt: skip
"""ISO 639-1 codes of languages with codes of three letters, and of outdated codes."""


def language_of(parsed: Parsed) -> str:
    """The language of a document of prose, as an ISO 639-1 code such as `de`; "" when unsure.

    A language without a code of two letters has one of three letters.
    """
    return language_of_tag(parsed.language) or language_of_text(parsed.text)


def language_of_tag(tag: str) -> str:
    """The language of a tag as files declare it: `de` for `de-DE`, `DEU` or `de_AT`; "" for an unknown tag."""
    match = _TAG.fullmatch(tag.strip())
    code = match[1].lower() if match else ""
    return "" if code in _UNKNOWN else _ISO_639_1.get(code, code)


def language_of_text(text: str) -> str:
    """The language that the first sentences of a text are most probably in; "" when unsure."""
    sample = " ".join(_sentences(text[:_MAX_SEARCHED]))[:MAX_SAMPLE_LENGTH]
    letters = _letters(sample)
    if letters < _MIN_LETTERS_OF_SCRIPT:
        return ""
    if not sample.isascii() and (language := _language_of_script(sample)):
        return language
    if letters < MIN_LETTERS:
        return ""
    language, probability = detect_language(sample)
    return language if probability >= (MIN_PROBABILITY if letters >= MANY_LETTERS else MIN_PROBABILITY_OF_FEW) else ""


def _letters(text: str) -> int:
    return sum(map(len, _WORD.findall(text)))


def _sentences(text: str) -> Iterator[str]:
    """Lines of prose, without the code, tags and addresses in them, up to the length of a sample."""
    length, is_fenced = 0, False
    for line in text.splitlines():
        if _FENCE.match(line):
            is_fenced = not is_fenced
            continue
        if is_fenced or length >= MAX_SAMPLE_LENGTH:
            continue
        pieces = _NO_PROSE.sub(" ", line[:_MAX_LINE_LENGTH]).split()
        words = [piece for piece in pieces if not (piece.isascii() and _NO_WORD.search(piece))]
        plain = " ".join(words)
        if len(words) < _MIN_WORDS and len(_UNSPACED.findall(plain)) < _MIN_UNSPACED:
            continue
        if _letters(plain) < _MIN_LETTER_SHARE * (len(plain) - plain.count(" ")):
            continue
        length += len(plain) + 1
        yield plain


def _language_of_script(sample: str) -> str:
    """The language of a script that only one language uses. Han is Japanese if the text contains kana."""
    sampled = (letter for letter in sample[:_MAX_SCRIPT_SAMPLE] if letter.isalpha())
    scripts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in sampled)
    min_letters = max(_MIN_LETTERS_OF_SCRIPT, _MIN_SCRIPT_SHARE * scripts.total())
    for script, language in _ONE_LANGUAGE.items():
        if scripts[script] >= min_letters:
            return language
    han, kana = scripts["CJK"], sum(scripts[script] for script in _JAPANESE)
    if han + kana < min_letters:
        return ""
    if kana >= _MIN_KANA_SHARE * (han + kana):
        return "ja"
    return "zh" if han >= _MIN_HAN and not kana else ""
