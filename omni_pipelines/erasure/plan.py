"""What is being forgotten, written down first: a redo knows what to search for when nothing of it is left to find.

The file holds names, ids and lines, as what is forgotten does. It is deleted when the certificate stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from native.durable import sync_file, write_whole
from omni_pipelines.erasure.residue import Wanted
from omni_pipelines.erasure.scope import Known, Scope
from omni_pipelines.home import Home
from omni_pipelines.records import ErasedRow, Record


class _Document(Record):
    doc_id: str
    source: str
    path: str
    uri: str


class ForgetPlan(Record):
    """What is to be forgotten, and what there was of it before anything was erased."""

    kind: Literal["source", "document"]
    name: str
    documents: tuple[_Document, ...]
    keys: tuple[str, ...]
    chunks: tuple[str, ...]
    lines: tuple[str, ...]
    phrases: tuple[str, ...]
    copies: tuple[str, ...]
    places: tuple[tuple[str, str, int], ...]
    """Name of a place, how it is searched, and what was found."""
    releases: tuple[int, ...]
    """Releases that held something of it."""
    records: tuple[ErasedRow, ...]

    @classmethod
    def of(
        cls, scope: Scope, places: dict[tuple[str, str], int], releases: Sequence[int], records: Sequence[ErasedRow]
    ) -> ForgetPlan:
        """The plan for a scope."""
        return cls(
            kind=scope.kind,
            name=scope.name,
            documents=tuple(_Document(**vars(each)) for each in scope.documents),
            keys=tuple(sorted(scope.wanted.documents)),
            chunks=tuple(sorted(scope.wanted.chunks)),
            lines=scope.wanted.lines,
            phrases=scope.phrases,
            copies=scope.copies,
            places=tuple((place, how, count) for (place, how), count in places.items()),
            releases=tuple(releases),
            records=tuple(records),
        )

    @property
    def scope(self) -> Scope:
        """What is to be forgotten."""
        return Scope(
            self.kind,
            self.name,
            tuple(Known(**each.model_dump()) for each in self.documents),
            Wanted(frozenset(self.keys), frozenset(self.chunks), self.lines),
            self.phrases,
            self.copies,
        )


def _file(home: Home, target: str) -> Path:
    return home.erasure_plans / f"{hashlib.sha256(target.encode()).hexdigest()[:32]}.json"


def read_plan(home: Home, target: str) -> ForgetPlan | None:
    """The plan that a killed call left; none where there is none, or it is torn, for then nothing was erased yet."""
    try:
        return ForgetPlan.model_validate_json(_file(home, target).read_bytes())
    except (OSError, ValidationError):
        return None


def write_plan(home: Home, target: str, plan: ForgetPlan) -> None:
    """Write it down before anything is erased."""
    home.erasure_plans.mkdir(exist_ok=True)
    sync_file(home.root)
    write_whole(_file(home, target), plan.model_dump_json().encode())


def drop_plan(home: Home, target: str) -> None:
    """It is done."""
    _file(home, target).unlink(missing_ok=True)
    if not any(home.erasure_plans.iterdir()):
        home.erasure_plans.rmdir()
    sync_file(home.root)
