"""reStructuredText: the text is the file's own; underlined titles give the sections.

This parser is our own: docutils reports no character offsets, and stops at directives that it does not know.
"""

import re
from collections.abc import Iterator

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Heading, Parsed, nest

_LINE_END = r"(?:\r\n|\n|\r)"
_TITLE = re.compile(
    rf"(?<![^\r\n])(?:(?P<over>(?P<o>[!-/:-@\[-`{{-~])(?P=o){{2,}})[ \t]*{_LINE_END})?"
    rf"(?P<title>[ \t]*\S[^\r\n]*){_LINE_END}"
    rf"(?P<under>(?P<u>[!-/:-@\[-`{{-~])(?P=u){{2,}})[ \t]*(?={_LINE_END}|\Z)"
)


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. As the format defines, the order in which the title styles first occur gives their levels."""
    decoded = decode(raw)
    headings = list(_headings(decoded.text))
    return Parsed(decoded, title=headings[0][2] if headings else name, sections=nest(headings))


def _headings(text: str) -> Iterator[Heading]:
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
