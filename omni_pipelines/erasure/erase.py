"""Erases a source or a document from the heads, from every version, index and record, with a certificate.

Deleting a row only hides it: its bytes stay in the files of that version and of all earlier ones. So files with
deleted rows are rewritten, the indexes are built from the remaining rows, a release without them is published, and
releases whose files still contain something are deleted. Then everything is searched, and only a search that finds
nothing is certified. The plan is written first, so that a call after a kill continues where the first one stopped.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

from native import lance_maintenance, lance_vectors
from native.filters import is_in
from omni_pipelines import progress
from omni_pipelines.audit_log import audit_log
from omni_pipelines.batches import batched
from omni_pipelines.erasure.certificates import hash_of, hashed_names, write_certificate
from omni_pipelines.erasure.journal import clear_journal
from omni_pipelines.erasure.plan import ErasurePlan, drop_plan, read_plan, write_plan
from omni_pipelines.erasure.residue import entries_everywhere, id_column, releases_with, rows_everywhere, search_bytes
from omni_pipelines.erasure.run_history import PhraseMatcher, Redact, no_other_history, redact_history
from omni_pipelines.erasure.scope import Scope, find_scope
from omni_pipelines.erasure.sessions import clear_sessions
from omni_pipelines.errors import NotForgotten
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.pins import list_pins
from omni_pipelines.knowledge.state.releases import list_releases
from omni_pipelines.knowledge.state.unread_files import forget_unread
from omni_pipelines.publishing.publish import drop_all_but, publish
from omni_pipelines.records import Certificate, ErasedRow, SearchedPlace
from omni_pipelines.schemas import DOCUMENTS, EMBEDDINGS, QUARANTINE, Table
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.holds import HeldRelease
from omni_pipelines.sharing.joining import member_of
from omni_pipelines.sharing.pinning import unpin
from omni_pipelines.sources.model.source import Source, forgotten_marks
from omni_pipelines.sources.registry import load_sources, save_sources
from omni_pipelines.sources.store_membership import read_membership
from omni_pipelines.steps.step import RunContext
from omni_pipelines.steps.step_records import read_step_record, remove_step_record, write_step_record
from omni_pipelines.tables import open_table

_BATCH = 1000
_NOT_SEARCHED = [
    "the source files themselves: only what was made of them is erased",
    "exported bundles and backups",
    "the write-ahead log of a PostgreSQL server, and logs that Dagster keeps elsewhere",
    "disk blocks that were freed and not yet overwritten",
]

_NOT_SEARCHED_OF_STORE = [
    "other homes of the same store: each erases it when it next pulls",
    "objects in the store that no release names: they are deleted after a day",
    "older versions of objects, if the bucket keeps them",
]


@dataclass(frozen=True)
class Traces:
    """What was found of a source or a document, place by place."""

    scope: Scope
    places: dict[tuple[str, str], int]
    """Name of a place and how it is searched, to the number of findings."""
    releases: tuple[int, ...]
    """Releases that contain some of it."""
    files: tuple[str, ...]
    """Files whose bytes contain some of it, relative to the home."""


def find_traces(run: RunContext, target: str, outside: Redact = no_other_history) -> Traces:
    """Search for a source or a document, and change nothing. `outside`: as for `erase`.

    Raises:
        ConfigurationError: no source or document has this name, or several documents have.
    """
    return _search(run, find_scope(run.home, target), outside)


def _tables(run: RunContext) -> tuple[Table, ...]:
    return (*run.steps.tables, QUARANTINE)


def _search(run: RunContext, scope: Scope, outside: Redact) -> Traces:
    home = run.home
    found: dict[tuple[str, str], int] = {}
    for table in _tables(run):
        rows = rows_everywhere(home, table.name, scope.wanted)
        found[f"table {table.name}", "rows of every version, deleted ones too"] = rows
    found["keyword index", "entries of every generation"] = entries_everywhere(home, scope.wanted)
    releases = releases_with(home, list_releases(home), scope.wanted)
    found["releases", "records whose files contain it"] = len(releases)
    found["quarantine folder", "files moved aside by recovery, which cannot be searched"] = len(_moved_aside(home))
    phrases = PhraseMatcher(scope.phrases)
    history = redact_history(home, phrases, write=False) + outside(phrases, False)
    found["run history and logs", "values and lines that name or quote it"] = history
    journal = clear_journal(home, scope.wanted, phrases, write=False)
    found["journal of questions", "questions, answers and measures that quote or cite it"] = journal
    sessions = clear_sessions(home, scope.wanted, write=False)
    found["sessions of the agent", "tasks whose records name or quote it"] = sessions
    audit = audit_log(home).erase(_quotes(scope, phrases), write=False)
    found["audit log", "calls whose arguments name or quote it"] = audit
    unread = forget_unread(home, scope.wanted.documents, write=False)
    found["list of unread files", "files with its name"] = unread
    found["registry of sources", "a source with that name or location"] = len(_registered(home, scope))
    files = search_bytes(home, scope.wanted.needles).found
    found["all files", "files whose bytes contain an id or a line of it"] = len(files)
    return Traces(scope, found, tuple(releases), files)


def _quotes(scope: Scope, phrases: PhraseMatcher) -> Callable[[str], bool]:
    """Whether a text of the audit log names or quotes what is erased."""
    lines = [needle.decode("utf-8", "surrogatepass") for needle in scope.wanted.needles]
    return lambda text: phrases.matches(text) or any(line in text for line in lines)


def erase(run: RunContext, target: str, outside: Redact = no_other_history) -> tuple[Certificate, Path]:
    """Erase a source or a document. The certificate, and its file. Hold the writer lock.

    An ingest does not bring it back: a person must name the source, or the document's own file, again.
    `outside` redacts the run history that is not in the home.

    Raises:
        ConfigurationError: no source or document has this name, or several documents have.
        NotForgotten: something of it was found afterwards. The next call continues.
    """
    home = run.home
    plan = read_plan(home, target) or _plan(run, target, outside)
    scope = plan.scope
    _unregister(home, scope)
    forget_unread(home, scope.wanted.documents, write=True)
    _erase_rows(run, scope)
    _rebuild(run)
    kept = run.settings.keep_releases + len(plan.releases)  # the releases to be deleted must not replace clean ones
    context = replace(run, settings=run.settings.model_copy(update={"keep_releases": kept}))
    release = publish(
        context, ends_rollback=True, is_erasure=True
    ).release  # the release that it shows may contain what is erased
    dropped = _drop_releases(home, run.settings, release.release, scope)
    for path in _moved_aside(home):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    phrases = PhraseMatcher(scope.phrases)
    redact_history(home, phrases, write=True)
    outside(phrases, True)
    clear_journal(home, scope.wanted, phrases, write=True)
    clear_sessions(home, scope.wanted, write=True)
    audit_log(home).erase(_quotes(scope, phrases), write=True)
    after = _search(run, scope, outside)
    _check(after, _holds(home, run.settings, dropped))
    certificate = _certificate(home, plan, hashed_names(scope, target), after, release.release, dropped)
    path = write_certificate(home, certificate)
    drop_plan(home, target)
    return certificate, path


def _plan(run: RunContext, target: str, outside: Redact) -> ErasurePlan:
    progress.report("searching", 0, 0, "places")
    before = find_traces(run, target, outside)
    plan = ErasurePlan.of(before.scope, before.places, before.releases, list(_records(run, before.scope)))
    write_plan(run.home, target, plan)
    return plan


def _certificate(
    home: Home, plan: ErasurePlan, names: list[str], after: Traces, release: int, dropped: Sequence[int]
) -> Certificate:
    searched = search_bytes(home, after.scope.wanted.needles)
    return Certificate(
        kind=plan.kind,
        named_sha256=hash_of(plan.name),
        names_sha256=names,
        at=datetime.now(UTC),
        release=release,
        dropped_releases=sorted({*plan.releases, *dropped}),
        places=[
            SearchedPlace(place=p, how=method, before=n, after=after.places[p, method])
            for p, method, n in plan.places
        ],
        records=list(plan.records),
        files_searched=searched.files,
        bytes_searched=searched.size,
        copies_left=len(plan.copies),
        not_searched=[*_NOT_SEARCHED, *(_NOT_SEARCHED_OF_STORE if read_membership(home) is not None else [])],
    )


def _records(run: RunContext, scope: Scope) -> Iterator[ErasedRow]:
    for table, column, keys in _rows_to_erase(run, scope):
        columns = [name for name in table.schema.names if name != "vector"]
        for batch in batched(keys, _BATCH):
            for row in open_table(run.home, table).read(columns, is_in(column, batch)).to_pylist():
                whole = orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode()
                yield ErasedRow(table=table.name, id_sha256=hash_of(str(row[table.key])), row_sha256=hash_of(whole))


def _rows_to_erase(run: RunContext, scope: Scope) -> Iterator[tuple[Table, str, list[str]]]:
    """Each table, its id column, and the ids whose rows are to be erased."""
    for table in _tables(run):
        column = id_column(table.schema.names)
        yield table, column, sorted(scope.wanted.ids(column))


def _registered(home: Home, scope: Scope) -> list[Source]:
    """Registered sources that would bring it back."""
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


def _erase_rows(run: RunContext, scope: Scope) -> None:
    lance_vectors.drop(open_table(run.home, EMBEDDINGS))  # it contains the vectors of deleted rows too
    total = len(_tables(run))
    for number, (definition, column, keys) in enumerate(_rows_to_erase(run, scope)):
        progress.report("erasing rows", number, total, "tables")
        table = open_table(run.home, definition)
        for batch in batched(keys, _BATCH):
            table.delete(is_in(column, batch))
        lance_maintenance.erase_deleted(table)
    progress.report("erasing rows", total, total, "tables")


def _rebuild(run: RunContext) -> None:
    """Run all steps after the first over the documents that are left. The keyword index is built from the rows alone.

    The record of the first step then says that no source was read, so that the next ingest lists them all.
    """
    home, first, *following = run.home, *run.steps
    before = read_step_record(home, first.name)
    names = {source.name for source in load_sources(home)}
    head = str(open_table(home, DOCUMENTS).head())
    seen = {name: moment for name, moment in before.seen.items() if name in names} if before else {}
    fingerprint = before.fingerprint if before else first.fingerprint(run, names)
    write_step_record(home, first.name, head, dict.fromkeys(names, ""), fingerprint, seen)
    remove_step_record(home, "keyword_index")
    for step in following:
        step.run(run)


def _drop_releases(home: Home, settings: Settings, newest: int, scope: Scope) -> list[int]:
    """Delete the older releases whose files contain some of it, and the versions that only they name."""
    older = [release for release in list_releases(home) if release.release != newest]
    dropped = releases_with(home, older, scope.wanted)
    for number in set(list_pins(home)) & set(dropped):
        unpin(home, settings, number)
    drop_all_but(home, settings, {newest, *(release.release for release in older if release.release not in dropped)})
    return dropped


def _moved_aside(home: Home) -> list[Path]:
    """What recovery moved aside. Its notes are kept: they name tables and versions only."""
    return [path for path in home.quarantine.glob("*") if not path.name.endswith(".note.json")]


def _holds(home: Home, settings: Settings, dropped: Sequence[int]) -> list[HeldRelease]:
    """What keeps releases in the shared store that were to be dropped."""
    member = member_of(home, settings)
    return [each for each in member.bucket.holds() if each.release in dropped] if member is not None else []


def _check(after: Traces, holds: Sequence[HeldRelease]) -> None:
    remaining = [f"{place}: {count}" for (place, _), count in after.places.items() if count]
    if remaining and holds:
        last = max(holds, key=lambda each: each.ends)
        raise NotForgotten(
            f"not everything was erased: {last}",
            cure=f"run the same command again when that home has finished, or after {last.ends:%H:%M} UTC",
        )
    if remaining:
        named = f", such as {after.files[0]}" if after.files else ""
        raise NotForgotten(
            f"not everything was erased: {', '.join(remaining)}{named}",
            cure="stop omni dev, then run the same command again",
        )
