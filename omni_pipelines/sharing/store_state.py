"""What a shared store contains, as `omni store status` shows it."""

from dataclasses import dataclass

from omni_pipelines.sharing.bucket import Bucket
from omni_pipelines.sharing.store_records import StoredRelease
from omni_pipelines.sources.store_membership import read_membership
from omni_pipelines.steps.step import RunContext


@dataclass(frozen=True)
class StoreState:
    """A store, compared with one home."""

    url: str
    releases: list[int]
    """Numbers of the kept releases, ascending."""
    pinned: list[int]
    objects: int
    bytes: int
    here: int
    """The release of this home; 0 before it joins the store."""
    differing: dict[str, str]
    """Name to fingerprint of the newest release, where the settings of this home give another fingerprint."""


def read_store_state(run: RunContext) -> StoreState:
    """Read what the store in the settings contains. Nothing is written.

    Raises:
        EngineError: the store cannot be reached.
        ModelMissing: the embedder was never pulled.
    """
    bucket = Bucket.open(run.settings.store)
    membership = read_membership(run.home)
    numbers = bucket.numbers()
    sizes = [stored.size for folder in ("releases", "tables", "blobs") for stored in bucket.objects.list(folder)]
    newest = bucket.read(numbers[-1]) if numbers else None
    return StoreState(
        url=bucket.url,
        releases=numbers,
        pinned=sorted(bucket.pinned()),
        objects=len(sizes),
        bytes=sum(sizes),
        here=membership.release if membership is not None else 0,
        differing=_differing(run, newest) if newest is not None else {},
    )


def _differing(run: RunContext, record: StoredRelease) -> dict[str, str]:
    names = [source.name for source in record.sources]
    here = {step.fingerprint_name: step.fingerprint(run, names) for step in run.steps if step.fingerprint_name}
    published = record.release.fingerprints
    return {name: published[name] for name in here if published.get(name, here[name]) != here[name]}
