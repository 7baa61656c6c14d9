"""HTML: the visible text, block by block, with its lines in the file; headings give the sections."""

import re

import lxml.etree
import lxml.html

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed, nest
from omni_pipelines.text.lines import newline_offsets
from omni_pipelines.text.readers.extraction import MAX_CHARACTERS, too_long
from omni_pipelines.text.readers.markup.front_matter import front_matter
from omni_pipelines.text.readers.markup.page_tree import show_all
from omni_pipelines.text.readers.markup.visible_text import VisibleText
from omni_pipelines.text.readers.markup.xml_stream import declared_encoding

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([-\w.:]+)""", re.IGNORECASE)
_MAX_CHARSET_BYTES = 4096
_SPACE = re.compile(r"\s+")
_TAG = re.compile(r"""<[a-zA-Z](?:[^>"']++|"[^"]*+"|'[^']*+')*+>?""")
_MAX_TAG_LENGTH = 1 << 15
"""A longer tag loses its attributes: the parser compares each attribute with all others."""
_NO_TEXT = "no text on the page is visible"


def read(raw: bytes, name: str, max_characters: int = MAX_CHARACTERS) -> Parsed:
    """Read a page: one block per line, with a blank line between paragraphs."""
    charset = _CHARSET.search(raw[:_MAX_CHARSET_BYTES])
    decoded = decode(raw, charset[1].decode("ascii") if charset else declared_encoding(raw))
    if not decoded.text.strip():
        raise Unreadable(RefusalCode.NO_TEXT, _NO_TEXT)
    front = front_matter(decoded.text)  # before templates of pages, as site generators read them
    root = _parse("\n" * len(newline_offsets(decoded.text[: front.end])) + decoded.text[front.end :])
    show_all(root)
    page = VisibleText(root, max_characters)
    page.walk()
    text = "".join(page.parts).rstrip("\n" if page.is_full else "")
    if not text.strip():
        raise Unreadable(RefusalCode.NO_TEXT, _NO_TEXT)
    title = _SPACE.sub(" ", root.findtext("head/title") or "").strip()
    heading = next((each for _, _, each in page.headings if each), name)
    return Parsed(
        decoded,
        front.title or title or heading,
        nest(page.headings),
        extracted=text,
        line_marks=tuple(page.marks),
        language=root.get("lang") or root.get("xml:lang") or "",
        partial=too_long(max_characters) if page.is_full else "",
    )


def read_visible(raw: bytes, name: str) -> Parsed | None:
    """Read a page that is a part of a document; None if no text on it is visible."""
    try:
        return read(raw, name)
    except Unreadable as error:
        if error.code is RefusalCode.NO_TEXT:
            return None
        raise


def _parse(text: str) -> lxml.html.HtmlElement:
    # the parser replaces \r too, but does not count it as a line end
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    parser = lxml.etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True)
    try:
        root = lxml.html.document_fromstring(_TAG.sub(_shortened, text).encode("utf-8"), parser=parser)
    except lxml.etree.ParserError as error:
        raise Unreadable(RefusalCode.NO_TEXT, _NO_TEXT) from error
    except lxml.etree.LxmlError as error:
        raise Unreadable(RefusalCode.PARSE, str(error)) from error
    for entry in parser.error_log:
        if entry.type_name == "ERR_RESOURCE_LIMIT":  # otherwise the rest of the page would be missing
            raise Unreadable(RefusalCode.PARSE, "more than 2048 levels of nested elements")
    return root


def _shortened(tag: re.Match[str]) -> str:
    if tag.end() - tag.start() <= _MAX_TAG_LENGTH:
        return tag[0]
    name = re.split(r"[\s/>]", tag[0], maxsplit=1)[0][:32]
    return name + "\n" * tag[0].count("\n") + ">"
