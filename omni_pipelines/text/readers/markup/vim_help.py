"""Help files of Vim: the text as it is shown, with tags as the names of the entries below them."""

import re
from itertools import dropwhile

from omni_pipelines.text.decoding import decode, split_lines
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction

_TAG = re.compile(r"(?<!\S)\*(?P<tag>[^*\s|]{1,200})\*(?=\s|$)")
_LINK = re.compile(r"(?<!\\)\|(?P<tag>[^|\s*\"]{1,200})\|")
_CODE_SPAN = re.compile(r"(?<![\w`])`(?P<code>[^`\n]{1,300})`(?!\w)")
_RULE = re.compile(r"[ \t]*(?P<sign>[=-])(?P=sign){9,}[ \t]*$")
_CODE = re.compile(r"(?:^|[ \t])>[a-z0-9]{0,20}[ \t]*$")
_CAPITALS = re.compile(r"[A-Z][A-Z0-9 .,()'/&_-]*$")
_MODELINE = re.compile(r"[ \t]*(?:vim?|ex):[ \t]*\S.*[:=]")
_NUMBERED = re.compile(r"\d+(?:\.\d+)*\.?[ \t]+\S")
_SIGNATURE = re.compile(r"[:'<{\[]|[gbwtsv]:\w|\w[\w.#:]{0,80}\(")
"""How the name of a command, an option, a key, a variable or a function begins."""
_NEXT_SIGNATURE = re.compile(r"[:<{\[\"]\S")
"""How another form of a command begins, which has no tag of its own."""
_COLUMNS = re.compile(r"\t+| {2,}")
_FIRST_TAG = re.compile(rb"\*[^\s*|]{1,80}\*(?:[ \t]|\r?$)", re.MULTILINE)
_TAG_AT_MARGIN = re.compile(rb"[ \t]\*[^\s*|]{1,200}\*[ \t]*\r?$", re.MULTILINE)
_SETS_HELP = re.compile(rb"^(?:[ \t]|.{1,80}?[ \t])?(?:vim?|ex):.{0,300}?\b(?:ft|filetype)=help\b", re.MULTILINE)
_MAX_HEAD_BYTES, _MAX_TAIL_BYTES = 1 << 14, 512
_RULE_LEVELS = {"=": 1, "-": 2}
"""Of a title below a rule of these signs."""
_CAPITALS_LEVEL, _MARKED_LEVEL, _ENTRY_LEVEL = 3, 4, 1_000
_MODELINES = 5
"""Lines at the end of a file among which Vim looks for its settings."""
_INDENT = "  "
"""Of what describes an entry."""


def is_vim_help(raw: bytes) -> bool:
    """Whether a text says that it is a help file, by its last lines, or begins with its tag and has more of them."""
    if _SETS_HELP.search(raw[-_MAX_TAIL_BYTES:]):
        return True
    head = raw[:_MAX_HEAD_BYTES]
    name = _FIRST_TAG.match(head)
    return name is not None and _TAG_AT_MARGIN.search(head, name.end()) is not None


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. A title is a heading, and so is the tag of an entry, up to the next tag or title."""
    decoded = decode(raw)
    lines = split_lines(decoded.text)
    writer = _Writer(Extraction())
    for number, line in enumerate(lines, 1):
        if number <= len(lines) - _MODELINES or not _MODELINE.match(line):
            writer.take(line, number)
    writer.end_code()
    return writer.extraction.parsed(name, writer.title)


class _Writer:
    def __init__(self, extraction: Extraction) -> None:
        self.extraction = extraction
        self.title = ""
        self._tags: list[str] = []
        """Those above the current line that name no entry yet."""
        self._level = 0
        """That of a title on the current line, because a rule is above it."""
        self._entry_indent: int | None = None
        """The indentation of the entry whose description is read; None outside entries."""
        self._is_apart = True
        """Whether a blank line is above the next line."""
        self._is_table = False
        self._code: list[tuple[int, str]] | None = None
        """The lines of a listing that is open, with their numbers."""

    def take(self, line: str, number: int) -> None:
        """Take a line of the file."""
        if self._code is not None:
            if not line.strip() or (line[0].isspace()):
                self._code.append((number, line.rstrip()))
                return
            self.end_code()
            line = f" {line[1:]}" if line.startswith("<") else line
        if rule := _RULE.match(line):
            self._level = _RULE_LEVELS[rule["sign"]]
            self._end_entry()
        elif not line.strip():
            self._is_apart, self._is_table = True, False
        elif not _is_contents(line):
            self._take_text(line, number)

    def _take_text(self, line: str, number: int) -> None:
        tags = [found["tag"] for found in _TAG.finditer(line)]
        shown = _TAG.sub("", line).rstrip()
        if number == 1 and tags:
            self.title = tags[0]
            tags = []
        opens_code = _CODE.search(shown) is not None
        shown = _CODE.sub("", shown) if opens_code else shown
        self._tags += tags
        if shown.strip():
            self._write(shown, number, is_named=bool(tags))
        if opens_code:
            self._code = []

    def _write(self, line: str, number: int, *, is_named: bool) -> None:
        shown = _shown(line)
        level = self._title_level(line, is_named=is_named)
        self._level = 0
        if level:
            self._end_entry()
            title = shown.strip().removesuffix(" ~")
            if not title.casefold().endswith("contents"):  # its lines are not shown
                self.extraction.heading(level, title, line=number)
            self._tags, self._is_apart = [], True
        elif self._tags:
            self._begin_entry(shown, number)
        else:
            self._text(shown, number)

    def _title_level(self, line: str, *, is_named: bool) -> int:
        words = line.strip()
        if self._level and not words.endswith((".", ",", ";")):
            is_entry = (is_named or self._tags) and _SIGNATURE.match(words) is not None
            return 0 if is_entry or (self._tags and not is_named and self._level > 1) else self._level
        if words.endswith(" ~") and not line[0].isspace():
            return 0 if _COLUMNS.search(words[:-1].rstrip()) else _MARKED_LEVEL
        return _CAPITALS_LEVEL if len(words) > 2 and _CAPITALS.match(line) else 0

    def _begin_entry(self, shown: str, number: int) -> None:
        self.extraction.mark(_ENTRY_LEVEL, ", ".join(self._tags))
        self._tags = []
        columns = _COLUMNS.split(shown.strip())
        if columns[0].startswith("'"):  # an option with its type and default
            columns = ["  ".join(columns)]
        self.extraction.block(columns[0], line=number)
        self._entry_indent, self._is_apart = _width(shown), False
        if len(columns) > 1:
            self._put(_INDENT + "  ".join(columns[1:]), number)

    def _end_entry(self) -> None:
        if self._entry_indent is not None:
            self.extraction.end(_ENTRY_LEVEL)
        self._entry_indent = None
        self._is_apart = True

    def _text(self, shown: str, number: int) -> None:
        columns = _COLUMNS.split(shown.strip())
        is_marked = columns[-1].endswith("~") and shown.rstrip().endswith((" ~", "\t~"))
        if is_marked:
            columns[-1] = columns[-1].removesuffix("~").rstrip()
            columns = [column for column in columns if column]
        is_header = is_marked and len(columns) > 1
        if is_marked and not is_header:
            shown = shown.rstrip()[:-1].rstrip()
        if is_header or (self._is_table and len(columns) > 1):
            self.extraction.row(columns, first=is_header, header=is_header, line=number)
            self._is_table = True
            return
        is_described = self._entry_indent is not None and _width(shown) > self._entry_indent
        is_left = self._entry_indent is not None and not is_described and self._is_apart
        if is_left and not _NEXT_SIGNATURE.match(shown):
            self._end_entry()
        self._put((_INDENT if is_described else "") + shown.strip().expandtabs(), number)

    def _put(self, text: str, number: int) -> None:
        self.extraction.block(text, apart=self._is_apart, line=number)
        self._is_apart = False

    def end_code(self) -> None:
        """Write the listing that is open."""
        code, self._code = self._code or [], None
        while code and not code[-1][1]:
            code.pop()
        code = list(dropwhile(lambda line: not line[1], code))
        if not code:
            return
        indent = _INDENT if self._entry_indent is not None else ""
        margin = min(_width(line) for _, line in code if line)
        self.extraction.block(f"{indent}```", line=code[0][0])
        is_apart = False
        for number, line in code:
            if line:
                self.extraction.block(indent + line.expandtabs()[margin:], apart=is_apart, line=number)
            is_apart = not line
        self.extraction.block(f"{indent}```", apart=False, line=code[-1][0])
        self._is_apart = True


def _is_contents(line: str) -> bool:
    """Whether it is a line of a table of contents: a title, and a link at the margin."""
    words = line.strip()
    title, _, tag = words[:-1].rpartition("|")
    if not words.endswith("|") or not tag or " " in tag:
        return False
    is_at_margin = title.endswith(("..", ".. ", "  ", "\t"))
    return is_at_margin and (title.rstrip().endswith("..") or _NUMBERED.match(title) is not None)


def _shown(line: str) -> str:
    """A line without the marks of links and code."""
    return _CODE_SPAN.sub(r"\g<code>", _LINK.sub(r"\g<tag>", line))


def _width(line: str) -> int:
    """The columns before the first character."""
    shown = line.expandtabs()
    return len(shown) - len(shown.lstrip())
