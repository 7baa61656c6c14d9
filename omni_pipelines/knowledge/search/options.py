"""What a search may ask for: its mode, its fusion, its filters, and the limits of a query."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from numbers import Integral, Real
from typing import Self

from native.filters import MAX_FOLDER_LENGTH, MODIFIED, day_range, folder_prefix
from omni_pipelines.errors import ConfigurationError, nearest
from omni_pipelines.schemas import NARROWED

MAX_QUERY_LENGTH = 1_000
MAX_HITS = 1_000


class _Choice(StrEnum):
    @classmethod
    def parse(cls, name: str) -> Self:
        """The choice with this name; a ConfigurationError if there is none."""
        if name not in list(cls):
            kind = cls.__name__.lower()
            raise ConfigurationError(f"{kind} {name!r} is unknown", cure=f"{kind}s: {', '.join(cls)}")
        return cls(name)


class Mode(_Choice):
    """Which index a search uses: both, the keyword index, or the vectors."""

    HYBRID = "hybrid"
    KEYWORD = "keyword"
    VECTOR = "vector"


class Fusion(_Choice):
    """How a hybrid search merges the keyword list and the vector list; see `fusion`."""

    EVIDENCE = "evidence"
    RRF = "rrf"


@dataclass(frozen=True)
class SearchOptions:
    """How to search: which index, which filters, and what is done with the results."""

    mode: Mode = Mode.HYBRID
    where: Mapping[str, str] = field(default_factory=dict)
    """Field to the value it must have."""
    fusion: Fusion = Fusion.EVIDENCE
    feedback: bool = False
    """Search the vectors a second time, with the query moved towards the best hits of the first search."""
    fold_near: bool = False
    """Fold near duplicates into the best of them, and not only exact duplicates."""


def check_query(query: str, k: int, where: Mapping[str, str]) -> None:
    """Check the parts of a search that users type.

    Raises:
        ConfigurationError: the query is empty or too long, `k` is out of range, or a filter is not valid; or one of
            them has a wrong type, as untyped callers may pass anything.
    """
    check_text("the query", query)
    check_whole("k", k)
    if not isinstance(where, Mapping):
        cure = 'write where={"language": "python"}'
        raise ConfigurationError(f"where is {where!r}, not a mapping of fields to values", cure=cure)
    if not query.strip():
        raise ConfigurationError("the query is empty", cure="say what to look for")
    if len(query) > MAX_QUERY_LENGTH:
        problem = f"the query has {len(query):,} characters, {MAX_QUERY_LENGTH:,} are allowed"
        raise ConfigurationError(problem, cure="use fewer words")
    if not 1 <= k <= MAX_HITS:
        raise ConfigurationError(f"k is {k}, but must be from 1 to {MAX_HITS}")
    for name, value in where.items():
        _check_filter(name, value)


def check_text(name: str, value: object) -> None:
    """Check that a value from an untyped caller is a text.

    Raises:
        ConfigurationError: it is not.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} is {value!r}, not a text", cure="give a text")


def check_whole(name: str, value: object) -> None:
    """Check that a value from an untyped caller is a whole number.

    Raises:
        ConfigurationError: it is not.
    """
    if not isinstance(value, Integral):
        raise ConfigurationError(f"{name} is {value!r}, not a whole number", cure="give a whole number")


def check_score(score: float) -> None:
    """Check the lowest score that a hit may have.

    Raises:
        ConfigurationError: it is not a number from 0 to 1.
    """
    if not isinstance(score, Real) or not 0 <= score <= 1:
        raise ConfigurationError(f"the lowest score is {score!r}, but must be from 0 to 1")


def _check_filter(name: str, value: str) -> None:
    check_text("the name of a filter", name)
    check_text(f"the filter {name}", value)
    if len(folder_prefix(value) or "") > MAX_FOLDER_LENGTH:
        problem = f"the folder to search has more than {MAX_FOLDER_LENGTH} characters"
        raise ConfigurationError(problem, cure="name one further up")
    if name not in NARROWED:
        cure = nearest(name, NARROWED, f"filters: {', '.join(NARROWED)}")
        raise ConfigurationError(f"cannot filter by {name!r}", cure=cure)
    if name == MODIFIED:
        try:
            day_range(value)
        except ValueError as error:
            cure = "write modified=2026-01-01..2026-03-31, or one day"
            raise ConfigurationError(f"cannot filter by the days {value!r}: {error}", cure=cure) from error
