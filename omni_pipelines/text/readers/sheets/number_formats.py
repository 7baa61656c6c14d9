"""Show a number of a spreadsheet as a person sees it: its currency, per cent sign, zeros, fraction, date or time.

The codes are those of ECMA-376, part 1, 18.8.31. What depends on the settings of a computer is written in one way:
dates in ISO order, a point before decimals, and no separators between thousands.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction

BUILT_IN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
    20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm", 37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00",
    41: "#,##0", 42: "$#,##0", 43: "#,##0.00", 44: "$#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0",
    48: "##0.0E+0", 49: "@",
}  # fmt: skip
"""Code of each built-in format by its number (18.8.30)."""
BUILT_IN |= dict.fromkeys((*range(27, 32), 36, *range(50, 55), 57, 58), "yyyy-mm-dd")
BUILT_IN |= dict.fromkeys((32, 33, 34, 35, 55, 56), "h:mm:ss")
GENERAL = "General"
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|[_*](?P<space>.)|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<half>AM/PM|A/P|上午/下午)|(?P<general>General|Standard)|(?P<power>E[+-](?=[0#?]))"
    r"|(?P<date>[yY]+|[mM]+|[dD]+|[hH]+|[sS]+(?:\.0+)?|[eE]+|[gG]+|[bB]{2,4})|(?P<place>[0#?])|(?P<sign>.)",
    re.DOTALL,
)
_ELAPSED = re.compile(r"(?:h+|m+|s+)$", re.IGNORECASE)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[\d.]+)$")
_CURRENCY = re.compile(r"\$(?P<sign>[^-]*)(?:-.*)?$")
_EPOCH, EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
_FIRST_CORRECT_DAY = 61
"""Lotus 1-2-3, and Excel after it, count 29 February 1900, a day that never was; earlier days differ by one."""
_MAX_DAY = 2_958_465
"""31 December 9999, in days since the epoch."""
_MAX_DAY_OF_MONTH = 31
_DAYS_AND_TIME = re.compile("dhm?s?")
"""The letters of a format that shows how many days something takes: it has no month and no year."""
_MAX_PLACES = 64
_MAX_DENOMINATOR_DIGITS = 7
_FRACTION = re.compile(r"(?P<whole>[#0?][#0?,]*[^#0?/]+)?[#0?]+ */ *(?P<below>[#0?]+|\d+)")
_GROUPS = re.compile(r"#[ '’.\u00a0\u202f]##0$")  # noqa: RUF001
"""Other separators between thousands than a comma."""
_DIGITS = 15
"""Excel calculates with 15 digits: 0.1 + 0.2 is 0.3."""
_LONG_MONTH = 3
"""Three letters `m` or more are the name of a month, never minutes."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def general(number: float) -> str:
    """A number without a format."""
    shown = _digits(number)
    if "e" not in shown:
        return shown
    return format(Decimal(shown), "f") if 1e-9 < abs(number) < 1e21 else shown.upper()


def _digits(number: float) -> str:
    is_whole = float(number).is_integer() and abs(number) < 1 << 53
    return f"{number:.0f}" if is_whole else f"{number:.{_DIGITS}g}"


def shown_number(number: float, code: str, *, is_from_1904: bool = False) -> str:
    """A number as its format shows it. A date that does not exist is shown as its number."""
    section, is_negative = _section(number, code)
    kinds = {token.kind for token in section}
    if "general" in kinds or not kinds:
        return _around(section, general(abs(number) if is_negative else number))
    if "date" in kinds or "elapsed" in kinds:
        return _moment(number, section, is_from_1904=is_from_1904) or general(number)
    if "place" not in kinds:
        return _literals(section).strip() or general(number)
    return _figures(abs(number) if is_negative else number, section) or general(number)


@functools.lru_cache(maxsize=4096)
def _sections(code: str) -> tuple[tuple[_Token, ...], ...]:
    """The parts of a format, for positive numbers, negative ones, zero and texts."""
    found: list[list[_Token]] = [[]]
    for match in _TOKEN.finditer(code):
        token = _token(match)
        if token.kind == "sign" and token.text == ";":
            found.append([])
        else:
            found[-1].append(token)
    return tuple(map(tuple, found))


def _token(match: re.Match[str]) -> _Token:
    kind = match.lastgroup or "sign"
    text = match[kind]
    if kind in ("quoted", "escaped"):
        return _Token("literal", text)
    if kind == "space":
        return _Token("space", "")
    if kind == "bracket":
        if _ELAPSED.match(text):
            return _Token("elapsed", text.lower())
        if currency := _CURRENCY.match(text):
            return _Token("literal", currency["sign"])
        return _Token("condition" if _CONDITION.match(text) else "space", text)
    return _Token(kind, text.lower() if kind == "date" else text)


def _section(number: float, code: str) -> tuple[tuple[_Token, ...], bool]:
    """The part of a format for a number, and whether its sign is left out because the part is for negative ones."""
    sections = _sections(code)
    numeric = sections[:3]
    conditions = [next((t.text for t in section if t.kind == "condition"), "") for section in numeric]
    if any(conditions):
        for section, condition in zip(numeric, conditions, strict=True):
            if not condition or _holds(number, condition):
                return section, False
        return numeric[-1], False
    if number < 0 and len(sections) > 1:
        return sections[1], True
    if number == 0 and len(sections) > 2 and sections[2]:
        return sections[2], False
    return sections[0], False


def _holds(number: float, condition: str) -> bool:
    match = _CONDITION.match(condition)
    if match is None:
        return True
    try:
        limit = float(match[2])
    except ValueError:
        return True
    compared = {"<": number < limit, ">": number > limit, "=": number == limit}
    return any(compared[sign] for sign in match[1]) if match[1] != "<>" else number != limit


def _around(section: Sequence[_Token], shown: str) -> str:
    """The signs of a format around a number without places of its own."""
    place = next((at for at, token in enumerate(section) if token.kind == "general"), len(section))
    return f"{_literals(section[:place])}{shown}{_literals(section[place:])}".strip()


# --- dates and times


def _moment(number: float, section: tuple[_Token, ...], *, is_from_1904: bool) -> str:
    letters = [token.text for token in section if token.kind in ("date", "elapsed")]
    has_time = any(text[0] in "hs" for text in letters) or any(t.kind == "elapsed" for t in section)
    months = [text for text in letters if text[0] == "m"]
    has_day = any(text[0] in "dyeg" for text in letters) or (bool(months) and not has_time)
    has_day = has_day or any(len(text) >= _LONG_MONTH for text in months)
    if not has_day:
        return _time(number, section)
    if 0 < number < 1 and not is_from_1904:
        return _time(number, (_Token("date", "hh"),))
    if not (1 <= number <= _MAX_DAY or (is_from_1904 and 0 <= number <= _MAX_DAY)):
        return ""
    if 1 <= number < _MAX_DAY_OF_MONTH + 1 and (duration := _days_and_time(number, section)):
        return duration
    moment = _day(number, is_from_1904=is_from_1904)
    if has_time:
        return f"{moment:%Y-%m-%d %H:%M:%S}" if moment.second or not _is_midnight(moment) else f"{moment:%Y-%m-%d}"
    kinds = {text[0] for text in letters}
    if "d" not in kinds and kinds <= {"y", "m", "e", "g"}:
        return f"{moment:%Y-%m}" if "m" in kinds else f"{moment:%Y}"
    return f"{moment:%Y-%m-%d}"


def _days_and_time(number: float, section: tuple[_Token, ...]) -> str:
    """A duration in a format such as `d "days" h:mm`; "" in other formats."""
    places = [at for at, token in enumerate(section) if token.kind == "date"]
    if not _DAYS_AND_TIME.fullmatch("".join(section[at].text[0] for at in places)):
        return ""
    day, hour = places[:2]
    return f"{int(number)}{_literals(section[day + 1 : hour])}{_time(number, section[hour:])}"


def _is_midnight(moment: datetime) -> bool:
    return not (moment.hour or moment.minute)


def _day(number: float, *, is_from_1904: bool) -> datetime:
    since = timedelta(seconds=round(number * 86_400))
    if is_from_1904:
        return EPOCH_1904 + since
    return _EPOCH + since + timedelta(days=number < _FIRST_CORRECT_DAY - 1)


def _time(number: float, section: tuple[_Token, ...]) -> str:
    """A time of the day, or a duration: hours of the day without `[h]`, all hours with it."""
    is_elapsed = any(token.kind == "elapsed" for token in section)
    first = next((token.text for token in section if token.kind in ("date", "elapsed")), "h")
    seconds = round(abs(number) * 86_400, 3)
    whole = int(seconds)
    rest = f"{seconds - whole:.3f}"[1:].rstrip("0").rstrip(".")
    sign = "-" if number < 0 and seconds else ""
    if is_elapsed and first[0] == "s":
        return f"{sign}{whole}{rest}"
    if is_elapsed and first[0] == "m":
        has_seconds = any(token.text[0] == "s" for token in section if token.kind == "date")
        return f"{sign}{whole // 60}:{whole % 60:02}{rest}" if has_seconds else f"{sign}{whole // 60}"
    hours = whole // 3600 if is_elapsed else whole // 3600 % 24
    return f"{sign}{hours:0{min(len(first), 2)}}:{whole // 60 % 60:02}:{whole % 60:02}{rest}"


# --- figures


def _figures(number: float, section: tuple[_Token, ...]) -> str:
    places = [at for at, token in enumerate(section) if token.kind == "place"]
    head, body, tail = section[: places[0]], section[places[0] : places[-1] + 1], section[places[-1] + 1 :]
    code = "".join(token.text for token in body if token.kind in ("place", "sign", "power"))
    fraction = _FRACTION.search(code + _literals(tail))
    if fraction is not None:
        return _joined(number, head, _fraction(number, fraction), tail if "/" in code else ())
    if not number and "0" not in code and "#" not in code:  # the places are blank
        return (_literals(head) + _literals(tail)).strip()
    commas = "".join(itertools.takewhile(lambda text: text == ",", (token.text for token in tail)))
    percent = _literals(section).count("%")
    value = Decimal(_digits(number)).scaleb(2 * percent - 3 * len(commas))
    whole, _, decimals = re.sub(r"[^0#?.E]", "", code).partition(".")
    if "E" in code:
        shown = f"{float(value):.{min(len(decimals.partition('E')[0]), _DIGITS)}E}"
        return _joined(number, head, shown, tail)
    shown = _rounded(abs(value), whole.count("0"), decimals[:_MAX_PLACES])
    inner = body[: code.index(".")] if "." in code and len(code) == len(body) else body
    if (
        not decimals
        and any(token.kind in ("literal", "sign") and token.text not in (",", "%") for token in inner)
        and not (_GROUPS.search(code))
    ):
        shown = _between(shown, body)
    is_hidden = number != 0 and not shown.strip("0.")
    shown = _joined(number if not is_hidden else 0, head, shown, tail[len(commas) :])
    return f"{shown} ({general(number)})" if commas or is_hidden else shown


def _rounded(value: Decimal, zeros: int, decimals: str) -> str:
    """A number with at least so many digits before the point, and with the decimals of a format after it."""
    try:
        value = value.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    except InvalidOperation:  # more digits than a number can have here
        return format(value, "f")
    whole, _, rest = format(value, "f").partition(".")
    while rest.endswith("0") and len(rest) > decimals.rfind("0") + 1:
        rest = rest[:-1]
    whole = whole.lstrip("0").rjust(max(min(zeros, _MAX_PLACES), 1), "0")
    return f"{whole}.{rest}" if rest else whole


def _between(digits: str, body: Sequence[_Token]) -> str:
    """Digits with the signs that a format has between its places, as telephone numbers have."""
    shown = ""
    left = sum(token.kind == "place" for token in body)
    for token in reversed(body):
        if token.kind == "place":
            left -= 1
            shown = (digits if not left else digits[-1:]) + shown
            digits = digits[:-1]
        elif token.text != ",":
            shown = token.text + shown
    return shown


def _fraction(number: float, code: re.Match[str]) -> str:
    """A number as a whole number and a fraction, or as a fraction alone where the format has no place before it."""
    value = Fraction(abs(number)).limit_denominator(10**_DIGITS)
    whole = int(value) if code["whole"] else 0
    if code["below"].isdecimal() and code["below"].strip("0"):
        below = int(code["below"])
        above = round((value - whole) * below)
    else:
        rest = (value - whole).limit_denominator(10 ** min(len(code["below"]), _MAX_DENOMINATOR_DIGITS) - 1)
        above, below = rest.numerator, rest.denominator
    if code["whole"] and above == below:
        whole, above = whole + 1, 0
    if not above:
        return str(whole)
    return f"{whole} {above}/{below}" if whole else f"{above}/{below}"


def _joined(number: float, head: Sequence[_Token], shown: str, tail: Sequence[_Token]) -> str:
    sign = "-" if number < 0 and not shown.startswith("-") else ""
    return f"{sign}{_literals(head)}{shown}{_literals(tail)}".strip()


def _literals(tokens: Iterable[_Token]) -> str:
    """The signs that a format shows as they stand."""
    return "".join(
        token.text for token in tokens if token.kind in ("literal", "sign") and token.text not in ("@", ",")
    )
