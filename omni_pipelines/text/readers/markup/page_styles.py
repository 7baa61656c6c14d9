"""What the styles of a page do not display: `display: none` and `visibility: hidden`, of elements and style sheets.

Only selectors for single elements are followed, such as `p.note` or `#menu`, because what is inside other elements,
or what a script or a click changes, cannot be told from the page alone. Of several rules, the one counts that
browsers take: important, specific, late.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml.html import HtmlElement

_MAX_RULES = 5_000
_MAX_SHEET_LENGTH = 1 << 20
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_BLOCK = re.compile(r"(?P<head>[^{}]*)(?P<brace>[{}])")
_DECLARATION = re.compile(
    r"(?:\A|;)\s*(?P<property>display|visibility)\s*:\s*(?P<value>[a-z-]+)\s*(?P<important>!\s*important)?",
    re.IGNORECASE,
)
_SELECTOR = re.compile(r"(?P<tag>[a-z][\w-]*|\*)?(?P<marks>(?:[.#][\w-]+)*)", re.IGNORECASE)
_MARK = re.compile(r"[.#][\w-]+")
_SCREEN = re.compile(r"@media\s+(?:only\s+)?(?:screen|all)\s*$", re.IGNORECASE)
_HIDING = {"display": {"none"}, "visibility": {"hidden", "collapse"}}
_FOR_SCREEN_READERS = {"sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screen-reader-only"}
"""Classes that pages use by convention for text that is read aloud and not displayed."""

_Weight = tuple[bool, int, int, int]
"""Important, then how specific, then the place among all rules."""
_OF_ELEMENT = 1 << 30
"""More specific than any selector: the style of the element itself."""


@dataclass
class _Rule:
    tag: str
    marks: frozenset[str]
    """Classes as `.name`, ids as `#name`."""
    verdicts: dict[str, tuple[_Weight, bool]] = field(default_factory=dict)
    """By property, whether it hides the element."""


class PageStyles:
    """The style sheets in a page."""

    def __init__(self, root: HtmlElement) -> None:
        self._rules: dict[str, dict[tuple[str, frozenset[str]], _Rule]] = defaultdict(dict)
        """By the mark, or else the tag, that an element has to have, and by selector."""
        number = 0
        for sheet in root.iter("style"):
            if not _is_for_screens(sheet):
                continue
            for selectors, body in _blocks((sheet.text or "")[:_MAX_SHEET_LENGTH]):
                for selector in selectors.split(",") if _DECLARATION.search(body) else ():
                    self._add(selector.strip(), body, number)
                    number += 1
                if number > _MAX_RULES:
                    return

    def _add(self, selector: str, body: str, number: int) -> None:
        match = _SELECTOR.fullmatch(selector)
        if match is None or not selector:
            return
        marks, tag = _MARK.findall(match["marks"]), (match["tag"] or "*").lower()
        ids = sum(mark.startswith("#") for mark in marks)
        key = tag, frozenset(marks)
        rule = self._rules[min(marks, default=tag)].setdefault(key, _Rule(*key))
        for name, hides, is_important in declarations(body):
            weight = is_important, ids, 2 * len(marks) + (tag != "*"), number
            _decide(rule.verdicts, name, weight, hides=hides)

    def hides(self, element: HtmlElement) -> bool:
        """Whether an element itself is not displayed. What is inside it has to be asked separately."""
        style, classes = element.get("style"), (element.get("class") or "").split()
        if not style and not classes and not self._rules:
            return False
        if not _FOR_SCREEN_READERS.isdisjoint(classes):
            return True
        decided: dict[str, tuple[_Weight, bool]] = {}
        for rule in self._matching(element, classes) if self._rules else ():
            for name, (weight, hides) in rule.verdicts.items():
                _decide(decided, name, weight, hides=hides)
        for name, hides, is_important in declarations(style) if style else ():
            _decide(decided, name, (is_important, _OF_ELEMENT, 0, 0), hides=hides)
        return any(hides for _, hides in decided.values())

    def _matching(self, element: HtmlElement, classes: list[str]) -> Iterator[_Rule]:
        marks = {f".{name}" for name in classes}
        if name := element.get("id"):
            marks.add(f"#{name}")
        for key in (*marks, element.tag, "*"):
            for rule in self._rules.get(key, {}).values():
                if rule.tag in ("*", element.tag) and rule.marks <= marks:
                    yield rule


def _blocks(sheet: str) -> Iterator[tuple[str, str]]:
    """The selectors and declarations of a style sheet, also those for all screens; not those under conditions."""
    head, skipped, inside = "", 0, 0
    for found in _BLOCK.finditer(_COMMENT.sub(" ", sheet)):
        text, opens = found["head"], found["brace"] == "{"
        if opens and skipped:
            skipped += 1
        elif opens and head:  # a rule in a rule
            skipped, head = 1, ""
        elif opens:
            head = text.rpartition(";")[2].strip()
            if head.startswith("@"):
                is_for_screens = _SCREEN.match(head) is not None
                inside, skipped, head = inside + is_for_screens, int(not is_for_screens), ""
        elif skipped:
            skipped -= 1
        elif head:
            yield head, text
            head = ""
        else:
            inside = max(inside - 1, 0)


def _decide(decided: dict[str, tuple[_Weight, bool]], name: str, weight: _Weight, *, hides: bool) -> None:
    if name not in decided or decided[name][0] <= weight:
        decided[name] = weight, hides


def _is_for_screens(sheet: HtmlElement) -> bool:
    """Whether a style sheet counts: not the one for printers, or for pages without scripts."""
    parent, media = sheet.getparent(), (sheet.get("media") or "all").strip().lower()
    return media in ("all", "screen") and (parent is None or parent.tag not in ("noscript", "template"))


def declarations(style: str) -> Iterator[tuple[str, bool, bool]]:
    """The declarations about display and visibility: the property, whether it hides, and whether it is important."""
    for found in _DECLARATION.finditer(_COMMENT.sub(" ", style)):
        name = found["property"].lower()
        yield name, found["value"].lower() in _HIDING[name], bool(found["important"])
