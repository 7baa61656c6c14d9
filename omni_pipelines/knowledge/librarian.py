"""The librarian: searches, answers and quotes from one release."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from native import dataset_cache
from omni_pipelines.errors import ConfigurationError, ModelMissing
from omni_pipelines.knowledge.answers import Answer, answer
from omni_pipelines.knowledge.citations import Passage, open_citation
from omni_pipelines.knowledge.metrics import QueryMetrics
from omni_pipelines.knowledge.search import Hit, Mode, search
from omni_pipelines.knowledge.snapshot import Snapshot
from omni_pipelines.settings import Home, Settings, load_settings
from omni_pipelines.text.embedding import Embedder
from omni_pipelines.text.engines import load_counter, load_embedder, model_fingerprint

ASK_HITS = 8
CONTEXT_HITS = 50


@dataclass(frozen=True)
class Context:
    """Passages for a prompt, each under its citation."""

    text: str
    tokens: int
    """Never more than was asked for."""
    hits: tuple[Hit, ...]


class Librarian:
    """Answers from one release, the newest when it was opened. Open another one to see a newer release."""

    def __init__(self, snapshot: Snapshot, settings: Settings, embedder: Embedder | None = None) -> None:
        self._snapshot, self._settings, self._given = snapshot, settings, embedder
        self._metrics = QueryMetrics(snapshot.home)

    @classmethod
    def open(
        cls, home: Path | str | Home, release: int | None = None, *, embedder: Embedder | None = None
    ) -> Librarian:
        """The librarian of a home.

        Raises:
            HomeError, ConfigurationError: no home, or no such release in it.
        """
        place = home if isinstance(home, Home) else Home(Path(home).expanduser().absolute())
        settings = load_settings(place)
        dataset_cache.configure(settings.dataset_cache)
        return cls(Snapshot.open(place, release), settings, embedder)

    @property
    def release(self) -> int:
        """Number of the release that is answered from."""
        return self._snapshot.release.release

    def search(
        self, query: str, k: int = 10, mode: Mode | str = Mode.HYBRID, where: Mapping[str, str] | None = None
    ) -> list[Hit]:
        """The best `k` chunks, best first.

        Raises:
            ConfigurationError: an empty or overlong query, a bad `k`, mode or filter.
            ModelMissing: vectors are asked for and the model was never pulled.
        """
        began = time.perf_counter()
        hits = search(self._snapshot, query, k, mode, where or {}, self._embed_query)
        self._metrics.record(str(mode), time.perf_counter() - began)
        return hits

    def ask(self, question: str, where: Mapping[str, str] | None = None) -> Answer:
        """An answer in the sources' own words, or an abstention.

        Raises:
            ConfigurationError, ModelMissing: as for `search`.
        """
        hits = self.search(question, ASK_HITS, Mode.HYBRID, where)
        terms = self._snapshot.keyword.terms
        return answer(self.release, question, set(terms(question)), hits, self._embed, terms)

    def context(self, query: str, max_tokens: int, where: Mapping[str, str] | None = None) -> Context:
        """The best passages that fit `max_tokens`, each under `[n] path:lines`, best first.

        Raises:
            ConfigurationError: as for `search`, or `max_tokens` below 1.
        """
        if max_tokens < 1:
            raise ConfigurationError(f"max_tokens is {max_tokens}, but must be at least 1")
        count = load_counter(self._settings).count
        text = ""
        taken: list[Hit] = []
        for hit in self.search(query, CONTEXT_HITS, Mode.HYBRID, where):
            block = f"[{len(taken) + 1}] {hit.path}:{hit.start_line}-{hit.end_line}\n{hit.text}\n\n"
            if count(text + block) <= max_tokens:
                text += block
                taken.append(hit)
        return Context(text, count(text) if text else 0, tuple(taken))

    def show(self, citation: str) -> Passage:
        """The exact lines a citation names.

        Raises:
            CitationNotFound: there are no such lines.
        """
        return open_citation(self._snapshot, citation)

    @functools.cached_property
    def _embedder(self) -> Embedder:
        if self._given is not None:
            return self._given
        built_with = self._snapshot.release.fingerprints["embedder"]
        if model_fingerprint(self._settings) != built_with:
            raise ModelMissing(
                f"release {self.release} was embedded with {built_with}, not with {self._settings.embedder}",
                cure="run: omni ingest, to embed it anew",
            )
        return load_embedder(self._settings, workers=1)

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        return self._embedder.embed(texts)

    @functools.lru_cache(maxsize=1)  # noqa: B019  # a librarian is short-lived, and a query is embedded twice
    def _embed_query(self, query: str) -> np.ndarray:
        return self._embed([query])[0]
