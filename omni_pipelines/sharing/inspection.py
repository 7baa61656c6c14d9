"""What a store holds, for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from native.object_store import ObjectStore
from omni_pipelines.sharing.bucket import Bucket
from omni_pipelines.sharing.records import StoredRelease
from omni_pipelines.sources.membership import read_membership
from omni_pipelines.steps.step import RunContext


@dataclass(frozen=True)
class StoreState:
    """A store, and a home beside it."""

    url: str
    releases: list[int]
    """Numbers of the kept ones, rising."""
    pinned: list[int]
    objects: int
    bytes: int
    here: int
    """The release of the home; 0 before it joins."""
    differing: dict[str, str]
    """What shaped the newest release, where this home would do it in another way: name to fingerprint."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def inspect(run: RunContext) -> StoreState:
    """Look at the store in the settings; nothing is written.

    Raises:
        EngineError: it cannot be reached.
        ModelMissing: the embedder was never pulled.
    """
    bucket = Bucket(ObjectStore(run.settings.store))
    known = read_membership(run.home)
    numbers = bucket.numbers()
    objects = [each for folder in ("releases", "tables", "blobs") for each in bucket.objects.list(folder)]
    newest = bucket.read(numbers[-1]) if numbers else None
    return StoreState(
        url=bucket.url,
        releases=numbers,
        pinned=sorted(bucket.pins()),
        objects=len(objects),
        bytes=sum(each.size for each in objects),
        here=known.release if known is not None else 0,
        differing=_differing(run, newest) if newest is not None else {},
    )


def _differing(run: RunContext, record: StoredRelease) -> dict[str, str]:
    names = [source.name for source in record.sources]
    here = {step.fingerprint_name: step.fingerprint(run, names) for step in run.steps if step.fingerprint_name}
    there = record.release.fingerprints
    return {name: there[name] for name in here if there.get(name, here[name]) != here[name]}
