"""reStructuredText: the text is the file's own; underlined titles and the objects it describes give the sections.

This parser is our own: docutils reports no character offsets, and stops at directives that it does not know.
"""

import itertools
import re
from collections.abc import Iterator

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.descriptions import OBJECT, described_object
from omni_pipelines.text.document import Heading, Parsed, nest
from omni_pipelines.text.lines import newline_offsets

_LINE_END = r"(?:\r\n|\n|\r)"
_TITLE = re.compile(
    rf"(?<![^\r\n])(?:(?P<over>(?P<o>[!-/:-@\[-`{{-~])(?P=o){{2,}})[ \t]*{_LINE_END})?"
    rf"(?P<title>[ \t]*\S[^\r\n]*){_LINE_END}"
    rf"(?P<under>(?P<u>[!-/:-@\[-`{{-~])(?P=u){{2,}})[ \t]*(?={_LINE_END}|\Z)"
)
_LITERAL = re.compile(r"\.\.[ \t]+(?:code|code-block|sourcecode|parsed-literal)::|(?!\.\.[ \t]).*::$")
"""A line with code below it, which may show directives."""
_OBJECT_LEVEL = 1_000
"""That of the first description; titles have lower ones, because a document has few styles of them."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. As the format defines, the order in which the title styles first occur gives their levels.

    The description of an object, such as an option or a function, is a section up to the end of its indentation.
    """
    decoded = decode(raw)
    titles = list(_titles(decoded.text))
    headings = {start: (start, level, title) for start, level, title in (*_descriptions(decoded.text), *titles)}
    sections = nest(headings[start] for start in sorted(headings))
    return Parsed(decoded, title=titles[0][2] if titles else name, sections=sections)


def _descriptions(text: str) -> Iterator[Heading]:
    """Where the description of each object begins, and, with an empty title, where it ends."""
    if OBJECT.search(text) is None:
        return
    starts = [0, *newline_offsets(text), len(text)]
    opened: list[int] = []  # the indentations of the descriptions around a line
    literal: int | None = None
    for start, end in itertools.pairwise(starts):
        line = text[start:end].strip()
        if not line:
            continue
        expanded = text[start:end].expandtabs(8)
        indent = len(expanded) - len(expanded.lstrip())
        if literal is not None and indent > literal:
            continue
        literal = indent if _LITERAL.match(line) else None
        ended = [each for each in opened if each >= indent]
        opened = [each for each in opened if each < indent]
        if name := described_object(line):
            opened.append(indent)
            yield start, _OBJECT_LEVEL + indent, name
        elif ended:
            yield start, _OBJECT_LEVEL + ended[0], ""


def _titles(text: str) -> Iterator[Heading]:
    styles: list[str] = []
    for match in _TITLE.finditer(text):
        over, under = match["over"], match["under"]
        title = match["title"].strip()
        if len(under) < len(title) or (over and over != under) or (not over and match["title"][0] in " \t"):
            continue
        if set(title) <= set("=-~^\"'*+#`:.<>_ "):  # a border of a table, not a title
            continue
        if not over and _continues_paragraph(text, match.start()):
            continue
        style = f"{under[0]}{'=' if over else ''}"
        if style not in styles:
            styles.append(style)
        yield match.start(), styles.index(style) + 1, title


def _continues_paragraph(text: str, start: int) -> bool:
    """Whether the line at `start` continues a paragraph: a rule below it then makes it no title."""
    if start == 0:
        return False
    end = start - (2 if text.startswith("\r\n", max(0, start - 2)) else 1)
    return text[max(text.rfind("\n", 0, end), text.rfind("\r", 0, end)) + 1 : end][:1].isalnum()
