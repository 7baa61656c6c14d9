"""What the elements of a page mean: headers of tables, named terms, code and its language, and what is no text."""

import re
from itertools import islice

from lxml.html import HtmlElement

CELLS = {"td", "th"}
HEADINGS = {f"h{level}": level for level in range(1, 7)}
INLINE = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "ins", "kbd", "label", "mark", "nobr", "picture", "q", "rp", "rt", "ruby", "s", "samp", "small", "source", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
}  # fmt: skip
LISTS = {"ul", "ol", "menu"}
PARAGRAPHS = {
    "p", "pre", "blockquote", "table", "caption", "dl", "section", "article", "figure", *LISTS, *HEADINGS,
}  # fmt: skip
_SILENT = {
    "script", "style", "template", "noscript", "noframes", "noembed", "title", "iframe", "object", "select",
    "datalist", "rt", "rp", "audio", "video", "canvas", "meter", "progress", "annotation", "annotation-xml", "defs",
    "symbol", "clippath", "mask", "metadata", "desc",
}  # fmt: skip
"""Without `head`: if a page has no `body` tag, the parser puts the content of the page there."""
_FILE_NAME = re.compile(r"\S*\.(?:png|jpe?g|gif|svg|webp|avif|bmp|ico)$", re.IGNORECASE)
_MAX_DESCRIPTION = 1_000
MAX_HEADER_ROWS = 3
"""Of a table; more rows of names are no header."""
_LINE_NUMBERS = {"linenos", "lineno", "linenodiv", "linenumber", "lnt"}
_NUMBERED = {"td", "span", "div", "a", "code", "small"}
_DIGITS = re.compile(r"[\d\s]*")
_PERMALINK = re.compile("[\\s#¶§†∞🔗\u200b\ufe0e\ufe0f\ue000-\uf8ff]+")
"""Signs, and icons of a font in the area for private use."""
_SOURCE_LINK = re.compile(r"\[(?:source|docs)\]")
_MAX_LINK_SIGN = 16
_MAX_ELEMENTS_CHECKED = 8
_FOOTNOTE = re.compile(r"[\[(]?[\d*]*[\])]?[.:]?")
_LANGUAGE = re.compile(r"(?:highlight-source|highlight|language|lang)-([a-z][\w+#.]*)", re.IGNORECASE)
_NO_LANGUAGE = {"default", "none", "text", "plaintext"}
_WORD = re.compile(r"[^\W\d_]+[,.;:!?)]*")
_SENTENCE_END = re.compile(r"[^\W\d_]{2}[.!?](?:\s|$)|[。\uff01\uff1f]")
_MIN_WORDS_OF_PROSE = 5
_FENCE = "```"
_FENCES = re.compile("`{3,}")


def is_silent(element: HtmlElement) -> bool:
    """Whether what an element contains is no text of the page: scripts, hidden parts, permalinks, line numbers."""
    tag = element.tag
    is_hidden = element.get("hidden", "until-found").lower() != "until-found"
    if tag in _SILENT or is_hidden or (tag == "dialog" and element.get("open") is None):
        return True
    return (tag == "a" and _is_link_sign(element)) or (tag in _NUMBERED and is_line_numbers(element))


def description(picture: HtmlElement) -> str:
    """The words that stand for a picture; "" if there are none."""
    text = " ".join((picture.get("alt") or "").split())
    has_words = any(map(str.isalpha, text)) and not _FILE_NAME.fullmatch(text)
    return text[:_MAX_DESCRIPTION] if has_words else ""


def is_line_numbers(element: HtmlElement) -> bool:
    """Whether an element shows the line numbers of a listing."""
    classes = element.get("class")
    return (
        bool(classes)
        and ("lin" in classes or "lnt" in classes)  # quick, because nearly every element has other classes
        and not _LINE_NUMBERS.isdisjoint(classes.split())
        and all(_DIGITS.fullmatch(text) for text in _first_texts(element))
    )


def _is_link_sign(anchor: HtmlElement) -> bool:
    """Whether a link is a sign that points to its own heading, or to the source of a symbol."""
    target = anchor.get("href")
    if not target or len(anchor.text or "") > _MAX_LINK_SIGN:
        return False
    if next(islice(anchor.iter(), _MAX_ELEMENTS_CHECKED, None), None) is not None:
        return False
    text = "".join(_first_texts(anchor)).strip()
    is_sign = target.startswith("#") and _PERMALINK.fullmatch(text)
    return bool(is_sign or _SOURCE_LINK.fullmatch(text))


def _first_texts(element: HtmlElement) -> list[str]:
    """The text in the first elements inside an element: enough to judge it, however much it contains."""
    inner = list(islice(element.iter(), _MAX_ELEMENTS_CHECKED))
    own = [each.text or "" for each in inner if isinstance(each.tag, str)]
    return own + [each.tail or "" for each in inner[1:]]


def is_cell(element: HtmlElement) -> bool:
    """Whether an element is a cell in a row. A cell outside a row is a block like any other."""
    if element.tag not in CELLS:
        return False
    row = element.getparent()
    return row is not None and row.tag == "tr"


def header_cells(row: HtmlElement) -> int:
    """The number of cells of a row if it is the last one of the header of a table with several columns, else 0."""
    part = row.getparent()
    before_part = part.getprevious() if part is not None else None
    if part is None or not _is_header(row, part):
        return 0
    if part.tag == "tbody" and before_part is not None and before_part.tag in ("thead", "tbody"):
        return 0
    above = list(islice(row.itersiblings("tr", preceding=True), MAX_HEADER_ROWS))
    following = row.getnext()
    is_last = following is None or following.tag != "tr" or not _is_header(following, part)
    is_first = len(above) < MAX_HEADER_ROWS and all(_is_header(each, part) for each in above)
    cells = sum(each.tag in CELLS for each in row)
    return cells if is_last and is_first and cells > 1 else 0


def _is_header(row: HtmlElement, part: HtmlElement) -> bool:
    cells = [each for each in row if each.tag in CELLS]
    return part.tag == "thead" or (bool(cells) and all(each.tag == "th" for each in cells))


def is_nested_list(element: HtmlElement) -> bool:
    """Whether an element is a list in an item of another list."""
    if element.tag not in LISTS:
        return False
    parent = element.getparent()
    return parent is not None and parent.tag == "li"


def is_after(element: HtmlElement, tag: str) -> bool:
    """Whether the element before this one, in the same parent, has the tag."""
    before = element.getprevious()
    return before is not None and before.tag == tag


def is_named_term(term: HtmlElement) -> bool:
    """Whether a term is a function, class, option or entry with a description: linked to or marked as a signature."""
    if "sig" in (term.get("class") or "").split():  # as Sphinx marks them, even those that are not in its index
        return True
    inner = islice(term.iter(), _MAX_ELEMENTS_CHECKED)
    is_named = any(each.get("id") or (each.tag == "a" and each.get("name")) for each in inner)
    return is_named and not _FOOTNOTE.fullmatch("".join(_first_texts(term)).strip())


def whole_number(text: str | None) -> int | None:
    """The number in an attribute such as `start`; None if it is missing or senseless."""
    stripped = (text or "").strip()
    return int(stripped) if stripped.isdecimal() and len(stripped) < _MAX_ELEMENTS_CHECKED else None


def fence_of(listing: HtmlElement) -> tuple[str, str]:
    """The fence around a `pre` element, longer than any in it, and its language; "" for both if it holds prose."""
    text = "".join(listing.itertext())
    language = _language(listing)
    is_marked = language or listing.find("code") is not None or listing.find("span") is not None
    if not is_marked and _is_prose(text):
        return "", ""
    return "`" * max([len(_FENCE), *(len(found) + 1 for found in _FENCES.findall(text))]), language


def _language(listing: HtmlElement) -> str:
    """The language that a class names, of the listing, the code in it or the boxes around it."""
    nearby = [listing, *islice(listing.iterchildren("code"), 1), *islice(listing.iterancestors("div", "figure"), 2)]
    for element in nearby:
        classes = (element.get("class") or "").split()
        found = next((match[1] for match in map(_LANGUAGE.fullmatch, classes) if match), "")
        if not found and classes[:1] == ["sourceCode"]:  # as Pandoc writes them
            found = classes[-1] if len(classes) > 1 else ""
        if found and found.lower() not in _NO_LANGUAGE:
            return found
    return ""


def _is_prose(text: str) -> bool:
    """Whether it has sentences and most lines are made of words, as in a letter or a licence."""
    lines = [line for line in text.splitlines() if line.strip()]
    return sum(map(_is_prose_line, lines)) * 2 > len(lines) and _SENTENCE_END.search(text) is not None


def _is_prose_line(line: str) -> bool:
    words = line.split()
    if sum(letter.isalpha() and not letter.isascii() for letter in line) * 2 > len(line):  # also without spaces
        return True
    return len(words) >= _MIN_WORDS_OF_PROSE and sum(map(bool, map(_WORD.fullmatch, words))) * 5 >= len(words) * 4
