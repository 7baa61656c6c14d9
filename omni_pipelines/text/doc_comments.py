"""Show comments that describe code without the markup of Javadoc, Doxygen and the XML comments of C#."""

import re

_BLOCK = r"</?(?:p|ul|ol|dl|dt|dd|pre|blockquote|br|summary|remarks|para|value|example)[ ]?/?>"
_REPLACED = (
    (re.compile(rf"^(?:{_BLOCK}\s*)+|(?:\s*(?:{_BLOCK}|</(?:li|param|returns|exception|typeparam)>))+$"), ""),
    (re.compile(r"^<li>\s*"), "- "),
    (re.compile(r"^[@\\](?:brief|details|short)\s+"), ""),
    (re.compile(r"^<(param|typeparam|exception) (?:name|cref)=\"([^\"\n]*)\">\s*"), r"@\1 \2 "),
    (re.compile(r"^<returns>\s*"), "@returns "),
    (re.compile(r"<(?:see|seealso|paramref|typeparamref) (?:name|cref|langword)=\"(?:\w:)?([^\"\n]*)\"\s*/>"), r"\1"),
    (re.compile(r"(?<![`'\"])<(em|b|i|code|strong|tt|c)>([^<>\n]*)</\1>"), r"\2"),
    (re.compile(r"\{@(?:code|literal|link|linkplain|value|systemProperty)\s+([^{}\n]*)\}"), r"\1"),
)
"""Patterns of markup in a line, and what is shown in place of each. Tags within a sentence count only in pairs."""


def without_markup(line: str) -> str:
    """A line of a comment, without its sign, as its readers see it."""
    if not any(sign in line for sign in "<{@\\"):
        return line
    for pattern, shown in _REPLACED:
        line = pattern.sub(shown, line)
    return line
