r"""Characters that a file writes as escapes, such as `\u00e9`, are text: nobody searches for the escape."""

import re

_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|.)", re.DOTALL
)
_QUOTED = re.compile(r'(?<![^\s\[{(,:=-])"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_FIRST_LETTER = 0x80


def without_escapes(text: str) -> str:
    r"""A text with its `\uXXXX` escapes replaced by their characters, except for control characters and ASCII."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def without_escapes_in_quotes(text: str) -> str:
    """The same where only strings in double quotes have escapes, as in YAML and TOML."""
    return _QUOTED.sub(lambda quoted: without_escapes(quoted[0]), text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    short, low, long, byte = match.groups()
    number = int(short or long or byte or "0", 16)
    if low and 0xD800 <= number < 0xDC00:
        return chr(0x10000 + ((number - 0xD800) << 10) + int(low, 16) - 0xDC00)
    shown = chr(number) if _FIRST_LETTER <= number <= 0x10FFFF and not 0xD800 <= number < 0xE000 else ""
    if not shown.isprintable() or not shown:
        return match[0]
    return shown + (match[0][6:] if low else "")
