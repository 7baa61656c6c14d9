"""Forgetting a source or a document: out of the heads, out of every version, index and record, with a certificate.

Deleting a row hides it; its bytes stay in the files of that version and of all before it. So files with deleted rows
are written anew, the indexes are built from the rows that are left, a release without them is published, and releases
whose files still hold something are dropped. Then everything is searched, and only a search that finds nothing is
certified. What is to be forgotten is written down first, so that a redo after a kill goes on wherever it stopped.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from native import lance_vectors
from native.durable import write_whole
from native.lance_tables import is_in
from omni_pipelines import progress
from omni_pipelines.erasure.journal import clear_journal
from omni_pipelines.erasure.plan import ForgetPlan, drop_plan, read_plan, write_plan
from omni_pipelines.erasure.residue import entries_everywhere, grep, releases_with, rows_everywhere
from omni_pipelines.erasure.run_history import Telltale, black_out
from omni_pipelines.erasure.scope import Scope, find_scope
from omni_pipelines.errors import NotForgotten
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.pins import list_pins
from omni_pipelines.knowledge.state.releases import list_releases
from omni_pipelines.pipeline.run import Engines
from omni_pipelines.publishing.publish import drop_all_but, publish
from omni_pipelines.records import Certificate, Erased, Place, seal_of, sealed
from omni_pipelines.schemas import CHUNKS, DOCUMENTS, EMBEDDINGS, QUARANTINE, TABLES
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.pinning import unpin
from omni_pipelines.sources.membership import read_membership
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.sources.source import Source, forgotten_marks
from omni_pipelines.steps.chunks import reconcile_chunks
from omni_pipelines.steps.embeddings import reconcile_embeddings
from omni_pipelines.steps.indexes import build_keyword_index, build_vector_index
from omni_pipelines.steps.step_records import read_step_record, write_step_record
from omni_pipelines.tables import open_table
from omni_pipelines.text.readers.registry import fingerprint

_BATCH = 1000
_NOT_SEARCHED = [
    "the files themselves: this forgets what was made of them",
    "bundles that were exported to other places, and backups",
    "Dagster storages outside of the home",
    "blocks that the disk has freed and not yet overwritten",
]

_NOT_SEARCHED_OF_STORE = [
    "other homes of the same store: each drops it when it catches up the next time",
    "objects in the store that no release ever named: they are deleted after a day",
    "older versions of objects, where the bucket keeps them",
]


@dataclass(frozen=True)
class Traces:
    """What is there of something, place by place."""

    scope: Scope
    places: dict[tuple[str, str], int]
    """Name of a place and how it is searched, to what was found."""
    releases: tuple[int, ...]
    """Releases that hold something of it."""


def look(home: Home, target: str) -> Traces:
    """Search for a source or a document, and change nothing.

    Raises:
        ConfigurationError: nothing is called so, or several documents are.
    """
    return _search(home, find_scope(home, target))


def _search(home: Home, scope: Scope) -> Traces:
    found: dict[tuple[str, str], int] = {}
    for name in TABLES:
        found[f"table {name}", "rows of every version, deleted ones too"] = rows_everywhere(home, name, scope.wanted)
    found["keyword index", "entries of every generation"] = entries_everywhere(home, scope.wanted)
    releases = releases_with(home, list_releases(home), scope.wanted)
    found["releases", "records whose files hold it"] = len(releases)
    found["quarantine folder", "files set aside by recovery, which cannot be searched"] = len(_set_aside(home))
    telltale = Telltale(scope.phrases)
    found["run history and logs", "values and lines that name or quote it"] = black_out(home, telltale, write=False)
    journal = clear_journal(home, scope.wanted, telltale, write=False)
    found["journal of questions", "questions, answers and measures that quote or cite it"] = journal
    found["registry of sources", "a source of that name, or its place"] = len(_registered(home, scope))
    found["all files", "bytes with an id or a line of it"] = len(grep(home, scope.wanted.needles).found)
    return Traces(scope, found, tuple(releases))


def forget(home: Home, settings: Settings, engines: Engines, target: str, run_id: str) -> tuple[Certificate, Path]:
    """Forget a source or a document; the certificate, and its file. Hold the writer's lock.

    An ingest does not bring it back: a source has to be named again, and so has a document's own file.

    Raises:
        ConfigurationError: nothing is called so, or several documents are.
        NotForgotten: something of it was found afterwards. The next call goes on.
    """
    plan = read_plan(home, target) or _plan(home, target)
    scope = plan.scope
    _unregister(home, scope)
    _erase(home, scope)
    _rest_of_line(home, settings, engines)
    room = settings.keep_releases + len(plan.releases)  # those that are dropped crowd out no clean one
    release = publish(home, settings.model_copy(update={"keep_releases": room}), run_id).release
    dropped = _drop_releases(home, settings, release.release, scope)
    for path in _set_aside(home):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    black_out(home, Telltale(scope.phrases), write=True)
    clear_journal(home, scope.wanted, Telltale(scope.phrases), write=True)
    after = _search(home, scope)
    _check(after)
    certificate = _certificate(home, plan, after, release.release, dropped)
    path = _write(home, certificate)
    drop_plan(home, target)
    return certificate, path


def _plan(home: Home, target: str) -> ForgetPlan:
    progress.report("searching", 0, 0, "places")
    before = look(home, target)
    plan = ForgetPlan.of(before.scope, before.places, before.releases, list(_records(home, before.scope)))
    write_plan(home, target, plan)
    return plan


def _certificate(home: Home, plan: ForgetPlan, after: Traces, release: int, dropped: Sequence[int]) -> Certificate:
    searched = grep(home, after.scope.wanted.needles)
    return Certificate(
        kind=plan.kind,
        named_sha256=_sha256(plan.name.encode()),
        at=datetime.now(UTC),
        release=release,
        dropped_releases=sorted({*plan.releases, *dropped}),
        places=[Place(place=p, how=how, before=n, after=after.places[p, how]) for p, how, n in plan.places],
        records=list(plan.records),
        files_searched=searched.files,
        bytes_searched=searched.size,
        copies_left=len(plan.copies),
        not_searched=[*_NOT_SEARCHED, *(_NOT_SEARCHED_OF_STORE if read_membership(home) is not None else [])],
    )


def _records(home: Home, scope: Scope) -> Iterator[Erased]:
    for name, key, keys in _rows_to_erase(scope):
        definition = TABLES[name]
        columns = [column for column in definition.schema.names if column != "vector"]
        for at in range(0, len(keys), _BATCH):
            for row in open_table(home, definition).read(columns, is_in(key, keys[at : at + _BATCH])).to_pylist():
                whole = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
                yield Erased(
                    table=name, id_sha256=_sha256(str(row[definition.key]).encode()), row_sha256=_sha256(whole)
                )


def _rows_to_erase(scope: Scope) -> list[tuple[str, str, list[str]]]:
    documents, chunks = sorted(scope.wanted.documents), sorted(scope.wanted.chunks)
    return [
        (DOCUMENTS.name, "doc_id", documents),
        (QUARANTINE.name, "quarantine_id", documents),
        (CHUNKS.name, "doc_id", documents),
        (EMBEDDINGS.name, "chunk_id", chunks),
    ]


def _registered(home: Home, scope: Scope) -> list[Source]:
    """Sources that would bring it back."""
    sources = load_sources(home)
    if scope.kind == "source":
        return [source for source in sources if source.name == scope.name]
    return [source for source in sources if source.file and source.uri(source.file) == scope.name]


def _unregister(home: Home, scope: Scope) -> None:
    gone = _registered(home, scope)
    kept = [source for source in load_sources(home) if source not in gone]
    if scope.kind == "document":
        kept = [_marked(source, scope) for source in kept]
    save_sources(home, kept)


def _marked(source: Source, scope: Scope) -> Source:
    marks = {
        mark for row in scope.documents if row.source == source.name for mark in forgotten_marks(source, row.path)
    }
    return source.model_copy(update={"forgotten": tuple(sorted({*source.forgotten, *marks}))})


def _erase(home: Home, scope: Scope) -> None:
    lance_vectors.drop_if_built(open_table(home, EMBEDDINGS))  # it holds the vectors of deleted rows, too
    for number, (name, key, keys) in enumerate(_rows_to_erase(scope)):
        progress.report("erasing rows", number, len(TABLES), "tables")
        each = open_table(home, TABLES[name])
        for at in range(0, len(keys), _BATCH):
            each.delete(is_in(key, keys[at : at + _BATCH]))
        each.erase_deleted()
    progress.report("erasing rows", len(TABLES), len(TABLES), "tables")


def _rest_of_line(home: Home, settings: Settings, engines: Engines) -> None:
    """From the documents that are left to indexes without a trace: the keyword index is built from the rows alone."""
    before = read_step_record(home, "documents")
    names = {source.name for source in load_sources(home)}
    head = str(open_table(home, DOCUMENTS).head())
    seen = {name: at for name, at in before.seen.items() if name in names} if before else {}
    write_step_record(
        home, "documents", head, dict.fromkeys(names, ""), before.fingerprint if before else fingerprint(), seen
    )
    (home.step_records / "keyword_index.json").unlink(missing_ok=True)
    reconcile_chunks(home, settings, engines.count)
    reconcile_embeddings(home, engines.embedder, engines.model)
    build_keyword_index(home)
    build_vector_index(home)


def _drop_releases(home: Home, settings: Settings, newest: int, scope: Scope) -> list[int]:
    """Drop the older releases in whose files something lies; the versions that only they name go with them."""
    older = [release for release in list_releases(home) if release.release != newest]
    dropped = releases_with(home, older, scope.wanted)
    for number in set(list_pins(home)) & set(dropped):
        unpin(home, settings, number)
    drop_all_but(home, settings, {newest, *(release.release for release in older if release.release not in dropped)})
    return dropped


def _set_aside(home: Home) -> list[Path]:
    """What recovery moved away; its notes name tables and versions only."""
    return [path for path in home.quarantine.glob("*") if not path.name.endswith(".note.json")]


def _check(after: Traces) -> None:
    left = [f"{place}: {count}" for (place, _), count in after.places.items() if count]
    if left:
        raise NotForgotten(
            f"something of it is still there: {', '.join(left)}",
            cure="stop `omni dev` and run the same command again",
        )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(home: Home, certificate: Certificate) -> Path:
    home.certificates.mkdir(exist_ok=True)
    path = home.certificates / f"{certificate.at:%Y%m%dT%H%M%S%f}.json"
    write_whole(path, sealed(certificate))
    return path


def certified(certificate: Certificate) -> dict[str, Any]:
    """The document that is written: the certificate, and the sha256 of it as JSON with sorted keys and no spaces."""
    body = certificate.model_dump(mode="json")
    return {"body": body, "sha256": seal_of(body)}
