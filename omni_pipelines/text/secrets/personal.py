"""Data of persons: bank accounts and cards, which a checksum proves, e-mail addresses and telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain

from omni_pipelines.text.secrets.finding import Finding

_CARD = re.compile(r"\d(?<![\w.-]\d)\d{3}(?:([ -]?)\d{4}\1\d{4}\1\d{1,7}|([ -])\d{6}\2\d{5})(?![\w.-]*\d)")
"""Begins with what is searched for, and looks back afterwards: several times as fast as the other way round."""
_CARD_LENGTHS = {14, 15, 16, 19}
_CARD_BEGINS = re.compile(r"4|5[1-5]|2[2-7]|3[47]|6(?:011|5)|35|3[068]")
_ACCOUNT = re.compile(
    r"[A-Z](?<![A-Za-z0-9][A-Z])([A-Z]\d{2})( ?[A-Z0-9]{4}){2,7}+(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
)
_ACCOUNT_LENGTHS = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "BR": 29, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
    "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26,
    "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25,
    "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26, "UA": 29,
}  # fmt: skip
"""Letters of a country to the length of its account numbers (ISO 13616)."""
_AT = re.compile(r"@(?<=[A-Za-z0-9%+_-]@)(?=[A-Za-z0-9])")
_LOCAL = re.compile(r"[A-Za-z0-9._%+-]{1,64}+")
"""What stands before the @, back to front."""
_DOMAIN = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_NOBODY = re.compile(
    r"(?:^|\.)(?:example(?:\.\w+)?|test|invalid|localhost|local)$|\.(?:png|jpe?g|gif|svg|js|css|py|md)$",
    re.IGNORECASE,
)
_AFTER_SCHEME = re.compile(r"://\S*\Z")
_NO_PERSON = {"git", "noreply", "no-reply", "user", "example", "test", "foo", "bar", "you", "name", "email", "me"}
_PHONES = (
    re.compile(
        r"\+(?<![\w+./-]\+)(?:[1-9]\d{8,14}|[1-9]\d{0,2}(?:[ .-]?\(\d{1,4}\))?(?:[ .-]\d{1,8}){2,5})(?![\w.-]*\d)"
    ),
    re.compile(r"\((?<![\w+./-]\()\d{3}\) ?\d{3}[ .-]\d{4}(?![\w.-]*\d)"),
    re.compile(r"\d(?<![\w+./-]\d)\d\d[.-]\d{3}[.-]\d{4}(?![\w.-]*\d)"),
)


def cards(text: str) -> Iterator[Finding]:
    """Numbers of payment cards: the right length and beginning, and the check digit of ISO/IEC 7812."""
    for found in _CARD.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if len(digits) in _CARD_LENGTHS and _CARD_BEGINS.match(digits) and len(set(digits)) > 2 and _luhn(digits):
            yield Finding(found.start(), found.end(), "card")


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (2 if at % 2 else 1) for at, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def accounts(text: str) -> Iterator[Finding]:
    """International bank account numbers: the length of their country, and the check digits of ISO 13616."""
    for found in _ACCOUNT.finditer(text):
        compact = found[0].replace(" ", "")
        length = _ACCOUNT_LENGTHS.get(compact[:2])
        if length is None or len(compact) < length:
            continue
        end = _place_of(found[0], length)
        if _mod97(compact[:length]) and not found[0][end : end + 1].isalnum():
            yield Finding(found.start(), found.start() + end, "iban")


def _place_of(written: str, length: int) -> int:
    """Where the character number `length` that is not blank ends."""
    seen = 0
    for at, letter in enumerate(written):
        seen += letter != " "
        if seen == length:
            return at + 1
    return len(written)


def _mod97(compact: str) -> bool:
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def addresses(text: str) -> Iterator[Finding]:
    """E-mail addresses, but for those of domains that are reserved for examples, and of nobody in particular."""
    for found in _AT.finditer(text):
        at = found.start()
        local, domain = _LOCAL.match(text[max(0, at - 65) : at][::-1]), _DOMAIN.match(text, at + 1)
        if not local or not domain or _NOBODY.search(domain[0]):
            continue
        name = local[0][::-1].lstrip("._%+-")
        if name and name.lower() not in _NO_PERSON and not _AFTER_SCHEME.search(text, max(0, at - 80), at):
            yield Finding(at - len(name), domain.end(), "email")


def phones(text: str) -> Iterator[Finding]:
    """Telephone numbers that are written to be dialled: with a country's code, or as in North America."""
    for found in chain.from_iterable(pattern.finditer(text) for pattern in _PHONES):
        digits = re.sub(r"\D", "", found[0])
        if 9 <= len(digits) <= 15 and len(set(digits)) > 2:
            yield Finding(found.start(), found.end(), "phone")


PERSONAL: dict[str, Callable[[str], Iterator[Finding]]] = {
    "card": cards,
    "iban": accounts,
    "email": addresses,
    "phone": phones,
}
"""What can be looked for, by name."""
