"""Detect personal data: payment cards and bank accounts, both by their check digits, e-mail addresses and phones."""

import re
import string
from collections.abc import Iterator
from itertools import chain

from omni_pipelines.text.secrets.finding import Finding, occurrences
from omni_pipelines.text.secrets.shapes import matches_at, shape, signs

PERSONAL = ("card", "iban", "email", "phone")
"""The kinds of personal data."""
_SIGNS = signs({"A": string.ascii_uppercase, "0": string.digits, "-": ".-", **{sign: sign for sign in " +()"}})
_OTHER_DIGIT = re.compile(r"[^\x00-\x7f\D]")
"""A digit of another script: `\\d` matches it as well."""
_CARD_SHAPE = re.compile(rb"0000(?=0{10}|[ -]0{4}[ -]0{4}|[ -]0{6}[ -]0{4})")

_CARD = re.compile(
    r"\d(?<![\w.-]\d)\d{3}(?:\d{10,15}|([ -])\d{4}\1\d{4}\1(?:\d{4}\1\d{3}|\d{2,4})|([ -])\d{6}\2\d{4,5})"
    r"(?![\w.-]*\d)"
)
"""All digits together, or in groups as they are embossed. Starts with a digit and then looks back: several times as
fast as the other order."""
_NETWORKS = (
    ("34|37", {15}),  # American Express
    ("4", {16, 19}),  # Visa
    ("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", {16}),  # Mastercard
    ("30[0-5]|3095|36|3[89]", {14, 16}),  # Diners Club
    ("6011|64[4-9]|65", {16, 19}),  # Discover
    ("352[89]|35[3-8]", {16, 19}),  # JCB
    ("62|81", {16, 17, 18, 19}),  # UnionPay
    ("50[1-3]\\d|5[68]|63|67", {16, 18, 19}),  # Maestro
    ("220[0-4]", {16, 19}),  # Mir
    ("508[5-9]|60[78]|82", {16}),  # RuPay
    ("50[67]", {16, 18, 19}),  # Verve
    ("9792", {16}),  # Troy
)
"""The first digits of the cards of each network, and their lengths."""
_CARD_PREFIXES: dict[int, re.Pattern[str]] = {
    length: re.compile("|".join(prefix for prefix, lengths in _NETWORKS if length in lengths))
    for length in sorted(set().union(*(lengths for _, lengths in _NETWORKS)))
}
_DEVICE = re.compile(
    r"(?<![A-Za-z])(?:IMEI(?:/?SV)?|MEID|IMSI|ICCID|ISBN|ISSN|EAN|GTIN|UPC|SSCC)(?![A-Za-z])[^\n\d]{0,20}\Z",
    re.IGNORECASE,
)
"""What stands before a number that has a check digit and is the number of a device or an article."""
_BEFORE = 32
_MIN_DISTINCT_DIGITS = 3
"""A number of one or two different digits, such as 4444 4444 4444 4444, is a placeholder."""
_IBAN = re.compile(r"[A-Z](?<![A-Za-z0-9][A-Z])([A-Z]\d{2})( ?[A-Z0-9]{4}){2,7}+(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "BR": 29, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
    "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26,
    "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25,
    "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26, "UA": 29,
}  # fmt: skip
"""Country code to the length of its account numbers (ISO 13616)."""
_AT_SIGN = re.compile(r"@(?<=[A-Za-z0-9%+_-]@)(?=[A-Za-z0-9])")
_LOCAL_PART = re.compile(r"[A-Za-z0-9._%+-]{1,64}+")
"""Matched from the @ backwards."""
_DOMAIN = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_RESERVED_DOMAIN = re.compile(
    r"(?:^|\.)(?:example(?:\.\w+)?|test|invalid|localhost|local)$|\.(?:png|jpe?g|gif|svg|js|css|py|md)$",
    re.IGNORECASE,
)
_AFTER_SCHEME = re.compile(r"://\S*\Z")
_IMPERSONAL = {"git", "noreply", "no-reply", "user", "example", "test", "foo", "bar", "you", "name", "email", "me"}
_PHONES = {
    b"+0": re.compile(
        r"\+(?<![\w+./-]\+)(?:[1-9]\d{8,14}|[1-9]\d{0,2}(?:[ .-]?\(\d{1,4}\))?(?:[ .-]\d{1,8}){2,5})(?![\w.-]*\d)"
    ),
    b"(000)": re.compile(r"\((?<![\w+./-]\()\d{3}\) ?\d{3}[ .-]\d{4}(?![\w.-]*\d)"),
    b"000-000-0000": re.compile(r"\d(?<![\w+./-]\d)\d\d[.-]\d{3}[.-]\d{4}(?![\w.-]*\d)"),
}
"""The shape of the beginning of a number, and its pattern."""


def personal_data(text: str) -> Iterator[Finding]:
    """Cards, accounts, e-mail addresses and telephone numbers in a text; they may overlap."""
    digits = text if text.isascii() else _OTHER_DIGIT.sub("0", text)
    numbers = shape(digits, _SIGNS)
    return chain(cards(text, numbers), ibans(text, numbers), emails(text), phones(text, numbers))


def cards(text: str, numbers: bytes) -> Iterator[Finding]:
    """Numbers of payment cards: with a length and prefix of a network and the check digit of ISO/IEC 7812.

    Other numbers have the same check digit. IMEIs, with 15 digits, mostly begin with 35, 86, 01 or 49: no network has
    cards with that beginning and that length.
    """
    starts = (found.start() for found in _CARD_SHAPE.finditer(numbers))
    for match in matches_at(_CARD, text, starts):
        digits = re.sub(r"\D", "", match[0])
        prefix = _CARD_PREFIXES.get(len(digits))
        if prefix is None or not prefix.match(digits) or len(set(digits)) < _MIN_DISTINCT_DIGITS:
            continue
        if _passes_luhn(digits) and not _DEVICE.search(text, max(0, match.start() - _BEFORE), match.start()):
            yield Finding(match.start(), match.end(), "card")


def _passes_luhn(digits: str) -> bool:
    doubled = (int(digit) * (2 if index % 2 else 1) for index, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def ibans(text: str, numbers: bytes) -> Iterator[Finding]:
    """International bank account numbers: with the length of their country and the check digits of ISO 13616."""
    for match in matches_at(_IBAN, text, occurrences(numbers, b"AA00")):
        compact = match[0].replace(" ", "")
        length = _IBAN_LENGTHS.get(compact[:2])
        if length is None or len(compact) < length:
            continue
        end = _end_of_character(match[0], length)
        if _passes_mod_97(compact[:length]) and not match[0][end : end + 1].isalnum():
            yield Finding(match.start(), match.start() + end, "iban")


def _end_of_character(written: str, number: int) -> int:
    """Where the character `number`, not counting spaces, ends."""
    seen = 0
    for index, letter in enumerate(written):
        seen += letter != " "
        if seen == number:
            return index + 1
    return len(written)


def _passes_mod_97(compact: str) -> bool:
    rotated = compact[4:] + compact[:4]
    return int("".join(str(int(letter, 36)) for letter in rotated)) % 97 == 1


def emails(text: str) -> Iterator[Finding]:
    """E-mail addresses of persons: not in reserved domains such as example.org, and not of roles such as noreply."""
    for match in _AT_SIGN.finditer(text):
        at = match.start()
        local, domain = _LOCAL_PART.match(text[max(0, at - 65) : at][::-1]), _DOMAIN.match(text, at + 1)
        if not local or not domain or _RESERVED_DOMAIN.search(domain[0]):
            continue
        name = local[0][::-1].lstrip("._%+-")
        if name and name.lower() not in _IMPERSONAL and not _AFTER_SCHEME.search(text, max(0, at - 80), at):
            yield Finding(at - len(name), domain.end(), "email")


def phones(text: str, numbers: bytes) -> Iterator[Finding]:
    """Telephone numbers, written with the code of a country or in the North American form."""
    found = (matches_at(pattern, text, occurrences(numbers, begin)) for begin, pattern in _PHONES.items())
    for match in chain.from_iterable(found):
        digits = re.sub(r"\D", "", match[0])
        if 9 <= len(digits) <= 15 and len(set(digits)) >= _MIN_DISTINCT_DIGITS:
            yield Finding(match.start(), match.end(), "phone")
