"""Text to words: what is one word, which words are the same, and the forms in which people search for a word.

Words whose spelling is only a matter of the keyboard or the font become equal here. Names with signs, such as C++,
are spelled in letters. Forms that people write too, such as `email` for `e-mail`, are indexed in addition.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial

from native.later_patterns import compile_later

_RUN = compile_later(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003134f]+"
)
"""Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Han, Hiragana, Katakana."""
_PAIRED = compile_later(f"{_RUN.pattern}|[\uac00-\ud7a3]+")
"""These scripts and Hangul, which has spaces between words, but particles at their ends."""
_MAY_BE_PAIRED = compile_later("[\u0e01-\u0eff\u1000-\u17ff\u3005-\U0003134f]")
"""Shows three times as fast that a text has none of them."""
_SPELLINGS = {
    "\u0130": "i", "\u0131": "i",  # Turkish: the lower case of I and \u0130 depends on the language
    "\u03c2": "\u03c3",  # sigma at the end of a word
    "\u0451": "\u0435",  # Russian yo is mostly written as ye
    "\u0622": "\u0627", "\u0623": "\u0627", "\u0625": "\u0627", "\u0671": "\u0627",  # alef with hamza, madda, wasla
    "\u0649": "\u064a", "\u06cc": "\u064a", "\u06a9": "\u0643", "\u0640": "",  # yeh, kaf; the stretching stroke
    "\u05f3": "", "\u05f4": "",  # the marks in Hebrew abbreviations
    "\u00ad": "", "\u200b": "", "\u200d": "", "\u2060": "", "\ufeff": "",  # invisible hyphens, breaks and joiners
    "\u200e": "", "\u200f": "", "\u061c": "",  # marks of the direction of writing
}  # fmt: skip
"""Variants of a letter that writers use interchangeably, and the one that is indexed."""
_OPTIONAL = re.compile("[\u02b9-\u02bf\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\ufe00-\ufe0f]")
"""Signs that most writers leave out: vowels of Hebrew and Arabic, stress, marks that no letter is composed with."""
_GREEK = re.compile("[\u0386-\u03ce\u1f00-\u1fff]")
_LATIN_WITH_MARKS = re.compile("[\u00c0-\u024f\u1e00-\u1eff]")
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_ASCII = "".join(map(chr, range(128)))
_PLAIN = bytes(code if code > 127 or chr(code).isalnum() else 32 for code in range(256))
"""A translation table for bytes of UTF-8: ASCII other than letters and digits becomes a space."""
_NAME_CHARACTERS = re.sub(r"\W", " ", _ASCII)
"""A translation table for ASCII: what can be no part of a name becomes a space."""
_NAME = re.compile(r"\w+")
_ASCII_NAME = re.compile("[A-Za-z0-9_]+")
_HUMPS = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_CAMEL = re.compile("[A-Za-z]*[a-z][A-Z][A-Za-z0-9]*|[A-Z]{2,}[a-z][A-Za-z0-9]*")
_PLURAL = re.compile("s(?<=[A-Z]{2}s)(?![a-z])")
"""The ending of PDFs, VMs and APIs, which stemmers take away only after a vowel."""
_SUPERSCRIPTS = "\u00b9\u00b2\u00b3\u2070\u2074\u2075\u2076\u2077\u2078\u2079"
_FOOTNOTE = re.compile(f"[{_SUPERSCRIPTS}](?<=[^\\W\\d_]{{4}}.)")
_COLOURS = re.compile(r"\x1b\[[0-9;:?]{0,40}[A-Za-z]")
"""A control sequence, as programs write them into logs: it ends with a letter. ECMA-48, 5.4."""
_REPLACED = (("\u2122", " "), ("\u2120", " "), ("\u2010", "-"), ("\u2011", "-"), ("\u266f", "#"))
"""Signs that NFKC would make letters of the word before them; Unicode's hyphens; the sharp of C#."""
_SIGNS = (
    ("++", "pp", re.compile(r"\+\+(?<=\w\+\+)")),
    ("#", "sharp", re.compile(r"#(?<=[A-Za-z]#)(?![A-Za-z_])")),
    ("*", "star", re.compile(r"\*(?<=[A-Z]\*)(?![\w*])")),
)
"""Signs after a name, and the letters that replace them; patterns that begin with a literal are the fast ones."""
_NAME_BEFORE = re.compile(r"(?<![\w*])\w+$")
_MAX_NAME_LENGTH = 40
_NAME_WITH_DOT = re.compile(r"\.(?<![^\s(`'\"/]\.)([A-Za-z]\w+)(?![\w(])")
_OPERATOR = re.compile(r"\boperator\s?(\(\)|\[\]|->\*?|<=>|(?:<<|>>|&&|\|\||\+\+|--|[-+*/%^&|=!<>])=?|[~,])")  # C++
_NUMBER = re.compile(
    r"[1-9](?<![\w.,].)"
    r"(?:[0-9]{0,2}([,.'\u2019_ ])[0-9]{3}(?:\1[0-9]{3}){0,5}|[0-9]?(?:,[0-9]{2}){1,4},[0-9]{3}"
    r"|[0-9]{3,14}(?=[.,][0-9]))"
    r"(?:(?!\1)[.,]([0-9]{1,9}))?(?![.,]?[0-9])(?!\1[0-9])"
)
"""A number with digits in groups, 1,234.56, 1.234,56, 1'234, 12,34,567, or one that could have them; its decimals."""
_ACRONYM = re.compile(r"\.(?<=(?<![\w.])[A-Z]\.)((?:[A-Z]\.)+[A-Z]?)")
_HYPHEN = re.compile(r"-(?<=[^\W_]-)(?=[^\W_])")
_HYPHENATED = re.compile(r"[^\W_]+(?:-[^\W_]+)+")
_TELEPHONE = re.compile(r"[+0](?<![\w.,/-].)[0-9]{1,5}(?:[ /.()\u2013-]{1,3}(?:0\) ?)?[0-9]{2,}){1,6}(?![\w,])")
_TRUNK_ZERO = "(0)"
_TELEPHONE_DIGITS = range(7, 16)
_ACCOUNT = re.compile(r"[0-9][0-9](?<=[A-Z]{2}..)(?<!\w....)(?: [0-9A-Z]{4}){3,7}(?: [0-9A-Z]{1,3})?(?!\w)")
"""An IBAN in groups of four, after the letters of its country. `[0-9]{2}` would be found at three times the cost."""
_BOOK = re.compile(r"97[89] (?<!\w....)(?:[0-9]{1,7} ){3}[0-9](?!\w)")
"""An ISBN."""
_LETTERS_BEFORE_DIGITS = re.compile(r"([^\W\d_]+(?<=[^\W\d_][A-Za-z]))[0-9]+")
_SNAKE = re.compile("[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+")
_AND = "&"
"""Stands between the words in a name and the names in it; no name has this sign."""
_MAX_KEPT_NAMES = 100_000
_MAX_PARTS = 5
"""Parts of a hyphenated word that is indexed as one word too; a UUID has five."""
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "ß": "ss"})
_SPELLED_OUT_PAIRS = re.compile("ae|oe|ue|aa")


def normal(text: str) -> str:
    """A text in Unicode's NFKC form: full-width letters, half-width kana and ligatures become plain characters.

    Unicode's hyphens become hyphens, and the signs of trademarks and footnotes after a word are no part of it, nor
    are the colours of a terminal.
    """
    if "\x1b" in text:
        text = _COLOURS.sub(" ", text)
    if text.isascii():
        return text
    for sign, plain in _REPLACED:
        text = text.replace(sign, plain)
    if any(digit in text for digit in _SUPERSCRIPTS):
        text = _FOOTNOTE.sub(r" \g<0>", text)
    return unicodedata.normalize("NFKC", text)


class _CharacterTable(dict[int, str]):
    """A translation table for characters outside ASCII, filled on demand: letters stay, others become spaces.

    Characters of a script without spaces get spaces around them.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if character in _SPELLINGS:
            self[code] = _SPELLINGS[character]
        elif _OPTIONAL.match(character) and category[0] in "LM":
            self[code] = ""
        elif category == "Nd":
            self[code] = str(unicodedata.decimal(character))
        elif category[0] not in "LMN":  # letters, marks, numbers
            self[code] = " "
        elif _GREEK.match(character):  # without accents, which capitals do not have
            self[code] = unicodedata.normalize("NFD", character)[0]
        else:
            self[code] = f" {character} " if _RUN.match(character) else character
        return self[code]


_CHARACTERS = _CharacterTable()


def words(text: str) -> str:
    """The words of a text, separated by spaces; in scripts without spaces, the single characters.

    Tantivy's tokenizer by pattern could find them too, but would take half of the time to add a text. To split at
    spaces takes a tenth.
    """
    if text.isalnum() and text.isascii():
        return _PLURAL.sub("", text)
    text = _without_signs(text)
    if not text.isascii():
        text = _FOREIGN.sub(lambda run: run[0].translate(_CHARACTERS), text)
    return text.encode("utf-8", "surrogatepass").translate(_PLAIN).decode("utf-8", "surrogatepass")


def _without_signs(text: str) -> str:
    """Names with signs in letters, as people say them: C++ is cpp, C# is csharp, .NET is dotnet; PDFs is PDF."""
    if "operator" in text:
        text = _OPERATOR.sub(lambda found: f"operator operator{found[1].encode().hex()} ", text)
    for sign, letters, pattern in _SIGNS:
        if sign in text:
            text = pattern.sub(partial(_in_letters, letters), text)
    return _PLURAL.sub("", _NAME_WITH_DOT.sub(r" dot\1 \1", text))


def _in_letters(letters: str, sign: re.Match[str]) -> str:
    """The letters of a sign after a name. A name of several letters stays a word without the sign as well."""
    name = _NAME_BEFORE.search(sign.string, max(sign.start() - _MAX_NAME_LENGTH, 0), sign.start())
    if name is None or (len(name[0]) > 1 and sign[0] != "++"):
        return sign[0]
    return f"{letters} " if len(name[0]) == 1 else f" {name[0]}{letters} "


def character_pairs(text: str) -> Iterator[str]:
    """The pairs of adjacent characters in scripts without spaces: 東大寺 gives 東大, 大寺.

    They find words without a dictionary.
    """
    if text.isascii() or not _MAY_BE_PAIRED.search(text):
        return
    for run in _PAIRED.findall(text):
        yield from (run[start : start + 2] for start in range(len(run) - 1))


def identifier_parts(text: str) -> list[str]:
    """The words inside camelCase and PascalCase: parseHTTPHeader gives parse, HTTP, Header."""
    return " ".join([name.partition(_AND)[0] for name in _compound_names(text)]).split()


def inner_names(text: str) -> list[str]:
    """What names contain, as one word: getUserName and get_user_name contain getUser and userName, python3 python."""
    return " ".join([name.partition(_AND)[2] for name in _compound_names(text)]).split()


class _Names(dict[str, str]):
    """What names contain: their parts, then inner names. A corpus has few distinct names, so most are read once.

    As texts, because Python's collector of garbage would look through a hundred thousand lists again and again.
    """

    def __missing__(self, name: str) -> str:
        if len(self) >= _MAX_KEPT_NAMES:
            self.clear()
        parts, inner = ((), ()) if name.islower() and name.isalpha() else _taken_apart(name)
        self[name] = found = f"{' '.join(parts)}{_AND}{' '.join(inner)}" if parts or inner else ""
        return found


def _taken_apart(name: str) -> tuple[Sequence[str], Sequence[str]]:
    """The words in a name, and the names in it."""
    pieces = (piece for piece in _ASCII_NAME.findall(_PLURAL.sub("", name)) if "_" not in piece)
    humps = [_HUMPS.findall(piece) for piece in pieces if _CAMEL.fullmatch(piece)]
    snakes = [snake.split("_") for snake in _SNAKE.findall(name)]
    inner = ["".join(pair) for parts in (*humps, *snakes) if len(parts) > 2 for pair in itertools.pairwise(parts)]
    inner += map("".join, snakes)
    if letters := _LETTERS_BEFORE_DIGITS.fullmatch(name):
        inner.append(letters[1])
    return list(itertools.chain(*humps)), inner


_NAMES = _Names()


@lru_cache(maxsize=1)  # the index asks for the parts of a text, and then for what its names contain
def _compound_names(text: str) -> Sequence[str]:
    """What is in each name of several words."""
    names = text.translate(_NAME_CHARACTERS).split() if text.isascii() else _NAME.findall(text)
    return list(filter(None, map(_NAMES.__getitem__, names)))


def _around(sign: re.Pattern[str], name: re.Pattern[str], text: str) -> Iterator[str]:
    """The names that contain a sign, found by looking only at the signs."""
    end = 0
    for found in sign.finditer(text):
        if found.start() < end:
            continue
        start = max(end, found.start() - _MAX_NAME_LENGTH, text.rfind(" ", end, found.start()))
        whole = name.search(text, start)
        if whole is not None:
            end = whole.end()
            yield whole[0]


def joined(text: str) -> Iterator[str]:
    """What a text has in parts, as one word: e-mail as email, U.S.A. as USA, 1,234.56 as 1234 and 1234point56.

    Telephone numbers and account numbers become one word too.
    """
    for found in _NUMBER.finditer(text):
        integer = found[0][: found.start(2) - found.start() - 1] if found[2] else found[0]
        digits = re.sub(r"\D", "", integer)
        if digits != integer:
            yield digits
        if found[2]:
            yield f"{digits}point{found[2]}"
    for found in _TELEPHONE.finditer(text):
        digits = re.sub(r"\D", "", found[0].replace(_TRUNK_ZERO, ""))
        if len(digits) in _TELEPHONE_DIGITS:
            yield digits
    for found in _ACCOUNT.finditer(text):
        yield text[found.start() - 2 : found.end()].replace(" ", "")
    yield from (found[0].replace(" ", "") for found in _BOOK.finditer(text))
    for found in _ACRONYM.finditer(text):
        yield text[found.start() - 1] + found[1].replace(".", "")
    for name in _around(_HYPHEN, _HYPHENATED, text):
        if name.count("-") < _MAX_PARTS:
            yield name.replace("-", "")


def with_marks(separated: str) -> list[str]:
    """Of words separated by spaces, those in Latin letters with accents and other marks."""
    if separated.isascii() or not _LATIN_WITH_MARKS.search(separated):
        return []
    return [word for word in separated.split() if not word.isascii() and _LATIN_WITH_MARKS.search(word)]


def spelled_out(word: str) -> str:
    """A word in lower case with ae for ä, as people write on other keyboards; "" if it has no such letter."""
    spelled = word.translate(_SPELLED_OUT)
    return spelled if spelled != word else ""


def contracted(word: str) -> str:
    """A word with a for ae, as `Muenchen` is indexed if a text has an ü; "" if it has no such letters."""
    shorter = _SPELLED_OUT_PAIRS.sub(lambda pair: pair[0][0], word)
    return shorter if shorter != word else ""
