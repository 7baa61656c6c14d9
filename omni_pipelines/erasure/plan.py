"""The plan of an erasure, written before anything is erased, so that a repeated call knows what to search for.

The file contains names, ids and lines of what is erased. It is deleted once the certificate is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from native.durable import sync_file, write_whole
from omni_pipelines.erasure.residue import Wanted
from omni_pipelines.erasure.scope import Scope
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.citation_names import DocumentName
from omni_pipelines.records import ErasedRow, Record, opened, sealed


class _Document(Record):
    doc_id: str
    source: str
    path: str
    uri: str


class ErasurePlan(Record):
    """What is to be erased, and what was found of it before anything was erased."""

    kind: Literal["source", "document"]
    name: str
    documents: tuple[_Document, ...]
    keys: tuple[str, ...]
    chunks: tuple[str, ...]
    lines: tuple[str, ...]
    phrases: tuple[str, ...]
    copies: tuple[str, ...]
    places: tuple[tuple[str, str, int], ...]
    """Name of a place, how it is searched, and the number of findings."""
    releases: tuple[int, ...]
    """Releases that contained some of it."""
    records: tuple[ErasedRow, ...]

    @classmethod
    def of(
        cls, scope: Scope, places: dict[tuple[str, str], int], releases: Sequence[int], records: Sequence[ErasedRow]
    ) -> ErasurePlan:
        """The plan of a scope."""
        return cls(
            kind=scope.kind,
            name=scope.name,
            documents=tuple(_Document(**document._asdict()) for document in scope.documents),
            keys=tuple(sorted(scope.wanted.documents)),
            chunks=tuple(sorted(scope.wanted.chunks)),
            lines=scope.wanted.lines,
            phrases=scope.phrases,
            copies=scope.copies,
            places=tuple((place, method, count) for (place, method), count in places.items()),
            releases=tuple(releases),
            records=tuple(records),
        )

    @property
    def scope(self) -> Scope:
        """What is to be erased."""
        return Scope(
            self.kind,
            self.name,
            tuple(DocumentName(**document.model_dump()) for document in self.documents),
            Wanted(frozenset(self.keys), frozenset(self.chunks), self.lines),
            self.phrases,
            self.copies,
        )


def _file(home: Home, target: str) -> Path:
    return home.erasure_plans / f"{hashlib.sha256(target.encode()).hexdigest()[:32]}.json"


def read_plan(home: Home, target: str) -> ErasurePlan | None:
    """The plan that a killed call left; None if there is none, or it is damaged: then nothing was erased yet."""
    try:
        return opened(_file(home, target).read_bytes(), ErasurePlan)
    except (OSError, ValueError):
        return None


def write_plan(home: Home, target: str, plan: ErasurePlan) -> None:
    """Write the plan, before anything is erased."""
    home.erasure_plans.mkdir(exist_ok=True)
    sync_file(home.root)
    write_whole(_file(home, target), sealed(plan))


def drop_plan(home: Home, target: str) -> None:
    """Delete the plan: the erasure is complete."""
    _file(home, target).unlink(missing_ok=True)
    if not any(home.erasure_plans.iterdir()):
        home.erasure_plans.rmdir()
    sync_file(home.root)
