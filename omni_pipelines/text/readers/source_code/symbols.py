"""Find the symbols of source code with tree-sitter: where each class, function, key or table starts and ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from native.grammars import grammar_parser
from omni_pipelines.text.setting_names import block_name, item_name, manifest_name

if TYPE_CHECKING:
    from tree_sitter import Node

_KINDS = (
    "function|method|class|struct|enum|interface|trait|impl|union|module|mod|namespace|protocol|macro|constructor"
    "|record|contract|service|message|object|extension|internal_module|subroutine|section|rpc"
)
_SYMBOL = re.compile(
    rf"(?:[a-z]+_)?(?:{_KINDS})(?:_(?:definition|declaration|item|specifier|spec|statement|def))?"
    r"|(?:[a-z]+_)?type_(?:spec|item|alias_declaration|definition)|create_(?:table|view|function)"
)
"""The types of nodes that define a name, in the words of the grammars."""
_KEYED = {"pair", "block_mapping_pair", "table", "table_array_element"}
"""Keys of JSON, YAML and TOML."""
_ITEM, _MANIFEST = "block_sequence_item", "document"
"""Items of lists in YAML, and the documents of a file."""
_WITHOUT_NAME = {"block_node", "block_sequence"}
"""What is between a key of YAML and the items of its list."""
_FUNCTION = re.compile("function|method|constructor|macro")
_ASSIGNMENTS = {"variable_declarator": ("name", "value"), "binary_operator": ("lhs", "rhs")}
"""How JavaScript and R name a function: the node, and its fields for the name and the function."""
_ASSIGNED = {
    "arrow_function", "function_expression", "function", "function_definition", "class", "generator_function",
}  # fmt: skip
_WRAPPERS = {"export_statement", "template_declaration", "type_declaration", "lexical_declaration"}
"""They start before the symbol inside them, and belong to it."""
_ABOVE = re.compile("comment|attribute|annotation|decorator")
_BY_LINES = {"yaml", "hcl"}
"""Grammars that count a comment to what ends above it, or call the settings of a block attributes."""
_MAX_NODES_BETWEEN = 8
"""Nodes between a symbol and the one that encloses it."""
MAX_DEPTH = 6
_MAX_WHOLE_BYTES = 600
"""Of an object of data that is one part: it is read and quoted together with the keys around it."""
_MAX_NAME_LENGTH = 100
_MAX_NAMED_BYTES = 4_000
"""From the start of an item or a document, in which its name is looked for."""
MAX_NODES = 300_000
"""Of a file. Minified and generated files have millions, and none of them is worth a heading."""


@dataclass(frozen=True)
class Symbol:
    """A named part of a file, in bytes of its UTF-8."""

    start: int
    """Includes the comments and attributes directly above it."""
    own_start: int
    """Without them. YAML's grammar counts comments to what ends above them."""
    end: int
    path: tuple[str, ...]


def symbols(source: bytes, grammar: str) -> Iterator[Symbol]:
    """The symbols in order, each before those inside it. Code that does not parse is skipped.

    A file with more than `MAX_NODES` nodes gives none.
    """
    tree = grammar_parser(grammar).parse(source)
    if tree.root_node.descendant_count > MAX_NODES:
        return
    stack: list[tuple[Node, tuple[str, ...], int, Node | None]] = [(tree.root_node, (), 0, None)]
    while stack:
        node, path, between, wrapper = stack.pop()
        kind = node.type
        if kind == "block" and grammar == "hcl":
            name = _hcl_name(node)
        else:
            name = _name(node, kind) if _may_define(kind) and not _is_beside_dash(node) else ""
        if name:
            path, between = (*(path[:-1] if kind == _ITEM and _is_in_list(node) else path), name), 0
            whole = wrapper or node
            start = _start_by_lines(source, whole) if grammar in _BY_LINES else _start(whole)
            yield Symbol(start, whole.start_byte, node.end_byte, path)
        if between < _MAX_NODES_BETWEEN and not (name and _is_whole(node, kind)) and len(path) < MAX_DEPTH:
            outer = wrapper or node if kind in _WRAPPERS else None
            stack += [(child, path, between + 1, outer) for child in reversed(node.named_children)]


@lru_cache(4096)
def _may_define(kind: str) -> bool:
    """Whether nodes of a type can define a name; most cannot."""
    return _is_data(kind) or kind in _ASSIGNMENTS or _SYMBOL.fullmatch(kind) is not None


def _is_data(kind: str) -> bool:
    return kind in _KEYED or kind in (_ITEM, _MANIFEST)


def _is_whole(node: Node, kind: str) -> bool:
    """Whether what is inside a symbol is no symbol: local names, and the keys of a short object."""
    if _is_data(kind) or kind == "block":
        return node.end_byte - node.start_byte <= _MAX_WHOLE_BYTES
    return _FUNCTION.search(kind) is not None


def _name(node: Node, kind: str) -> str:
    """The name that a node of a type that can define one defines; "" if it has none."""
    if kind in _KEYED:
        return _text(node.child_by_field_name("key") or next(iter(node.named_children), None))
    if kind in (_ITEM, _MANIFEST):
        text = (node.text or b"")[:_MAX_NAMED_BYTES].decode("utf-8", "replace")
        return (item_name if kind == _ITEM else manifest_name)(text)
    if kind in _ASSIGNMENTS:
        name, value = (node.child_by_field_name(field) for field in _ASSIGNMENTS[kind])
        return _text(name) if value is not None and value.type in _ASSIGNED else ""
    if kind.endswith("_specifier") and node.child_by_field_name("body") is None:
        return ""
    return _text(node.child_by_field_name("name") or _declared(node) or node.child_by_field_name("type"))


def _hcl_name(block: Node) -> str:
    kind, *labels = [_text(child) for child in block.named_children if child.type in ("identifier", "string_lit")]
    return block_name(kind, labels)


def _is_beside_dash(node: Node) -> bool:
    """Whether a key is that of the entry which names an item, on the line on which the item begins."""
    item = (
        node.parent.parent.parent
        if node.type == "block_mapping_pair" and node.parent and node.parent.parent
        else None
    )
    if item is None or item.type != _ITEM or node.start_point[0] != item.start_point[0]:
        return False
    return bool(_name(item, _ITEM))


def _is_in_list(item: Node) -> bool:
    """Whether an item is in the list that is the value of a key."""
    node = item.parent
    while node is not None and node.type in _WITHOUT_NAME:
        node = node.parent
    return node is not None and node.type in _KEYED


def _declared(node: Node) -> Node | None:
    """The node of the name in C's `int *name(int)`, where it ends a chain of declarators, or in a plain child."""
    declarator = node.child_by_field_name("declarator")
    while declarator is not None and (inner := declarator.child_by_field_name("declarator")) is not None:
        declarator = inner
    if declarator is not None:
        return declarator
    named = (child for child in node.named_children if child.type.endswith(("name", "object_reference")))
    return next(named, None)


def _text(node: Node | None) -> str:
    if node is None or node.text is None or not node.is_named:  # in R, the name of a function is the keyword
        return ""
    text = node.text[: 4 * _MAX_NAME_LENGTH].decode("utf-8", "replace")
    text = " ".join(text.split()).strip("\"'")[:_MAX_NAME_LENGTH]
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text  # a section of an INI file


def _start(node: Node) -> int:
    above = node.prev_named_sibling
    while above is not None and _ABOVE.search(above.type) and above.end_point[0] >= node.start_point[0] - 1:
        node, above = above, above.prev_named_sibling
    return node.start_byte


def _start_by_lines(source: bytes, node: Node) -> int:
    """As `_start`, by the lines: the dashes before the node, and the comments directly above at their indentation."""
    start = node.start_byte - node.start_point[1]
    before = source[start : node.start_byte]
    if before.strip(b" -"):
        return node.start_byte
    column = len(before) - len(before.lstrip())
    while start:
        above = source.rfind(b"\n", 0, start - 1) + 1
        line = source[above:start]
        if len(line) - len(line.lstrip()) != column or line[column : column + 1] != b"#":
            break
        start = above
    return start + column
