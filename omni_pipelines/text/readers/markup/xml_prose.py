"""XML vocabularies for texts: DocBook, DITA, TEI, JATS and FictionBook, by the meaning of their elements."""

import re
from dataclasses import dataclass, field

from omni_pipelines.text.readers.extraction import Extraction, one_line
from omni_pipelines.text.readers.markup.xml_stream import Attributes
from omni_pipelines.text.readers.markup.xml_text import XmlText

_ROOTS = {
    "book", "article", "chapter", "section", "sect1", "refentry", "part", "set", "appendix", "preface", "topic",
    "concept", "task", "reference", "dita",
}  # fmt: skip
"""Elements that documents start with, and data sets as well."""
_SURE_ROOTS = {"TEI", "TEI.2", "teiCorpus", "FictionBook"}
_SUFFIXES = (".dbk", ".docbook", ".dita", ".fb2", ".nxml")
_DECLARATION = re.compile(rb"docbook|DTD DITA|ditaarch|//NLM//DTD|JATS|niso\.org", re.IGNORECASE)
_TELLING = re.compile(
    rb"<(?:(?:sim)?para|sect[1-5]|chapter|section|itemizedlist|orderedlist|programlisting|refsect1)[\s>]"
)
_HEAD_BYTES = 1 << 14
_SECTIONS = {
    "book", "article", "chapter", "section", "part", "appendix", "preface", "refentry", "refsection", "topic",
    "concept", "task", "reference", "sec", "div", "simplesect", "glossary", "bibliography", "body",
    *(f"{name}{level}" for name in ("sect", "refsect", "div") for level in range(1, 8)),
}  # fmt: skip
_TITLES = {"title", "head", "refname"}
_PARAGRAPHS = {
    "para", "simpara", "p", "v", "l", "subtitle", "text-author", "term", "td", "entry", "th", "cell", "stentry", "ab",
    "shortdesc", "cmd", "dt", "dd", "sli", "attribution", "author", "editor", "refpurpose", "book-title", "label",
    "article-title", "contrib", "question", "answer", "bridgehead", "glossterm", "primary", "caption", "note",
}  # fmt: skip
_LISTINGS = {
    "programlisting", "screen", "literallayout", "codeblock", "msgblock", "preformat", "pre", "synopsis", "eg",
}  # fmt: skip
_LISTS = {"orderedlist": True, "procedure": True, "ol": True, "steps": True, "itemizedlist": False, "ul": False}
_LISTS |= {"variablelist": False, "list": False, "simplelist": False, "steps-unordered": False, "substeps": True}
_ITEMS = {"listitem", "li", "item", "step", "list-item", "member", "substep"}
_ROWS = {"row", "tr", "strow", "sthead", "seglistitem"}
_CELLS = {"entry", "td", "th", "cell", "stentry", "seg"}
_TABLES = {"table", "informaltable", "simpletable", "tgroup", "properties"}
_HEADER_PARTS = {"thead", "sthead"}
_CAPTIONED = {
    "table",
    "informaltable",
    "simpletable",
    "figure",
    "fig",
    "example",
    "equation",
    "note",
    "tip",
    "warning",
}
_CAPTIONED |= {"caution", "important", "sidebar", "table-wrap", "stanza", "poem", "cite", "epigraph"}
"""What is in them has a title, but is no section."""
_NOTES = {"footnote": "Footnote", "fn": "Footnote"}
_SILENT = {
    "indexterm", "binary", "document-info", "publish-info", "custom-info", "genre", "lang", "keywordset", "prolog",
    "remark", "colspec", "journal-id", "issn", "article-id", "permissions", "stylesheet", "coverpage", "id",
}  # fmt: skip
_WORDS_APART = {*_PARAGRAPHS, *_ITEMS, "br", "empty-line", "lb"}
"""In titles and notes, words before and after these are not one word."""
_MAX_INDENT = 8


@dataclass
class _Buffer:
    """The text of a paragraph, title, cell or note that is being read."""

    kind: str
    line: int
    texts: list[str] = field(default_factory=list)


class ProseElements(XmlText):
    """Writes titles as headings, paragraphs, items, rows and listings."""

    def __init__(self, extraction: Extraction) -> None:
        super().__init__(extraction)
        self._sections = self._silent = self._paragraphs = self._captioned = 0
        self._buffers: list[_Buffer] = []
        self._text: _Buffer | None = None
        """What stands directly in an element that is no paragraph."""
        self._lists: list[int | None] = []
        """The numbers that the lists around the current place have reached; None for lists without numbers."""
        self._mark = ""
        self._row: list[str] | None = None
        self._is_first_row = self._is_header = False
        self._after: list[str] = []
        self._has_item_before = False

    @staticmethod
    def reads(root: str, raw: bytes, name: str) -> bool:
        """Whether a document is of one of these vocabularies; `root` is its first element."""
        if root in _SURE_ROOTS or name.lower().endswith(_SUFFIXES):
            return True
        head = raw[:_HEAD_BYTES]
        return root in _ROOTS and (_DECLARATION.search(head) is not None or len(set(_TELLING.findall(head))) > 1)

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""
        self.language = self.language or attributes.get("lang", "")
        self._silent += name in _SILENT
        if name in _NOTES or (name in _TITLES and not self._buffers):
            self._buffers.append(_Buffer(name, self.line))
            return
        if self._buffers:
            self._buffers[-1].texts.append(" " if name in _WORDS_APART else "")
            return
        self._captioned += name in _CAPTIONED
        if name in _LISTINGS:
            self._flush()
        elif name in _PARAGRAPHS and self._row is None:
            self._flush()
            self._paragraphs += 1
        elif name in _ROWS:
            self._flush()
            self._row = []
        elif name in _CELLS and self._row is not None:
            self._row.append("")
        else:
            self._structure(name)

    def _structure(self, name: str) -> None:
        if name in _LISTS:
            self._flush()
            self._lists.append(0 if _LISTS[name] else None)
        elif name in _ITEMS:
            self._flush()
            number = self._lists[-1] if self._lists else None
            if number is not None:
                self._lists[-1] = number + 1
            self._mark = "- " if number is None else f"{number + 1}. "
        elif name in _TABLES:
            self._flush()
            self._is_first_row = True
        elif name in _HEADER_PARTS:
            self._is_header = True
        elif not self._paragraphs and self._row is None:
            self._flush()
        if name in _SECTIONS:
            self._sections += 1

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        if (name in _NOTES or name in _TITLES) and self._buffers and self._buffers[-1].kind == name:
            self._end_buffer(self._buffers.pop())
        elif self._buffers:
            self._buffers[-1].texts.append(" " if name in _WORDS_APART else "")
        elif name in _LISTINGS:
            self._end_listing()
        elif name in _ROWS and self._row is not None:
            self._end_row()
        elif name in _PARAGRAPHS and self._row is None:
            if name == "book-title" and self._text is not None:
                self.title = self.title or one_line("".join(self._text.texts))
            self._flush()
            self._paragraphs = max(self._paragraphs - 1, 0)
        elif not self._paragraphs and self._row is None:
            self._flush()
        elif self._paragraphs and self._text is not None and name not in _CELLS:
            self._text.texts.append(" " if name.endswith("name") and name != "filename" else "")
        if name in _LISTS and self._lists:
            self._lists.pop()
            self._mark = ""
        self._is_header &= name not in _HEADER_PARTS
        self._captioned -= name in _CAPTIONED and not self._buffers
        self._sections -= name in _SECTIONS
        self._silent -= name in _SILENT

    def text(self, data: str) -> None:
        """Handle characters."""
        if self._silent:
            return
        if self._buffers:
            self._buffers[-1].texts.append(data)
        elif self._row is not None:
            if self._row:
                self._row[-1] += data
        else:
            self._text = self._text or _Buffer("", self.line)
            self._text.texts.append(data)

    def _flush(self) -> None:
        """Write the text so far as a paragraph, then its notes."""
        held, self._text = self._text, None
        text = one_line("".join(held.texts)) if held is not None else ""
        if held is not None and text:
            mark, self._mark = self._mark, ""
            indent = "  " * min(max(len(self._lists) - 1, 0), _MAX_INDENT) if mark else ""
            self.extraction.block(indent + mark + text, apart=not (mark and self._has_item_before), line=held.line)
            self._has_item_before = bool(mark)
        for note in self._after if text else ():
            self.extraction.block(note)
        self._after = [] if text else self._after

    def _end_buffer(self, buffer: _Buffer) -> None:
        text = one_line("".join(buffer.texts))
        if not text or self._silent:
            return
        if buffer.kind in _NOTES:
            self._after.append(f"{_NOTES[buffer.kind]}: {text}")
        elif self._row is None:
            self._flush()
            self._has_item_before = False
            if self._captioned:
                self.write(text, buffer.line)
                return
            self.extraction.heading(min(max(self._sections, 1), 9), text, line=buffer.line)

    def _end_listing(self) -> None:
        held, self._text = self._text, None
        if held is not None:
            self.extraction.block("".join(held.texts).strip("\n"), line=held.line)

    def _end_row(self) -> None:
        row, self._row = self._row or [], None
        self.extraction.row(row, first=self._is_first_row, header=self._is_header)
        self._is_first_row = self._has_item_before = False
