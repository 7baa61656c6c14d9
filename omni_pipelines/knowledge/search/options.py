"""What a search may ask for: its mode, its fusion, its filters, and the limits of a query."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
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
        ConfigurationError: the query is empty or too long, `k` is out of range, or a filter is not valid.
    """
    if not query.strip():
        raise ConfigurationError("the query is empty", cure="say what to look for")
    if len(query) > MAX_QUERY_LENGTH:
        problem = f"the query has {len(query):,} characters, {MAX_QUERY_LENGTH:,} are allowed"
        raise ConfigurationError(problem, cure="use fewer words")
    if not 1 <= k <= MAX_HITS:
        raise ConfigurationError(f"k is {k}, but must be from 1 to {MAX_HITS}")
    for name, value in where.items():
        _check_filter(name, value)


def _check_filter(name: str, value: str) -> None:
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
