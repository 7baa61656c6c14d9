"""Find what is printed at the edge of every page: running heads and page numbers, which are no part of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from omni_pipelines.text.layout.page_layout import PageLine

_NEAR = 6
"""Pages before and after: heads change with the chapters, and left and right pages have different ones."""
_MIN_OTHERS = 2
_NUMBER = re.compile(r"\d{1,5}|\b[ivxlcdm]{1,8}\b|\b[IVXLCDM]{1,8}\b")
_PAGE_NUMBER = re.compile(r"\W*(?:\w{1,10}\.?\s)?\W*#(?:\s?(?:/|\w{2,5})\s?#?\d*)?\W*$")
"""A page number alone, or as in "Page 3 of 10"; # stands for the number."""
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
_Key = tuple[str, str, int]
"""The edge, the text with # for a number that grows with the pages, and that number less the page."""


def running_heads(edges: Sequence[Sequence[PageLine]]) -> dict[PageLine, str]:
    """The lines that neighbouring pages share, as text with # for a number that counts the pages.

    `edges` are the lines at the edges of each page.
    """
    keys = [[(line, tuple(_keys(line, page))) for line in lines] for page, lines in enumerate(edges)]
    pages: dict[_Key, list[int]] = {}
    for page, lines in enumerate(keys):
        for _, of_line in lines:
            for key in of_line:
                pages.setdefault(key, []).append(page)
    repeated = (
        (line, next((key for key in of_line if _is_repeated(key, page, pages[key])), None))
        for page, lines in enumerate(keys)
        for line, of_line in lines
    )
    return {line: key[1] for line, key in repeated if key is not None}


def is_page_number(head: str) -> bool:
    """Whether a running head only counts the pages."""
    return "#" in head and _PAGE_NUMBER.match(head) is not None


def _is_repeated(key: _Key, page: int, pages: list[int]) -> bool:
    others = sum(abs(other - page) <= _NEAR for other in pages) - 1
    return others >= (1 if is_page_number(key[1]) else _MIN_OTHERS)


def _keys(line: PageLine, page: int) -> Iterator[_Key]:
    text = " ".join(line.text.split())
    yield line.edge, text, 0
    for match in _NUMBER.finditer(text):
        value = int(match[0]) if match[0].isdecimal() else _roman(match[0].lower())
        yield line.edge, f"{text[: match.start()]}#{text[match.end() :]}", value - page


def _roman(text: str) -> int:
    values = [_ROMAN[letter] for letter in text]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))
