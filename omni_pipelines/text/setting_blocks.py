"""Split settings (YAML, TOML, INI, properties, HCL, JSON) into blocks: each entry with its value, and the comments.

An entry is `key = value` or `key: value`; its value may go on in further lines. The keys and sections around it are
told by the indentation, by headers such as `[server]` and by blocks such as `resource "bucket" "lake" {`. The text
may start and end anywhere, as chunks do.
"""

import re
from dataclasses import dataclass

from omni_pipelines.text.blocks import Block, BlockKind, blocks
from omni_pipelines.text.code_blocks import comment_blocks
from omni_pipelines.text.sentences import lines
from omni_pipelines.text.setting_names import NAMING_KEYS, block_name, manifest_name, value_name

_COMMENT = re.compile(r"(?:#+|;+|//+|!)(?:[ \t#*/-]|$)|<!--")
_HEADER = re.compile(r"\[\[?[ \t]*(?P<name>[^\[\]\n]+?)[ \t]*\]\]?[ \t]*(?:[#;].*)?$")
_ENTRY = re.compile(
    r"(?:export[ \t]+)?(?P<key>\"[^\"\n]{1,120}\"|'[^'\n]{1,120}'|[#;]?[\w/$.@%*~<?+][^:=#\n\"']{0,120}?)[ \t]*"
    r"(?:=(?!=)|:(?=[ \t]|$))[ \t]*(?P<value>.*)$"
)
"""A key and its value; a sign of a comment directly before the key means that the entry is not in force."""
_SPACED = re.compile(r"(?P<key>[\w-]+(?:\.[\w-]+)+)[ \t]+(?P<value>[^\s=:].*)$")
"""A dotted key and its value after blanks, as in the settings of Spark."""
_BLOCK = re.compile(r"(?P<kind>[A-Za-z][\w-]*)(?P<labels>(?:[ \t]+(?:\"[^\"\n]*\"|[\w./~^*-]+))*)[ \t]*\{$")
"""The first line of a block of HCL, or of the settings of a web server."""
_ITEM = re.compile(r"-[ \t]+(?=\S)")
_OPENED = re.compile(r"(?:[|>][-+\d]*|&\w+)?(?:[ \t]+#.*)?$")
"""What follows a key whose value stands in the lines below it."""
_TEXT = re.compile(r"[|>][-+\d]*(?:[ \t]+#.*)?$")
_BRACKETS = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|(?P<open>[\[{(])|[\]})]")
_MARKERS = {"---", "..."}
"""Between the documents of a YAML file."""
_QUOTES = re.compile(r"\"{3}|'{3}")
_TITLES, _DESCRIPTIONS = {"summary", "title", "name", "displayName", "id"}, {"description", "summary", "help"}
"""Keys of what an object is called, and of what is said about it."""
_TOP = -1
"""The level of sections with a header."""
_MIN_ENTRY_SHARE = 0.6
"""Share of the lines that must be entries, headers or a part of them: otherwise the text is no list of settings."""
MAX_VALUE_LENGTH = 600
"""Characters of a value that is quoted as a whole."""


@dataclass(frozen=True)
class Group:
    """A section, an object or an item of a list, with all its entries and the comment directly above it.

    It has two entries at least, or a comment.
    """

    start: int
    end: int
    path: tuple[str, ...]
    """The keys and sections around it, outermost first."""
    named_by: int | None
    """Where the entry starts that names an item of a list; None for sections, objects and items without a name."""


@dataclass(frozen=True)
class SettingBlocks:
    """The blocks of settings."""

    blocks: list[Block]
    paths: list[tuple[str, ...]]
    """For each block the keys and sections around it within the text, outermost first."""
    groups: list[Group]


def setting_blocks(text: str) -> SettingBlocks | None:
    """The entries of settings as signatures, and their comments as paragraphs; None if most lines are no settings."""
    return _Scanner(text).scan()


@dataclass(frozen=True)
class _Line:
    start: int
    """Of its first character that is not blank."""
    text: str
    """Without blanks around it."""
    indent: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def level(self) -> int:
        """How deep it stands: an item is inside an object whose key is at the same indentation."""
        return 2 * self.indent + (_ITEM.match(self.text) is not None)


@dataclass
class _Open:
    """A section, an object or an item that goes on."""

    level: int
    name: str
    start: int
    end: int
    path: tuple[str, ...]
    is_item: bool
    is_commented: bool
    """Whether it has a comment directly above it, which is a part of it."""
    entries: int = 0
    named_by: int | None = None


class _Scanner:
    """Walks over the lines of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [_line(text, *span) for span in lines(text, 0, len(text))]
        self._found = SettingBlocks([], [], [])
        self._open: list[_Open] = []
        self._manifest = ""
        """The name of the manifest that the current line is in."""
        self._index = 0
        self._others = 0
        """Lines that are neither an entry nor a part of one."""
        self._comment: int | None = None
        """Where the comment starts that ends on the line above the current one."""

    def scan(self) -> SettingBlocks | None:
        """Take each line with those that belong to it."""
        while self._index < len(self._lines):
            line = self._lines[self._index]
            if self._index == 0 or line.text in _MARKERS:
                self._manifest = self._manifest_name()
            if not line.text or line.text in _MARKERS:
                self._comment = None
                self._index += 1
            elif _COMMENT.match(line.text):
                self._take_comment()
            else:
                self._take_statement(line)
                self._comment = None
        self._close(_TOP)
        written = sum(bool(line.text) and not _COMMENT.match(line.text) for line in self._lines)
        has_entries = any(block.kind is BlockKind.SIGNATURE for block in self._found.blocks)
        return self._found if has_entries and self._others <= (1 - _MIN_ENTRY_SHARE) * written else None

    def _manifest_name(self) -> str:
        """The name of the manifest that begins on the current line."""
        self._close(_TOP)
        rest = self._lines[self._index + 1 :]
        end = next((line.start for line in rest if line.text in _MARKERS), len(self._text))
        return manifest_name(self._text[self._lines[self._index].start : end])

    def _take_comment(self) -> None:
        first = self._index
        while self._index < len(self._lines) and _COMMENT.match(self._lines[self._index].text):
            self._index += 1
        run = self._lines[first : self._index]
        self._comment = run[0].start
        path = self._path_below(run[0])
        for block in comment_blocks(self._text, run[0].start - run[0].indent, run[-1].end):
            self._add(block, path)

    def _path_below(self, comment: _Line) -> tuple[str, ...]:
        """The path of a comment: that of the entry below it, and the object or section that begins there."""
        below = self._lines[self._index] if self._index < len(self._lines) else None
        if below is None or not below.text:
            return self._path(comment.level)
        if header := _HEADER.match(below.text):
            return (header["name"],)
        entry = _ENTRY.match(below.text)
        path = self._path(below.level)
        return (*path, _name(entry["key"])) if entry and self._opens(self._index, entry["value"]) else path

    def _take_statement(self, line: _Line) -> None:
        if header := _HEADER.match(line.text):
            self._close(_TOP)
            self._begin(_TOP, header["name"], line)
            self._index += 1
        elif item := _ITEM.match(line.text):
            self._take_item(line, item.end())
        elif block := _BLOCK.match(line.text):
            self._close(line.level)
            self._begin(line.level, block_name(block["kind"], block["labels"].split()), line)
            self._index += 1
        elif entry := _ENTRY.match(line.text) or (_SPACED.match(line.text) if not line.indent else None):
            self._take_entry(line, entry)
        else:
            self._take_bracket(line)
            self._index += 1

    def _take_bracket(self, line: _Line) -> None:
        """Take a line that is no entry: it opens an object of a list, or closes what is open at its level."""
        if line.text in ("{", "[") and self._open:
            self._close(line.level + 1)
            self._begin(line.level + 1, "", line, is_item=True)
        elif line.text[:1] in "]})":
            for each in self._open:
                if each.level in (line.level, line.level + 1) and each.entries:
                    each.end = _without_comma(self._text, line.end)
        else:
            self._others += line.text[:1] not in "[{("

    def _take_item(self, line: _Line, length: int) -> None:
        """Take an item of a list. If it is an object, its entries are those of a group."""
        self._close(line.level)
        inner = _Line(line.start + length, line.text[length:], line.indent + length)
        entry = _ENTRY.match(inner.text)
        if entry is None:
            self._take_value(line)
            return
        self._begin(line.level, "", line, is_item=True)
        self._take_entry(inner, entry)

    def _take_entry(self, line: _Line, entry: re.Match[str]) -> None:
        self._close(line.level)
        if self._opens(self._index, entry["value"]):
            self._begin(line.level, _name(entry["key"]), line)
            self._index += 1
            return
        around = self._open[-1] if self._open else None
        if around is not None and around.is_item and not around.name and _name(entry["key"]) in NAMING_KEYS:
            around.name, around.named_by = value_name(entry["value"]), line.start
        self._take_value(line)

    def _take_value(self, line: _Line) -> None:
        """Take an entry or an item with the lines in which its value goes on."""
        first, path = self._index, self._path(line.level)
        self._index = stop = self._end(line)
        end = next(other.end for other in reversed(self._lines[first:stop]) if other.text)
        for each in self._open:
            each.entries, each.end = each.entries + 1, end
        start = self._start(line, first)
        if end - start <= MAX_VALUE_LENGTH:
            self._add(Block(BlockKind.SIGNATURE, start, _without_comma(self._text, end), line.indent), path)
            return
        begin = self._lines[first + 1].start - self._lines[first + 1].indent if stop > first + 1 else line.start
        entry = _ENTRY.match(line.text)
        inner = (*path, _name(entry["key"])) if entry else path
        for block in blocks(self._text, begin, end, is_indented=True):
            self._add(block, inner)

    def _start(self, line: _Line, index: int) -> int:
        """Where an entry starts: a description goes on from the summary or the title on the line above it."""
        above, last = self._lines[index - 1] if index else None, self._found.blocks[-1:]
        if above is None or not last or last[0].start != above.start or above.level != line.level:
            return line.start
        key, key_above = (_ENTRY.match(each.text) for each in (line, above))
        if key is None or key_above is None:
            return line.start
        if _name(key["key"]) not in _DESCRIPTIONS or _name(key_above["key"]) not in _TITLES:
            return line.start
        self._found.blocks.pop()
        self._found.paths.pop()
        return above.start

    def _end(self, line: _Line) -> int:
        """The index of the first line that does not belong to the value which begins on the current line."""
        depth, is_text, is_quoted = _depth(line.text), _TEXT.search(line.text) is not None, _is_open(line.text)
        last = self._index + 1
        for index in range(self._index + 1, len(self._lines)):
            below = self._lines[index]
            if not below.text:
                continue
            is_continued = depth > 0 or is_quoted or self._lines[index - 1].text.endswith("\\")
            is_remark = not is_text and _COMMENT.match(below.text) is not None
            if not is_continued and (is_remark or below.level <= line.level):
                break
            depth += _depth(below.text)
            is_quoted ^= _is_open(below.text)
            last = index + 1
        return last

    def _opens(self, index: int, value: str) -> bool:
        """Whether the value of the entry in a line is an object or a list of objects in the lines below."""
        line = self._lines[index]
        if not (_OPENED.match(value) or value in ("{", "[")) or _TEXT.match(value):
            return False
        below = next(
            (other for other in self._lines[index + 1 :] if other.text and not _COMMENT.match(other.text)), None
        )
        if below is None:
            return False
        inner = below.text
        if item := _ITEM.match(inner):
            inner = inner[item.end() :]
        return below.level > line.level and (_ENTRY.match(inner) is not None or inner in ("{", "["))

    def _path(self, level: int) -> tuple[str, ...]:
        """The names around a line at this level; that of an item stands for the key of its list."""
        around = [each for each in self._open if each.level < level]
        is_list = [each.is_item and bool(each.name) for each in around[1:]]
        names = (each.name for each, lists in zip(around, [*is_list, False], strict=False) if not lists)
        return tuple(filter(None, [self._manifest, *names]))

    def _begin(self, level: int, name: str, line: _Line, *, is_item: bool = False) -> None:
        start = line.start if self._comment is None else self._comment
        self._open.append(_Open(level, name, start, line.end, self._path(level), is_item, start < line.start))

    def _close(self, level: int) -> None:
        """End what is not around a line at this level."""
        while self._open and self._open[-1].level >= level:
            ended = self._open.pop()
            if ended.entries > 1 or (ended.entries and ended.is_commented):
                self._found.groups.append(Group(ended.start, ended.end, ended.path, ended.named_by))

    def _add(self, block: Block, path: tuple[str, ...]) -> None:
        self._found.blocks.append(block)
        self._found.paths.append(path)


def _line(text: str, start: int, end: int) -> _Line:
    raw = text[start:end]
    body = raw.strip()
    before = raw[: len(raw) - len(raw.lstrip())] if body else ""
    return _Line(start + len(before), body, len(before.expandtabs(8)))


def _name(key: str) -> str:
    return key.strip("\"'#; \t")


def _depth(text: str) -> int:
    """How many brackets a line opens and does not close; those in quotes do not count."""
    return sum(1 if match["open"] else -1 for match in _BRACKETS.finditer(text) if match["open"] or match[0] in "]})")


def _is_open(text: str) -> bool:
    """Whether a line opens a text in three quotes, or closes one."""
    return len(_QUOTES.findall(text)) % 2 == 1


def _without_comma(text: str, end: int) -> int:
    return end - 1 if text[end - 1] == "," else end
