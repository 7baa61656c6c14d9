"""Whether sources, fingerprints or tables changed since the last run: sensors and `omni ingest` ask this first."""

from collections.abc import Mapping
from dataclasses import dataclass

from native.lance_tables import LanceTable
from omni_pipelines import ids
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.knowledge.state.unread_files import ListedFiles, record_unread
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.held_back import is_held_back
from omni_pipelines.records import StepRecord
from omni_pipelines.settings import Settings
from omni_pipelines.sharing.store_records import are_sources_published
from omni_pipelines.sources.registry import current_sources, load_sources, reads
from omni_pipelines.sources.session import Listings
from omni_pipelines.steps.document_plan import listing_mark
from omni_pipelines.steps.quarantine import count_unread
from omni_pipelines.steps.step import RunContext, StepGroup
from omni_pipelines.steps.step_records import amend_step_record, read_step_record, read_step_records

_MISSING = "missing"
"""The mark of a source that cannot be listed."""


@dataclass(frozen=True)
class Stale:
    """Something is to be built."""

    wanted_state: str
    """Names the state that a run would produce: the same state always has the same name."""
    reason: str


def list_sources(run: RunContext, *, remote: bool = True) -> Listings:
    """List every source that the home of a run reads. Reads no file.

    Args:
        run: with the names of the sources to read, if not all; sources on this machine are listed in any case.
        remote: whether sources on the network, and those with an interval of their own, are listed at all.
    """
    sources = filter(reads(run.home), current_sources(run.home, run.settings))
    return run.session.list_each(
        run.home,
        (
            source
            for source in sources
            if (remote and (not run.sources or source.name in run.sources))
            or not (source.is_remote or (not remote and has_interval(run.settings, source.name)))
        ),
    )


def has_interval(settings: Settings, source: str) -> bool:
    """Whether a source is read in an interval of its own, and not whenever it changes."""
    return bool(settings.sources[source].every) if source in settings.sources else False


def stale_ingest(run: RunContext, listings: Listings | None = None) -> Stale | None:
    """Whether a source, or the fingerprint of a step, differs from what the tables were built from.

    Reads no file and loads no model. A source that is missing is a difference once, until a run has recorded it.

    Args:
        run: the home, its settings, engines and steps.
        listings: what the sources contain now; default: all sources are listed. Other sources are not compared.

    Raises:
        ModelMissing: the embedder was never pulled.
    """
    home, steps = run.home, run.steps.in_group(StepGroup.INGEST)
    sources = list(filter(reads(home), current_sources(home, run.settings)))
    if listings is None:
        listings = list_sources(run)
    records = read_step_records(home)
    listed = {listing.source.name: listing_mark(listing, run.settings) for listing in listings.listed}
    listed |= dict.fromkeys(listings.missing, _MISSING)
    known = {source.name for source in [*sources, *load_sources(home)]}
    wanted = {
        **{step.fingerprint_name: step.fingerprint(run, known) for step in steps},
        **{f"source {name}": mark for name, mark in listed.items()},
    }
    first = records.get(run.steps.first.name)
    read = first.inputs | dict.fromkeys(first.missing, _MISSING) if first is not None else {}
    have = {
        **{step.fingerprint_name: _fingerprint(records.get(step.name)) for step in steps},
        **{f"source {name}": mark for name, mark in read.items() if name in listed or name not in known},
    }
    differing = sorted(name for name in wanted.keys() | have.keys() if wanted.get(name) != have.get(name))
    if (not differing and is_chained(run, records)) or not (known or read):
        return None
    state = ids.text_hash(*(f"{name}={mark}" for name, mark in sorted(wanted.items())))
    return Stale(state, f"{differing[0]} changed" if differing else "the last run did not finish")


def stale_index(run: RunContext) -> Stale | None:
    """What an index run must publish: something that no release contains. None while an ingest is half done."""
    home = run.home
    ingest, index = run.steps.in_group(StepGroup.INGEST), run.steps.in_group(StepGroup.INDEX)
    records = read_step_records(home)
    if not is_chained(run, records):
        return None
    heads = {
        step.table.name: str(LanceTable(home.table(step.table.name)).head())
        for step in ingest
        if step.after and step.table is not None
    }
    last_writers = run.steps.last_writers
    if any(
        last_writers[name] in ingest and head != records[last_writers[name].name].output
        for name, head in heads.items()
    ):
        return None
    sources = load_sources(home)
    names = [source.name for source in sources]
    fingerprints = {
        **{step.fingerprint_name: records[step.name].fingerprint for step in ingest},
        **{step.fingerprint_name: step.fingerprint(run, names) for step in index if step.fingerprint_name},
    }
    # not the heads: an index build moves them, and a run that fails after it wants the same state again
    marks = [*(records[step.name].output for step in ingest), *fingerprints.values(), _gate_mark(run)]
    release = newest_release(home)
    if release is not None:
        if is_held_back(home, release, heads):
            return None  # held back until the next change of a source
        if heads.items() <= release.tables.items() and fingerprints.items() <= release.fingerprints.items():
            if are_sources_published(home):
                return None
            described = [source.model_dump_json() for source in sources]
            return Stale(ids.text_hash(*marks, *described), "other homes do not know these sources yet")
    return Stale(ids.text_hash(*marks), "the tables are ahead of the newest release")


def _gate_mark(run: RunContext) -> str:
    """What the quality gate asks for: with other questions or limits, a state that it refused is tried again."""
    questions = run.home.golden.read_text("utf-8") if run.home.golden.exists() else ""
    limits = run.settings.model_dump_json(include={"gate_floor", "gate_cpu_ms", "gate_drop"})
    return ids.text_hash(questions, limits)


def _fingerprint(record: StepRecord | None) -> str:
    return record.fingerprint if record is not None else ""


def is_chained(run: RunContext, records: Mapping[str, StepRecord]) -> bool:
    """Whether every ingest step is done, and each read what the steps before it last produced."""
    steps = run.steps.in_group(StepGroup.INGEST)
    return all(step.name in records for step in steps) and all(
        records[step.name].inputs.get(upstream.name) == records[upstream.name].output
        for step, upstream in run.steps.links(steps)
    )


def record_unchanged(home: Home, settings: Settings, listings: Listings) -> int:
    """Record that nothing had changed when the sources were listed. Returns the number of files in quarantine.

    Raises:
        HomeBusy: another process is writing.
    """
    seen = {listing.source.name: listing.listed_at for listing in listings.listed}
    with writer_session(home, settings):  # otherwise this could overwrite the record of a run that ends now
        record = read_step_record(home, "documents")
        if record is not None:
            seen = record.seen | seen
            amend_step_record(home, record, seen=seen)
        names = {source.name for source in load_sources(home)} | seen.keys()
        listed = {each.source.name: ListedFiles(each.unread, each.has) for each in listings.listed}
        record_unread(home, listed, names)
    return count_unread(home)
