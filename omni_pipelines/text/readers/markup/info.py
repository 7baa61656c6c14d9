"""Manuals of GNU Info: the text of the nodes with their titles, without what only a program that shows them needs."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from omni_pipelines.text.decoding import decode, split_lines
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction

_NODE = re.compile(r"File:[ \t]*[^,]+,[ \t]+Node:[ \t]*(?P<name>[^,\t]+)")
_UP = re.compile(r"Up:[ \t]*(?P<name>[^,\t]+)")
_SEPARATOR = "\f"
"""At the start of a line between two nodes, instead of the sign in the file."""
_MENU = "* Menu:"
_INDEX = re.compile(r"\v\v\[index\v\v\]|^\* .{1,500}\(line +\d+\)$")
_SPECIAL = re.compile(r"\v\v\[[^\v]{0,500}\v\v\]")
_UNDERLINE = re.compile(r"(?P<sign>[*=.-])(?P=sign){2,}$")
_LEVELS = {"*": 1, "=": 2, "-": 3, ".": 4}
"""Of a title, by the signs below it."""
_DEFINITION = re.compile(r"-- (?P<category>[A-Z][^:]{0,60}): (?P<rest>\S.*)")
_BULLET = re.compile(r"(?:[*•+-]|(?P<number>\d{1,3}\.|[a-z]\.))[ \t]+(?=\S)")
_NOTE = re.compile(
    r"(?P<opening>\()?\*(?P<sign>[Nn])ote(?P<gap>\s+)(?P<label>[^:*]{1,200}):(?::|\s+[^.,:]{1,200}(?=[.,]))"
)
_FOOTNOTES = re.compile(r"-+ Footnotes -+$")
_PREAMBLE = re.compile(
    r"This is .*, produced by |INFO-DIR-SECTION |START-INFO-DIR-ENTRY|END-INFO-DIR-ENTRY|\* .*: \("
)
_QUOTES = str.maketrans("", "", "‘’'`\"“”")  # noqa: RUF001
_SENTENCE = re.compile(r"[\"'‘“(]?[A-Z].*[.:?!)]$", re.DOTALL)  # noqa: RUF001
_WORD = re.compile(r"\(?[^\W\d_][\w'’-]*[.,:;?!)]*$")  # noqa: RUF001
_MIN_WORDS, _MIN_WORDS_SHARE = 4, 0.8
"""Of an indented sentence: there are fewer in a listing."""
_INDENT = "  "
_DESCRIPTION_COLUMNS = 5
"""By how much more a description or a listing is indented than what is around it."""
_ENTRY_LEVEL = 1_000
"""Of the outermost definitions and terms; titles have lower levels."""
_MAX_TERMS, _MAX_TERM_WORDS, _MAX_TITLE_LENGTH, _MAX_WIDER = 8, 10, 160, 2


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    """Without blanks around it."""
    indent: int


@dataclass(frozen=True)
class _Container:
    """A description or an item: what belongs to it is indented as far as `indent`."""

    indent: int
    is_entry: bool
    """Whether it describes a definition or a term."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Each title, definition and term is a section; a part of a manual has the node around it too."""
    writer = _Writer(Extraction())
    marked = raw.replace(b"\x1f", b"\f").replace(b"\0\b", b"\v\v")  # marks that are no text in other files
    first, *nodes = _nodes(split_lines(decode(marked).text))
    for node in nodes:
        writer.take(node)
    if not writer.extraction.length:  # a part of a manual that has only tables and indexes
        writer.take(first)
    return writer.extraction.parsed(name, writer.title)


def _nodes(lines: Sequence[str]) -> Iterator[list[tuple[int, str]]]:
    """The lines of what is before the first node, and of each node, with their numbers."""
    node: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if line.startswith(_SEPARATOR):
            yield node
            node = []
        elif node or line.strip():
            node.append((number, line))
    yield node


class _Writer:
    def __init__(self, extraction: Extraction) -> None:
        self.extraction = extraction
        self.title = ""
        self._levels: dict[str, int] = {}
        """Of the titles of the nodes so far."""
        self._around: list[_Container] = []
        self._listing: list[_Line] = []
        """The lines of the listing that is open."""
        self._is_apart = True
        """Whether a blank line is above the next block."""

    def take(self, lines: list[tuple[int, str]]) -> None:
        """Take the lines of a node. The table of the nodes and the indexes are not shown."""
        found = _NODE.match(lines[0][1]) if lines else None
        if lines and (found or lines[0][0] == 1) and not any(_INDEX.search(line) for _, line in lines):
            groups = _groups(_without_menu(lines[1:] if found else lines))
            if found and groups:
                up = _UP.search(lines[0][1])
                self._begin_node(found["name"].strip(), up["name"].strip() if up else "", groups)
            for group in groups:
                self._take_group(group)
            self._end_listing()
            self._leave(0)

    def _begin_node(self, node: str, up: str, groups: list[list[_Line]]) -> None:
        """Write the title of a node, or without one start its section."""
        first = groups[0]
        level = _title_level(first)
        if not level:
            self._levels[node] = min(self._levels.get(up, 0) + 1, max(_LEVELS.values()))
            self.extraction.mark(self._levels[node], node)
            return
        if level > 1 and not self._levels and up and not up.startswith("("):
            self.extraction.mark(level - 1, up)  # its title is in the part of the manual before this one
        self._levels[node] = level

    def _take_group(self, group: list[_Line]) -> None:
        """Take lines between blank lines."""
        if level := _title_level(group):
            self._end_listing()
            self._leave(0)
            self.title = self.title or group[0].text
            self.extraction.heading(level, group[0].text, line=group[0].number)
            group = group[2:]
        self._is_apart = True
        if group and self._is_listing(group):
            first = group[0].number
            self._listing += [*([_Line(first, "", 0)] if self._listing else []), *group]
            return
        self._end_listing()
        at = 0
        while at < len(group):
            self._leave(group[at].indent)
            at = self._take_lines(group, at)

    def _is_listing(self, group: list[_Line]) -> bool:
        base = max((each.indent for each in self._around if each.indent <= group[0].indent), default=0)
        return min(line.indent for line in group) >= base + _DESCRIPTION_COLUMNS and not _is_prose(group)

    def _take_lines(self, group: list[_Line], at: int) -> int:
        """Take what begins on a line of a group, and return where it ends."""
        first = group[at]
        if definition := _DEFINITION.match(first.text):
            return self._definition(group, at, definition)
        if terms := _terms(group[at : at + _MAX_TERMS + 1]):
            names = ", ".join(line.text for line in group[at : at + terms])
            self._begin_entry(names.translate(_QUOTES), first.indent + _DESCRIPTION_COLUMNS)
            self._write([_Line(first.number, names, 0)], _INDENT * (len(self._around) - 1))
            return at + terms
        if _FOOTNOTES.match(first.text):
            return at + 1
        indent = _INDENT * len(self._around)
        if bullet := _BULLET.match(first.text):
            end = _end(group, at, lambda line: line.indent < first.indent or _begins(line))
            self._around.append(_Container(first.indent + bullet.end(), is_entry=False))
            item = _Line(first.number, f"{bullet['number'] or '-'} {first.text[bullet.end() :]}", 0)
            self._write([item, *group[at + 1 : end]], indent, indent + _INDENT)
            return end
        base = self._around[-1].indent if self._around else 0
        end = _end(group, at, lambda line: line.indent < base or _begins(line))
        self._write(group[at:end], indent)
        return end

    def _definition(self, group: list[_Line], at: int, found: re.Match[str]) -> int:
        """Take the signatures of a definition: lines that are continued further right."""
        first = group[at]
        kind = f"-- {found['category']}: "

        def is_description(line: _Line) -> bool:
            is_signature = line.indent == first.indent and line.text.startswith(kind)
            return line.indent <= first.indent + _DESCRIPTION_COLUMNS and not is_signature

        end = _end(group, at, is_description)
        signatures = group[at:end]
        names = [_defined(line.text.removeprefix(kind)) for line in signatures if line.text.startswith(kind)]
        self._begin_entry(", ".join(names)[:_MAX_TITLE_LENGTH], first.indent + _DESCRIPTION_COLUMNS - 1)
        indent = _INDENT * (len(self._around) - 1)
        others = [_Line(line.number, line.text.removeprefix(kind), 0) for line in signatures[1:]]
        self._write([_Line(first.number, first.text.removeprefix("-- "), 0), *others], indent, indent + _INDENT)
        return end

    def _begin_entry(self, title: str, indent: int) -> None:
        self._is_apart = True
        self.extraction.mark(_ENTRY_LEVEL + len(self._around), title)
        self._around.append(_Container(indent, is_entry=True))

    def _leave(self, indent: int) -> None:
        """Leave the descriptions and items to which a line with this indentation does not belong."""
        while self._around and indent < self._around[-1].indent:
            if self._around.pop().is_entry:
                self.extraction.end(_ENTRY_LEVEL + len(self._around))

    def _write(self, lines: list[_Line], indent: str, hanging: str | None = None) -> None:
        """Write lines below each other, all but the first with the indentation `hanging`."""
        shown = _shown("\n".join(line.text for line in lines)).split("\n")
        for line, text in zip(lines, shown, strict=False):
            self.extraction.block(indent + text.strip(), apart=self._is_apart, line=line.number)
            self._is_apart, indent = False, indent if hanging is None else hanging

    def _end_listing(self) -> None:
        """Write the listing that is open."""
        listing, self._listing = self._listing, []
        if not listing:
            return
        self._leave(listing[0].indent)
        indent = _INDENT * len(self._around)
        margin = min(line.indent for line in listing if line.text)
        self.extraction.block(f"{indent}```", line=listing[0].number)
        is_apart = False
        for line in listing:
            shown = " " * (line.indent - margin) + line.text
            self.extraction.block(indent + shown, apart=is_apart, line=line.number)
            is_apart = not line.text
        self.extraction.block(f"{indent}```", apart=False, line=listing[-1].number)


def _without_menu(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines of a node without its menu, which ends with its last entry, and without the names of the manual."""
    first = next((at for at, (_, line) in enumerate(lines) if line.startswith(_MENU)), len(lines))
    entries = [at for at in range(first, len(lines)) if lines[at][1].startswith("* ")]
    last = entries[-1] + 1 if entries else first
    while entries and last < len(lines) and lines[last][1].startswith("    "):
        last += 1
    return [(number, line) for number, line in (*lines[:first], *lines[last:]) if not _PREAMBLE.match(line)]


def _groups(lines: Iterable[tuple[int, str]]) -> list[list[_Line]]:
    """The lines between blank lines."""
    groups: list[list[_Line]] = [[]]
    for number, line in lines:
        shown = line.expandtabs().rstrip()
        text = shown.strip()
        if text:
            groups[-1].append(_Line(number, text, len(shown) - len(shown.lstrip())))
        elif groups[-1]:
            groups.append([])
    return [group for group in groups if group]


def _title_level(group: list[_Line]) -> int:
    """The level of the title that a group begins with; 0 for none."""
    rule = _UNDERLINE.match(group[1].text) if len(group) > 1 else None
    is_below = rule is not None and not group[1].indent and abs(len(group[0].text) - len(group[1].text)) <= _MAX_WIDER
    return _LEVELS[rule["sign"]] if rule is not None and is_below else 0


def _terms(group: list[_Line]) -> int:
    """The number of terms that a group begins with: lines above a description; 0 if it does not begin so."""
    indent = group[0].indent
    count = next((at for at, line in enumerate(group) if line.indent != indent), 0)
    names = [line.text for line in group[:count]]
    is_text = any(name.endswith((".", ":", ",")) or len(name.split()) > _MAX_TERM_WORDS for name in names)
    return count if names and not is_text and group[count].indent == indent + _DESCRIPTION_COLUMNS else 0


def _defined(signature: str) -> str:
    """The name that a signature without its kind defines."""
    before, _, arguments = signature.partition("(")
    return before.split()[-1] if arguments and before.split() else signature


def _begins(line: _Line) -> bool:
    """Whether an item or a definition begins on a line."""
    return line.indent > 0 and (_BULLET.match(line.text) or _DEFINITION.match(line.text)) is not None


def _end(group: list[_Line], at: int, is_end: Callable[[_Line], bool]) -> int:
    """Where the lines end that follow a line and for which `is_end` does not hold."""
    return next((index for index in range(at + 1, len(group)) if is_end(group[index])), len(group))


def _is_prose(group: list[_Line]) -> bool:
    """Whether lines that are indented like a listing are sentences."""
    text = " ".join(line.text for line in group)
    words = text.split()
    known = sum(_WORD.match(word) is not None for word in words)
    return _SENTENCE.match(text) is not None and len(words) > _MIN_WORDS and known >= _MIN_WORDS_SHARE * len(words)


def _shown(text: str) -> str:
    """A text with its references in words; it keeps its line ends."""
    return _NOTE.sub(_reference, _SPECIAL.sub("", text)) if "*" in text or "\v" in text else text


def _reference(found: re.Match[str]) -> str:
    word = "See" if found["sign"] == "N" else "see" if found["opening"] else ""
    gap = "\n" if "\n" in found["gap"] else " " if word else ""
    line_ends = found[0].count("\n") - found["label"].count("\n") - gap.count("\n")
    return f"{found['opening'] or ''}{word}{gap}{found['label']}" + "\n" * line_ends
