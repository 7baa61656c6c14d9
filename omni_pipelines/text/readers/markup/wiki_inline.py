"""What stands within the lines of MediaWiki: links, templates, notes, and marks of fonts."""

import html
import re
from dataclasses import dataclass, field

_WRITTEN = re.compile(
    r"<!--.*?(?:-->[ \t]*|\Z)"
    r"|<(?P<tag>nowiki|pre|syntaxhighlight|source)\b(?P<attributes>[^<>]{0,300})(?<!/)>"
    r"(?P<code>.*?)(?:</(?P=tag)[ \t]*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_LANGUAGE = re.compile(r"\blang=[\"']?(?P<name>[\w+#-]{1,30})")
_NOTE = re.compile(
    r"<ref\b[^<>]{0,300}/>|<ref\b[^<>]{0,300}>(?P<note>.{0,2000}?)</ref[ \t]*>", re.DOTALL | re.IGNORECASE
)
_LINK = re.compile(r"\[\[(?P<page>[^\[\]|\n]{1,300})(?:\|(?P<label>[^\[\]]{0,2000}))?\]\]")
_EXTERNAL = re.compile(
    r"\[(?P<address>(?:https?|ftp|mailto):[^\s\[\]]{1,2000})(?:[ \t]+(?P<label>[^\[\]\n]{1,500}))?\]"
)
_TEMPLATE = re.compile(r"\{\{(?P<inside>[^{}]{0,20000})\}\}")
_NAMED = re.compile(r"\s*(?P<name>[\w .-]{1,60}?)[ \t]*=(?P<value>.*)$", re.DOTALL)
_FONT = re.compile(r"'{2,5}")
_TAG = re.compile(
    r"</?(?:b|i|u|s|del|ins|small|big|sub|sup|span|div|p|center|code|kbd|tt|var|samp|font|blockquote|cite|em|strong|br|hr"
    r"|gallery|references|poem|abbr|q|noinclude|includeonly|onlyinclude|section|nowiki|math|table|tr|td|th|ul|ol|li)\b"
    r"[^<>]{0,300}>",
    re.IGNORECASE,
)
_MAGIC = re.compile(r"__[A-Z]{3,20}__")
_OPTION = re.compile(
    r"\d*(?:x\d+)?px|thumb\w*|frame\w*|border|left|right|center|none|(?:alt|link|class|upright|lang|page)\b.*"
)
_FILES = ("file", "image", "datei", "bild", "fichier", "archivo")
_MAX_NESTED = 10
_MAX_PROPERTIES = 1_000
_PRIVATE = 0xE000
_SIGNS = "'[]{}|=*#:;<>!~-_& \t"
_PROTECTED = {ord(sign): chr(_PRIVATE + ord(sign)) for sign in _SIGNS}
_SHOWN = {_PRIVATE + ord(sign): sign for sign in _SIGNS}
LISTING, LISTING_END, FOOTNOTE = "\uf8f0", "\uf8f1", "\uf8f2"
"""They stand around the language of a listing, at its end, and around a note."""


@dataclass
class WikiText:
    """A text with what is shown of its links, templates and notes; its lines are those of the file."""

    text: str
    tags: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


def simplified(text: str) -> WikiText:
    """The text without comments, with links and templates as they are shown."""
    found = WikiText(_WRITTEN.sub(_written, text.replace("\r\n", "\n").replace("\r", "\n")))
    links: dict[str, None] = {}

    def shown(link: re.Match[str]) -> str:
        page, label = link["page"].partition("#")[0].strip(), link["label"]
        space, colon, _ = page.partition(":")
        if colon and space.casefold() in _FILES:
            caption = (label or "").rpartition("|")[2]
            return "" if _OPTION.fullmatch(caption) else caption
        links[page] = None
        if colon and space.casefold() == "category":
            return ""
        return label if label and label.strip() else page.lstrip(":") or link["page"]

    def with_line_ends(link: re.Match[str]) -> str:
        text = shown(link)
        return text + "\n" * (link[0].count("\n") - text.count("\n"))

    for _ in range(_MAX_NESTED):
        found.text, count = _LINK.subn(with_line_ends, found.text)
        if not count:
            break
    found.text = _NOTE.sub(_note, found.text)
    for _ in range(_MAX_NESTED):
        found.text, count = _TEMPLATE.subn(_template, found.text)
        if not count:
            break
    names = list(links)[:_MAX_PROPERTIES]
    found.tags = [name.partition(":")[2].strip() for name in names if name.casefold().startswith("category:")]
    found.links = [name for name in names if name and not name.casefold().startswith("category:")]
    return found


def inline(text: str) -> str:
    """A line without marks of fonts and tags, with the characters that entities stand for."""
    text = _EXTERNAL.sub(lambda link: link["label"] or link["address"], text)
    text = _MAGIC.sub("", _TAG.sub(_tag, _FONT.sub("", text)))
    return as_written(html.unescape(text))


def as_written(text: str) -> str:
    """A text in which the signs mean nothing, such as a listing."""
    return text.translate(_SHOWN)


def _tag(found: re.Match[str]) -> str:
    return " " if found[0].casefold().startswith(("<br", "<p", "</p", "<div", "</div", "<li", "<td")) else ""


def _written(found: re.Match[str]) -> str:
    if not found["tag"]:
        return "\n" * found[0].count("\n")
    code = found["code"].translate(_PROTECTED)
    if found["tag"].casefold() == "nowiki" or ("\n" not in code and "inline" in found["attributes"]):
        return code
    language = _LANGUAGE.search(found["attributes"])
    return f"{LISTING}{language['name'].lower() if language else ''}{LISTING}{code}{LISTING_END}"


def _note(found: re.Match[str]) -> str:
    note = found["note"] or ""
    return f"{FOOTNOTE}{' '.join(note.split())}{FOOTNOTE}" * bool(note) + "\n" * found[0].count("\n")


def _template(found: re.Match[str]) -> str:
    """What is known of a template: its parameters. Those with a name are lines, if it has lines."""
    name, *parameters = found["inside"].split("|")
    line_ends = found[0].count("\n")
    pairs = [(_NAMED.match(parameter), parameter) for parameter in parameters]
    is_source = name.strip().casefold().startswith(("cite", "citation"))
    if is_source:
        values = [pair["value"] for pair, _ in pairs if pair and pair["name"].casefold() in ("title", "work", "date")]
        return ", ".join(" ".join(value.split()) for value in values) + "\n" * line_ends
    shown = [
        f"{pair['name'].strip()}: {pair['value'].strip()}".strip() if pair else part.strip() for pair, part in pairs
    ]
    if line_ends and any(pair for pair, _ in pairs):
        ends = ["\n" * part.count("\n") for part in (name, *parameters)]
        first, *rest = ends
        return first + "".join(
            f"{text if not text.endswith(':') else ''}{end}" for text, end in zip(shown, rest, strict=True)
        )
    named = "; " if any(pair for pair, _ in pairs) else " "
    return named.join(" ".join(text.split()) for text in shown if text and not text.endswith(":")) + "\n" * line_ends
