"""Definitions: the passages and units that declare what a question names."""

import re
from collections.abc import Callable, Sequence

from omni_pipelines.knowledge.answers.composing import UnitKind
from omni_pipelines.knowledge.answers.question import (
    BY_DECLARATION,
    Asked,
    asked_kind,
    defined_names,
    mentions,
    name_parts,
    named_options,
)
from omni_pipelines.knowledge.answers.units import Unit, answer_units, label_of
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.text.declarations import declared_name
from omni_pipelines.text.document import HEADING_SEPARATOR

MAX_NAMES, MAX_DEFINITIONS = 3, 3
"""Names of a question that are looked for, and passages that are taken for each."""
DECLARING = ("def", "class", "function", "func", "fn", "struct", "interface", "type", "enum", "const")
"""Words before a name where it is declared, frequent ones first."""
_CONSTANT = re.compile(r"(?:[\w.]+\.)?_*[A-Z][A-Z\d_]+")
_STATED = re.compile(r"\b(?i:default)(?:s|ed)?\b(?:\s+(?:is|to|of|value))*[\s:=`]*((?:\w+\.)*_*[A-Z][A-Z\d_]{2,})\b")
_OPTION_TERM = re.compile(r"[`*'\"]*-")
_ASSIGNED = re.compile(r"[^(={]*=(?!=)")
_KEYED = re.compile(r"[\w\"'$/.@-]+\??:[ \t]+\S")
_NAME_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
"""A word of a name: DEFAULT_PORT and DefaultPort have two."""
_CONSTRUCTORS = {"__init__", "constructor"}
FindHits = Callable[[str], Sequence[Hit]]
"""A query to the passages with its words."""


def find_definitions(question: str, hits: Sequence[Hit], find: FindHits) -> list[Hit]:
    """Passages that define what a question names, and that are not among its hits."""
    found: list[Hit] = []
    words = re.findall(r"\w{3,}", question)
    is_about_declaration = asked_kind(question) in BY_DECLARATION
    for name in defined_names(question)[:MAX_NAMES]:
        if is_about_declaration or not any(defines(hit, name) for hit in hits):
            found += sorted(_defining(name, hits, find), key=lambda hit: _order(hit, name, words))[:MAX_DEFINITIONS]
    return new_hits(found, hits)


def new_hits(found: Sequence[Hit], hits: Sequence[Hit]) -> list[Hit]:
    """The found passages, each once, that are not among the hits."""
    known = {hit.chunk_id for hit in hits}
    return [hit for hit in {hit.chunk_id: hit for hit in found}.values() if hit.chunk_id not in known]


def _order(hit: Hit, name: str, words: Sequence[str]) -> tuple[int, int]:
    """Passages whose path has words of the question come first, then those that declare the name outermost."""
    return -sum(word in hit.path for word in words), min(map(indentation, _declarations(hit, name)), default=0)


def _defining(name: str, hits: Sequence[Hit], find: FindHits) -> list[Hit]:
    """Passages with the declaration of a name, or else passages under it, as further parts of its description."""
    own = name_parts(name)[-1]
    symbols = dict.fromkeys(_symbol(hit) for hit in hits if is_under(hit, name))
    queries = [*(f"{keyword} {own}" for keyword in DECLARING), *(symbol.partition(",")[0] for symbol in symbols)]
    under: dict[str, Hit] = {}
    for query in (*(f'"{query}"' for query in queries), name):
        found = find(query)
        defining = [hit for hit in found if defines(hit, name)]
        if defining:
            return defining
        under.update({hit.chunk_id: hit for hit in found if is_under(hit, name)})
    return list(under.values())


def defines(hit: Hit, name: str) -> bool:
    """Whether a passage has the declaration of a name."""
    return bool(_declarations(hit, name))


def _declarations(hit: Hit, name: str) -> list[Unit]:
    is_mentioned = name_parts(name)[-1] in f"{hit.heading}\n{hit.text}"
    return [unit for unit in answer_units(hit) if declares(unit, name)] if is_mentioned else []


def indentation(unit: Unit) -> int:
    """The characters before a declaration on its line: 0 unless it is inside another one."""
    start = unit.ranges[0][0]
    return start - unit.hit.text.rfind("\n", 0, start) - 1


def is_under(hit: Hit, name: str) -> bool:
    """Whether the innermost heading of a passage is a symbol with this name, or the last part of a dotted one."""
    symbol = _symbol(hit)
    declared = re.search(rf"(?<!\w){re.escape(name_parts(name)[-1])}(?!\w)", symbol)
    return declared is not None and "(" not in symbol[: declared.start()]


def declares(unit: Unit, name: str) -> bool:
    """Whether a unit declares a name, just this one if it is dotted, or the constructor of a class with this name."""
    declared = _declared(unit)
    if not declared:
        return False
    *around, own = name_parts(name)
    *place, last = name_parts(declared)
    if last in _CONSTRUCTORS and not around:
        return own in re.findall(r"\w+", unit.hit.heading)
    return last == own and (around == place[-len(around) :] or _is_within(unit.hit, around))


def _declared(unit: Unit) -> str:
    """The name that a unit declares; "" if it declares none."""
    return declared_name(unit.quotes[0]) if unit.kind is UnitKind.SIGNATURE else ""


def gives_value(unit: Unit) -> bool:
    """Whether a unit is a setting, a constant or a field on one line, with its value or its type."""
    is_declaration = unit.kind is UnitKind.SIGNATURE and "\n" not in unit.quotes[0]
    return is_declaration and any(pattern.match(unit.quotes[0]) for pattern in (_ASSIGNED, _KEYED))


def describes(unit: Unit, name: str) -> bool:
    """Whether a unit is the entry of a name in a reference: its heading, its term or its row begins with it.

    Such are the settings, options and fields of a manual: `shared_buffers (integer)`.
    """
    terms = [unit.heading or label_of(unit.hit)]
    if unit.kind in (UnitKind.DEFINITION, UnitKind.ROW):
        terms.append(unit.quotes[-1])
    entry = re.compile(rf"\W*{re.escape(name)}(?![\w.-])")
    return unit.hit.kind != "code" and any(entry.match(term) for term in terms)


def describes_option(unit: Unit, option: str) -> bool:
    """Whether a unit is in the description of an option, whose heading or term names it: `-v, --verbose`.

    The term of a command, such as `omni logs [-f]`, names its options too, but does not describe them.
    """
    terms = [unit.heading or label_of(unit.hit)]
    if unit.kind is UnitKind.DEFINITION and _OPTION_TERM.match(unit.quotes[0]):
        terms.append(unit.quotes[0].partition("\n")[0])
    return any(has_option(term, option) for term in terms)


def has_option(heading: str, option: str) -> bool:
    """Whether a heading or text names an option, in the same case."""
    return re.search(rf"(?<![^\s,;|/`'\"(\[]){re.escape(option)}(?![\w-])", heading) is not None


def find_options(question: str, hits: Sequence[Hit], find: FindHits) -> list[Hit]:
    """For each option that a question names, the passage that describes it, of the named command if there is one."""
    found: list[Hit] = []
    words = re.findall(r"\w{2,}", question.casefold())
    for option in named_options(question)[:MAX_NAMES]:
        described = [hit for hit in find(question) if has_option(_symbol(hit), option)]
        described.sort(key=lambda hit: -sum(word in f"{hit.title} {hit.path}".casefold() for word in words))
        found += described[:1]
    return new_hits(found, hits)


def has_default(declaration: str, parameter: str) -> bool:
    """Whether a declaration gives a parameter a default value; the name of a constant is none."""
    found = _default(declaration, parameter)
    return bool(found) and not _CONSTANT.fullmatch(found)


def constant_defaults(declaration: str, parameters: Sequence[str]) -> set[str]:
    """The constants whose values a declaration gives these parameters as their defaults."""
    found = (_default(declaration, parameter) for parameter in parameters)
    return {name_parts(default)[-1] for default in found if _CONSTANT.fullmatch(default)}


def stated_constants(text: str) -> set[str]:
    """The constants that a text says are defaults: TTL in "Defaults to TTL"."""
    return {name_parts(name)[-1] for name in _STATED.findall(text)}


def is_named(unit: Unit, question: str) -> bool:
    """Whether a unit declares a constant whose name a question spells out: "default protocol" is DEFAULT_PROTOCOL.

    In Go it is DefaultProtocol.
    """
    declared = _declared(unit)
    if not (_CONSTANT.fullmatch(declared) or (declared[:1].isupper() and _ASSIGNED.match(unit.quotes[0]))):
        return False
    parts = [part.casefold() for part in _NAME_PART.findall(name_parts(declared)[-1])]
    return len(parts) > 1 and set(parts) <= set(re.findall(r"\w+", question.casefold()))


def _default(declaration: str, parameter: str) -> str:
    found = re.search(rf"(?<!\w){re.escape(parameter)}(?!\w)[^,=()]*=\s*([\w.]+|\S)", declaration)
    return found[1] if found else ""


def find_constants(question: str, hits: Sequence[Hit], find: FindHits) -> list[Hit]:
    """Passages that define the constants which are the default values of what a question names."""
    if asked_kind(question) is not Asked.DEFAULT:
        return []
    names = defined_names(question)
    units = [unit for hit in hits for name in names for unit in _declarations(hit, name)]
    named = {
        (each, unit.hit.path): None for unit in units for each in sorted(constant_defaults(unit.quotes[0], names))
    }
    found: list[Hit] = []
    for constant, path in named:
        found += (hit for hit in find(f'"{constant}"') if hit.path == path and defines(hit, constant))
    return new_hits(found, hits)


def _is_within(hit: Hit, parts: Sequence[str]) -> bool:
    """Whether title, headings, path or source mention what a dotted name is a part of, such as a module."""
    place = f"{hit.title}\n{hit.heading}\n{hit.path}\n{hit.source}"
    return all(mentions(place, part) for part in parts)


def _symbol(hit: Hit) -> str:
    return hit.heading.rsplit(HEADING_SEPARATOR, 1)[-1]
