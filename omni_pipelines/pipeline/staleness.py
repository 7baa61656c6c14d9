"""What should be built and is not: the one comparison behind the sensors and behind "nothing to do"."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from native.lance_tables import LanceTable
from native.tantivy_analysis import ANALYZER
from omni_pipelines import ids
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.records import StepRecord
from omni_pipelines.schemas import QUARANTINE
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.published_sources import is_published
from omni_pipelines.sources.listing_cache import list_current
from omni_pipelines.sources.registry import current_sources, load_sources, reads
from omni_pipelines.sources.source import Listing
from omni_pipelines.steps.documents import listing_mark
from omni_pipelines.steps.fingerprints import fingerprints
from omni_pipelines.steps.step_records import read_step_record, write_step_record
from omni_pipelines.tables import open_table


@dataclass(frozen=True)
class Stale:
    """Something is to be built."""

    want: str
    """Names the state that is wanted: the same state has the same name."""
    reason: str


def list_sources(
    home: Home, settings: Settings, names: Collection[str] = (), *, remote: bool = True
) -> list[Listing]:
    """What stands now in every source that this home reads. Reads no file.

    Args:
        home: of the sources.
        settings: with those that omni.toml declares.
        names: of those on the network, only these are looked at; all, if none is named.
        remote: whether the network is used at all.

    Raises:
        SourceMissing: a source cannot be listed.
    """
    return [
        list_current(home, source)
        for source in filter(reads(home), current_sources(home, settings))
        if not source.is_remote or (remote and (not names or source.name in names))
    ]


def stale_ingest(home: Home, settings: Settings, listings: Sequence[Listing] | None = None) -> Stale | None:
    """Whether a source, a reader, the chunker or the embedder differs from what the tables were built from.

    Compares `listings`, and looks at all sources where there are none; reads no file and loads no model. Where they
    leave sources out, nothing is said about those.

    Raises:
        SourceMissing: a source cannot be listed.
        ModelMissing: the embedder was never pulled.
    """
    sources = list(filter(reads(home), current_sources(home, settings)))
    if listings is None:
        listings = list_sources(home, settings)
    documents, chunks, embeddings = (read_step_record(home, step) for step in ("documents", "chunks", "embeddings"))
    listed = {listing.source.name: listing_mark(listing, settings) for listing in listings}
    known = {source.name for source in [*sources, *load_sources(home)]}
    unseen = known - listed.keys()
    wanted = {
        **fingerprints(settings, known),
        **{f"source {name}": mark for name, mark in listed.items()},
    }
    have = {
        "readers": documents.fingerprint if documents else "",
        "chunker": chunks.fingerprint if chunks else "",
        "embedder": embeddings.fingerprint if embeddings else "",
        **{f"source {name}": mark for name, mark in _inputs(documents).items() if name not in unseen},
    }
    differs = sorted(name for name in wanted.keys() | have.keys() if wanted.get(name) != have.get(name))
    if not differs and _chained(documents, chunks, embeddings):
        return None
    want = ids.text_hash(*(f"{name}={mark}" for name, mark in sorted(wanted.items())))
    return (
        Stale(want, f"{differs[0]} changed" if differs else "the last run did not finish")
        if known or _inputs(documents)
        else None
    )


def _inputs(documents: StepRecord | None) -> dict[str, str]:
    return documents.inputs if documents is not None else {}


def record_unchanged(home: Home, settings: Settings, listings: Sequence[Listing]) -> tuple[int, int]:
    """Record that nothing had changed when the sources were listed. Files in quarantine, files skipped.

    Raises:
        HomeBusy: another process is writing.
    """
    seen = {listing.source.name: listing.at for listing in listings}
    with writer_session(home, settings):  # or the record of a run that ends just now would be overwritten
        documents = read_step_record(home, "documents")
        if documents is not None:
            seen = documents.seen | seen
            write_step_record(home, "documents", documents.output, documents.inputs, documents.fingerprint, seen)
    return open_table(home, QUARANTINE).count(), sum(listing.skipped for listing in listings)


def _chained(documents: StepRecord | None, chunks: StepRecord | None, embeddings: StepRecord | None) -> bool:
    return (
        documents is not None
        and chunks is not None
        and embeddings is not None
        and chunks.inputs["documents"] == documents.output
        and embeddings.inputs["chunks"] == chunks.output
    )


def stale_index(home: Home) -> Stale | None:
    """Whether the tables hold something that no release shows yet. None while an ingest is half done."""
    chunks, embeddings = read_step_record(home, "chunks"), read_step_record(home, "embeddings")
    if not _chained(read_step_record(home, "documents"), chunks, embeddings) or chunks is None or embeddings is None:
        return None
    heads = {name: str(LanceTable(home.table(name)).head()) for name in ("chunks", "embeddings")}
    if heads["chunks"] != chunks.output:
        return None
    marks = {"chunker": chunks.fingerprint, "embedder": embeddings.fingerprint, "keyword": ANALYZER}
    release = newest_release(home)
    if release is not None:
        if release.rollback is not None and heads.items() <= release.rollback.heads.items():
            return None  # held back: it comes with the next change of a source
        shown = {name: release.tables[name] for name in heads}
        if shown == heads and marks.items() <= release.fingerprints.items():
            if is_published(home):
                return None
            marks |= {source.name: source.model_dump_json() for source in load_sources(home)}
            return Stale(ids.text_hash(*heads.values(), *marks.values()), "other homes do not know these sources yet")
    return Stale(ids.text_hash(*heads.values(), *marks.values()), "the tables are ahead of the newest release")
