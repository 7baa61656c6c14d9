"""Org: the text as it is shown, without drawers and comments; stars give the sections.

Tags and links are properties.
"""

import itertools
import re
from dataclasses import replace

from omni_pipelines.text.decoding import decode, split_lines
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction

_HEADING = re.compile(
    r"(?P<stars>\*{1,30})[ \t]+(?:(?P<state>TODO|DONE|NEXT|WAITING|CANCELLED|CANCELED)[ \t]+)?(?:\[#\w\][ \t]+)?"
    r"(?P<title>.*)$"
)
_TAGS = re.compile(r"[ \t]+:(?P<tags>[\w@#%:]+):$")
_SETTING = re.compile(r"[ \t]*#\+(?P<name>\w+)(?:\[[^\]]*\])?:[ \t]*(?P<value>.*)$")
_BLOCK = re.compile(r"[ \t]*#\+(?P<edge>begin|end)_(?P<kind>\w+)[ \t]*(?P<language>[\w+-]*)", re.IGNORECASE)
_LISTINGS = {"src", "example", "export", "comment"}
_NOT_SHOWN = {"export", "comment"}
_DRAWER = re.compile(r"[ \t]*:(?P<name>[\w-]+):[ \t]*$")
_CLOCK = re.compile(r"[ \t]*CLOCK:[ \t]*\[")
_PLANNED = re.compile(r"(?P<name>SCHEDULED|DEADLINE|CLOSED):[ \t]*[<\[](?P<date>[^<>\[\]\n]{1,80})[>\]]")
_NOTE_TEXT = re.compile(r"\[fn:[\w-]{1,40}\][ \t]+(?=\S)")
_COMMENT = re.compile(r"[ \t]*#(?:[ \t]|$)")
_FIXED = re.compile(r"[ \t]*:(?:[ \t](?P<code>.*))?$")
_ITEM = re.compile(r"(?P<mark>[-+]|\*(?<=[ \t]\*)|\d{1,4}[.)])[ \t]+(?:\[@\d+\][ \t]*)?(?:\[(?P<box>[ X-])\][ \t]+)?")
_TERM = re.compile(r"(?P<term>\S.{0,200}?)[ \t]+::[ \t]+")
_TABLE_RULE = re.compile(r"\|[-+|]+$")
_LINK = re.compile(r"\[\[(?:file:|id:)?(?P<target>[^\]\n]{1,300})\](?:\[(?P<label>[^\]\n]{1,300})\])?\]")
_MARKED = re.compile(
    r"(?:^|(?<=[\s\-({'\"]))(?P<sign>[*/_=~+])(?P<text>\S|\S[^\n]{0,200}?\S)(?P=sign)(?=[\s\-.,;:!?'\")}\[]|$)"
)
_NOTE = re.compile(r"\[fn:(?P<name>[\w-]{0,40})(?::(?P<text>[^\[\]\n]{1,1000}))?\]")
_TARGET = re.compile(r"<<<?[^<>\n]{1,200}>>>?|\\\\$")
_BOXES = {"X": "[x] ", " ": "[ ] ", "-": "[-] "}
_FENCE = "```"
_MAX_PROPERTIES = 1_000


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Each heading outside blocks starts a section; the title is the declared one, or the first."""
    text = decode(raw).text
    writer = _Writer(Extraction())
    for number, line in enumerate(split_lines(text), 1):
        writer.take(line.rstrip(), number)
    writer.end()
    links = [link["target"] for link in itertools.islice(_LINK.finditer(text), _MAX_PROPERTIES)]
    tags = list(dict.fromkeys(filter(None, writer.tags)))[:_MAX_PROPERTIES]
    found = {"tags": tags, "links": list(dict.fromkeys(links))}
    parsed = writer.extraction.parsed(name, writer.title)
    return replace(parsed, properties={key: values for key, values in found.items() if values})


class _Writer:
    def __init__(self, extraction: Extraction) -> None:
        self.extraction = extraction
        self.title = ""
        self.tags: list[str] = []
        self._inside = ""
        """The kind of the listing around a line."""
        self._language = ""
        self._is_drawer = False
        self._listing: list[tuple[int, str]] = []
        """The lines of the listing that is open, with their numbers."""
        self._rows: list[tuple[int, list[str]]] = []
        self._has_header = False
        self._is_apart = True
        self._item_indent: int | None = None
        """The indentation of the item whose text is read; None outside items."""
        self._depth = 0

    def take(self, line: str, number: int) -> None:
        """Take a line of the file."""
        block = _BLOCK.match(line)
        if block and self._inside in ("", block["kind"].lower()):
            self._begin_or_end(block)
        elif self._inside:
            if self._inside not in _NOT_SHOWN:
                self._listing.append((number, line.removeprefix(",") if line.startswith((",*", ",#")) else line))
        elif heading := _HEADING.match(line):
            self._heading(heading, number)
        elif self._is_drawer:
            self._is_drawer = line.strip().upper() != ":END:"
        elif (drawer := _DRAWER.match(line)) and drawer["name"].upper() in ("PROPERTIES", "LOGBOOK"):
            self.end()
            self._is_drawer = True
        elif (fixed := _FIXED.match(line)) and not _DRAWER.match(line):
            self._end_table()
            self._listing.append((number, fixed["code"] or ""))
        else:
            self._end_listing()
            self._take_text(line, number)

    def _begin_or_end(self, block: re.Match[str]) -> None:
        kind, is_begin = block["kind"].lower(), block["edge"].lower() == "begin"
        self.end()
        self._inside = kind if is_begin and kind in _LISTINGS else ""
        self._language = block["language"].lower() if is_begin and kind == "src" else ""

    def _heading(self, found: re.Match[str], number: int) -> None:
        self.end()
        self._inside, self._is_drawer, self._item_indent = "", False, None
        title = found["title"].rstrip()
        if tagged := _TAGS.search(title[-1_000:]):
            self.tags += tagged["tags"].split(":")
            title = title[: len(title) - len(tagged[0])]
        self.extraction.heading(len(found["stars"]), _shown(title), line=number)
        if found["state"]:
            self._write(f"State: {found['state']}", number)
            self._is_apart = True

    def _take_text(self, line: str, number: int) -> None:
        if setting := _SETTING.match(line):
            self._setting(setting, number)
        elif line.lstrip().startswith("|"):
            self._take_row(line.strip(), number)
        elif not line.strip(" \t*"):
            self.end()
        elif planned := [f"{date['name'].capitalize()}: {date['date']}" for date in _PLANNED.finditer(line)]:
            self._write("; ".join(planned), number)
            self._is_apart = True
        elif note := _NOTE_TEXT.match(line):
            self.end()
            self._write(f"Footnote: {_shown(line[note.end() :])}", number)
        elif not _COMMENT.match(line) and not _CLOCK.match(line) and not line.lstrip().startswith("-----"):
            self._end_table()
            self._paragraph(line.expandtabs(), number)

    def _setting(self, setting: re.Match[str], number: int) -> None:
        name = setting["name"].lower()
        if name == "title":
            self.title = self.title or _shown(setting["value"])
        elif name in ("filetags", "keywords", "category"):
            self.tags += re.split(r"[:\s,]+", setting["value"])
        elif name == "caption":
            self.end()
            self._write(_shown(setting["value"]), number)

    def _take_row(self, line: str, number: int) -> None:
        if _TABLE_RULE.match(line):
            self._has_header = self._has_header or len(self._rows) == 1
        else:
            self._rows.append((number, [_shown(cell) for cell in line.strip("|").split("|")]))

    def _paragraph(self, line: str, number: int) -> None:
        words = line.strip()
        indent = len(line) - len(line.lstrip())
        item = _ITEM.match(line, indent)
        if item is not None:
            deeper = self._item_indent is not None and indent > self._item_indent
            shallower = self._item_indent is not None and indent < self._item_indent
            self._depth = 0 if not indent else max(self._depth + deeper - shallower, 0)
            self._item_indent = indent
            mark = item["mark"] if item["mark"][0].isdigit() else "-"
            text = words[item.end() - indent :]
            if term := _TERM.match(text):
                text = f"{term['term']}: {text[term.end() :]}"
            self._write(f"{'  ' * self._depth}{mark} {_BOXES.get(item['box'] or '', '')}{_shown(text)}", number)
            return
        if self._item_indent is not None and indent > self._item_indent:
            self._write(f"{'  ' * (self._depth + 1)}{_shown(words)}", number)
            return
        if self._item_indent is not None:
            self._item_indent, self._depth, self._is_apart = None, 0, True
        self._write(_shown(words), number)

    def _write(self, text: str, number: int) -> None:
        if self.extraction.block(text, apart=self._is_apart, line=number) is not None:
            self._is_apart = False

    def _end_table(self) -> None:
        rows, self._rows = self._rows, []
        has_header, self._has_header = self._has_header, False
        for index, (number, cells) in enumerate(rows):
            self.extraction.row(cells, first=not index, header=has_header and not index, line=number)
        self._is_apart = self._is_apart or bool(rows)

    def _end_listing(self) -> None:
        listing, self._listing = self._listing, []
        while listing and not listing[-1][1].strip():
            listing.pop()
        while listing and not listing[0][1].strip():
            del listing[0]
        if not listing:
            return
        indent = "" if self._item_indent is None else "  " * (self._depth + 1)
        margin = min(len(line) - len(line.lstrip()) for _, line in listing if line.strip())
        self.extraction.block(f"{indent}{_FENCE}{self._language}", line=listing[0][0])
        is_apart = False
        for number, line in listing:
            self.extraction.block(indent + line[margin:], apart=is_apart, line=number)
            is_apart = not line.strip()
        self.extraction.block(f"{indent}{_FENCE}", apart=False, line=listing[-1][0])
        self._language, self._is_apart = "", True

    def end(self) -> None:
        """Write what is held: the next line begins a paragraph."""
        self._end_listing()
        self._end_table()
        self._is_apart = True


def _shown(text: str) -> str:
    """A text without the marks of links, fonts and notes."""
    text = _LINK.sub(lambda link: link["label"] or link["target"], text)
    text = _NOTE.sub(lambda note: f" ({note['text']})" if note["text"] else "", text)
    return _MARKED.sub(lambda found: found["text"], _TARGET.sub("", text)).strip()
