"""What a step is, and what one run of steps works with."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from omni_pipelines.batches import batched
from omni_pipelines.workers import ThisProcess

if TYPE_CHECKING:  # the definitions of Dagster read the table of steps, and run none of them
    import numpy as np

    from omni_pipelines.home import Home
    from omni_pipelines.schemas import Table
    from omni_pipelines.settings import Settings
    from omni_pipelines.sources.session import SourceSession
    from omni_pipelines.text.embedding import Embedder, TextKind
    from omni_pipelines.text.token_counting import CountTokens
    from omni_pipelines.workers import Workers

_TEXTS_AT_ONCE = 32
"""Texts that a worker embeds in one call."""
OVERTAKEN_PAUSE_SECONDS = 1.0
"""The longest pause before a run starts again because another home of the same store published first."""


class Engines(Protocol):
    """The models that steps use."""

    @property
    def count(self) -> CountTokens:
        """Counts the tokens of a text."""
        ...

    @property
    def embedder(self) -> Embedder:
        """Turns texts into vectors."""
        ...

    @property
    def model(self) -> str:
        """The fingerprint of the embedder; it can be read without loading the embedder.

        Raises:
            ModelMissing: the embedder was never pulled.
        """
        ...


class ConfiguredEngines:
    """The engines that the settings name, each loaded when it is first used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __reduce__(self) -> tuple[object, ...]:
        """On a cluster the engines are loaded anew, with one thread: there is a worker for each processor."""
        return ConfiguredEngines, (self._settings.model_copy(update={"workers": 1}),)

    @cached_property
    def count(self) -> CountTokens:
        """Counts tokens of `settings.encoding`."""
        from omni_pipelines.text.engines import load_counter

        return load_counter(self._settings).count

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder of `settings.embedder`."""
        from omni_pipelines.text.engines import load_embedder

        return load_embedder(self._settings)

    @property
    def model(self) -> str:
        """The fingerprint of `settings.embedder`."""
        from omni_pipelines.text.engines import model_fingerprint

        return model_fingerprint(self._settings)


@dataclass(frozen=True)
class LoadedEngines:
    """Engines that the caller has loaded already."""

    count: CountTokens
    embedder: Embedder
    model: str


class SpreadEmbedder:
    """Embeds texts on many workers, each piece with an embedder that its worker loads."""

    def __init__(self, engines: Engines, workers: Workers) -> None:
        self._engines, self._workers = engines, workers

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._engines.embedder.dimensions

    def embed(
        self, texts: Sequence[str], on_batch: Callable[[int], None] | None = None, *, kind: TextKind = "document"
    ) -> np.ndarray:
        """Vectors (n, dimensions), float32, in the order of `texts`."""
        import numpy as np

        made: list[np.ndarray] = []
        work = functools.partial(embedded, self._engines, kind)
        for _, vectors in self._workers.map(work, batched(texts, _TEXTS_AT_ONCE)):
            made.extend(vectors)
            if on_batch is not None:
                on_batch(len(made))
        return np.stack(made)


def embedded(engines: Engines, kind: TextKind, texts: Sequence[str]) -> np.ndarray:
    """The vectors of texts, which a worker makes."""
    return engines.embedder.embed(texts, kind=kind)


@dataclass(frozen=True)
class BatchSizes:
    """How much steps commit at once: memory stays flat, and a kill loses seconds of work."""

    seconds: float = 5.0
    """Work that is committed together, whatever its size: about so many seconds of reading, cutting or embedding."""
    files: int = 512
    file_bytes: int = 16 << 20
    """Bytes of files read together, and of documents chunked together; memory is a multiple of it."""
    documents: int = 256
    """Documents whose chunks are cut and committed together, at most."""
    texts: int = 1024
    """Texts that are embedded and committed together, at most."""
    entries: int = 8_000
    """Entries that are added to the keyword index together."""


LARGE_BATCHES = BatchSizes(files=2_048, file_bytes=256 << 20, documents=2_048, texts=32_768)
"""For many workers, which do more in the same seconds."""

AfterBatch = Callable[["RunContext", float], None]
"""Called with the run, and an estimate of the seconds of embedding that are left."""


def _new_session() -> SourceSession:
    from omni_pipelines.sources.session import SourceSession

    return SourceSession()


@dataclass(frozen=True)
class RunContext:
    """What one run of steps works with: where, how, with which engines, and what was asked for."""

    home: Home
    settings: Settings
    engines: Engines
    steps: Steps
    run_id: str = ""
    """Names the run in release records and gate results: a Dagster run id, or the command."""
    sources: tuple[str, ...] = ()
    """Names of the sources to read; empty for all."""
    allow_delete: bool = False
    """Delete documents even where the deletion guard would stop the run."""
    batches: BatchSizes = BatchSizes()
    overtaken_pause_seconds: float = OVERTAKEN_PAUSE_SECONDS
    session: SourceSession = field(default_factory=_new_session)
    """Lists and opens the sources."""
    workers: Workers = field(default_factory=ThisProcess)
    """What reads files, splits documents, finds the words of chunks and embeds texts. It writes nothing."""
    after_batch: AfterBatch | None = None
    """Called after each batch of vectors: a first ingest publishes early releases there."""

    @property
    def embedder(self) -> Embedder:
        """The embedder, on the workers."""
        return SpreadEmbedder(self.engines, self.workers) if self.workers.on_cluster else self.engines.embedder


class StepReport(Protocol):
    """What a step did."""

    @property
    def rows(self) -> int:
        """Rows, or index entries, of the output."""
        ...

    @property
    def version(self) -> str:
        """Names the state of the output: it changes exactly when the output does."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """What was changed, by name."""
        ...


class StepGroup(StrEnum):
    """Which job runs a step."""

    INGEST = "ingest"
    """Sources to tables."""
    INDEX = "index"
    """Tables to indexes; may run in the background."""


@dataclass(frozen=True)
class Step:
    """One step: its place in the order, what runs it, and what its output depends on."""

    name: str
    """Also the name of its step record, and of its Dagster asset."""
    after: tuple[str, ...]
    """The steps whose output it reads."""
    group: StepGroup
    run: Callable[[RunContext], StepReport]
    """Compares the output with the input and applies the difference; a redo changes nothing."""
    fingerprint: Callable[[RunContext, Collection[str]], str]
    """Code and settings that the output depends on, given the names of the sources. Loads no model."""
    fingerprint_name: str = ""
    """How releases name the fingerprint; empty if they do not, because readers see no difference."""
    table: Table | None = None
    """The table whose head is the output; None for the keyword index, which is a folder."""
    code_version: str = ""
    """The part of the fingerprint that does not depend on settings: it changes when the code gives other results."""


@dataclass(frozen=True)
class Steps:
    """All steps in the order in which they run. Everything that depends on the order is computed from here.

    Raises:
        ValueError: a name is used twice, or a step follows one that does not come before it.
    """

    order: tuple[Step, ...]
    _by_name: dict[str, Step] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, Step] = {}
        for step in self.order:
            missing = [name for name in step.after if name not in by_name]
            if missing or step.name in by_name:
                raise ValueError(f"step {step.name} is there twice, or comes before {', '.join(missing)}")
            by_name[step.name] = step
        object.__setattr__(self, "_by_name", by_name)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.order)

    def __getitem__(self, name: str) -> Step:
        return self._by_name[name]

    def in_group(self, group: StepGroup) -> tuple[Step, ...]:
        """The steps of a group, in order."""
        return tuple(step for step in self.order if step.group is group)

    @property
    def first(self) -> Step:
        """The step that reads the sources."""
        return self.order[0]

    @property
    def ends(self) -> tuple[str, ...]:
        """Names of the steps that no step follows: a release comes after them."""
        followed = {name for step in self.order for name in step.after}
        return tuple(step.name for step in self.order if step.name not in followed)

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that steps write, in order. A release names a version of each."""
        return tuple({step.table.name: step.table for step in self.order if step.table is not None}.values())

    @property
    def last_writers(self) -> dict[str, Step]:
        """Table name to the last step that writes the table: its record names the head."""
        return {step.table.name: step for step in self.order if step.table is not None}

    def links(self, steps: Collection[Step] | None = None) -> Iterator[tuple[Step, Step]]:
        """Pairs of a step and a step that it reads, among `steps` or all.

        Pairs whose two steps write the same table are left out: the head of the table shows whether it is current.
        """
        for step in self.order if steps is None else steps:
            for name in step.after:
                upstream = self[name]
                if upstream.table is None or upstream.table != step.table:
                    yield step, upstream
