"""Formulas of Office (OMML) and of OpenDocument and web pages (MathML) as one line of text.

A fraction is a/b, a power x^2, an index x_1, a root √(x): close to UnicodeMath, Unicode Technical Note 28.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from omni_pipelines.text.readers.markup.xml_stream import Attributes

ROOTS = {"oMath", "math"}
"""The elements that hold one formula."""
_TEXTS = {"t", "mi", "mn", "mo", "mtext", "ms"}
_SILENT = {"annotation", "annotation-xml", "mphantom"}
_SIMPLE = re.compile(r"[^\W_]+(?:[.,]\d+)?|.")
_BRACKETS = {"(": ")", "[": "]", "{": "}", "|": "|"}
_ROOTS_OF = {"": "√", "2": "√", "3": "∛", "4": "∜"}


@dataclass
class _Node:
    name: str
    attributes: Attributes = field(default_factory=dict)
    children: list["_Node"] = field(default_factory=list)
    text: str = ""

    def child(self, name: str) -> "_Node":
        """The first child with a name; an empty one if there is none."""
        return next((child for child in self.children if child.name == name), _Node(name))

    def part(self, number: int) -> "_Node":
        return self.children[number] if number < len(self.children) else _Node("")

    def property(self, name: str, default: str = "") -> str:
        """A property such as the bracket of a delimiter, from the element whose name ends with "Pr"."""
        for child in self.children:
            if child.name.endswith("Pr"):
                for each in child.children:
                    if each.name == name:
                        return each.attributes.get("val", "")
        return default


class Formula:
    """Builds one formula from the elements below its root."""

    def __init__(self) -> None:
        self._root = _Node("row")
        self._open = [self._root]

    @property
    def is_open(self) -> bool:
        """Whether an element is still open."""
        return len(self._open) > 1

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""
        node = _Node(name, attributes)
        self._open[-1].children.append(node)
        self._open.append(node)

    def end(self) -> None:
        """Handle the end of the innermost element."""
        self._open.pop()

    def add(self, data: str) -> None:
        """Handle characters."""
        if self._open[-1].name in _TEXTS:
            self._open[-1].text += data

    def line(self) -> str:
        """The formula on one line."""
        return " ".join(_line(self._root).split())


def _line(node: _Node) -> str:
    if node.text or node.name in _TEXTS:
        return node.text if node.name == "t" else node.text.strip()
    if node.name in _SILENT or node.name.endswith("Pr"):
        return ""
    write = _WRITERS.get(node.name)
    return write(node) if write else _row(node)


def _row(node: _Node) -> str:
    return "".join(_line(child) for child in node.children)


def _group(text: str) -> str:
    """The text as one operand: in brackets unless it is a single number, word or group."""
    text = text.strip()
    closing = _BRACKETS.get(text[:1])
    is_group = closing is not None and text.endswith(closing) and text.count(text[0]) == 1
    return text if not text or is_group or _SIMPLE.fullmatch(text) else f"({text})"


def _scripted(base: str, below: str = "", above: str = "") -> str:
    return base + (f"_{_group(below)}" if below.strip() else "") + (f"^{_group(above)}" if above.strip() else "")


def _fraction(top: str, bottom: str) -> str:
    return f"{_group(top)}/{_group(bottom)}"


def _root(degree: str, inside: str) -> str:
    degree = degree.strip()
    sign = _ROOTS_OF.get(degree)
    return f"{sign}({inside.strip()})" if sign else f"√({degree}&{inside.strip()})"


def _office_fraction(node: _Node) -> str:
    top, bottom = _line(node.child("num")), _line(node.child("den"))
    if node.property("type") == "noBar":  # a binomial coefficient
        return f"{_group(top)}¦{_group(bottom)}"
    return _fraction(top, bottom)


def _office_scripts(node: _Node) -> str:
    return _scripted(_operand(node), _line(node.child("sub")), _line(node.child("sup")))


def _operand(node: _Node) -> str:
    return _group(_line(node.child("e")))


def _before(node: _Node) -> str:
    scripts = _scripted("", _line(node.child("sub")), _line(node.child("sup")))
    return f"{scripts} {_operand(node)}"


def _large_operator(node: _Node) -> str:
    operator = _scripted(node.property("chr", "∫"), _line(node.child("sub")), _line(node.child("sup")))
    return f"{operator} {_line(node.child('e')).strip()}"


def _delimited(node: _Node) -> str:
    opening, closing = node.property("begChr", "("), node.property("endChr", ")")
    inside = [_line(child) for child in node.children if child.name == "e"]
    return opening + node.property("sepChr", "|").join(inside) + closing


def _function(node: _Node) -> str:
    return f"{_line(node.child('fName')).strip()} {_operand(node)}"


def _limit(node: _Node) -> str:
    base, limit = _line(node.child("e")), _line(node.child("lim"))
    return _scripted(base, limit) if node.name == "limLow" else _scripted(base, "", limit)


def _accent(node: _Node) -> str:
    mark = node.property("chr", "\u0302") or "\u0302"
    base = _line(node.child("e"))
    return base + mark if len(base.strip()) == 1 else _group(base) + mark


def _rows(node: _Node) -> str:
    rows = [child for child in node.children if child.name in ("mr", "mtr", "mlabeledtr")]
    return "[" + "; ".join(", ".join(_line(cell).strip() for cell in row.children) for row in rows) + "]"


def _equations(node: _Node) -> str:
    return "; ".join(_line(child).strip() for child in node.children if child.name == "e")


def _web_fraction(node: _Node) -> str:
    return _fraction(_line(node.part(0)), _line(node.part(1)))


def _web_scripts(node: _Node) -> str:
    base, first, second = (_line(node.part(number)) for number in range(3))
    if node.name in ("msup", "mover"):
        return _scripted(base, "", first)
    return _scripted(base, first, second)


def _web_fenced(node: _Node) -> str:
    opening, closing = node.attributes.get("open", "("), node.attributes.get("close", ")")
    separator = node.attributes.get("separators", ",").strip()[:1]
    return opening + f"{separator} ".join(_line(child) for child in node.children) + closing


_WRITERS: dict[str, Callable[[_Node], str]] = {
    "f": _office_fraction,
    **dict.fromkeys(("sSup", "sSub", "sSubSup"), _office_scripts),
    "sPre": _before,
    "rad": lambda node: _root(_line(node.child("deg")), _line(node.child("e"))),
    "nary": _large_operator,
    "d": _delimited,
    "func": _function,
    **dict.fromkeys(("limLow", "limUpp"), _limit),
    "acc": _accent,
    "bar": lambda node: _group(_line(node.child("e"))) + "\u0305",
    **dict.fromkeys(("m", "mtable"), _rows),
    "eqArr": _equations,
    "phant": _row,
    "mfrac": _web_fraction,
    **dict.fromkeys(("msup", "msub", "msubsup", "munder", "mover", "munderover"), _web_scripts),
    "msqrt": lambda node: _root("", _row(node)),
    "mroot": lambda node: _root(_line(node.part(1)), _line(node.part(0))),
    "mfenced": _web_fenced,
}
