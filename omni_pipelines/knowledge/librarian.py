"""The librarian: searches, answers and quotes from one release."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from native import dataset_cache
from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import AccessRefused, ConfigurationError, ModelMissing
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.answer import Answer, Question, answer
from omni_pipelines.knowledge.answers.generation import Unsupported, generate_answer
from omni_pipelines.knowledge.answers.receipts import make_receipt
from omni_pipelines.knowledge.entries import SOURCE as ENTRIES_SOURCE
from omni_pipelines.knowledge.entries import KnowledgeStats, entry_stats
from omni_pipelines.knowledge.quality.gaps import Gap, find_gaps, keep_question
from omni_pipelines.knowledge.search.citations import Passage, open_citation
from omni_pipelines.knowledge.search.context import Context, collect
from omni_pipelines.knowledge.search.fusion import Fusion
from omni_pipelines.knowledge.search.ranking import QueryVector, Search
from omni_pipelines.knowledge.search.reranking import Score, load_reranker
from omni_pipelines.knowledge.search.search import Hit, Mode, known_fusion, known_mode, search
from omni_pipelines.knowledge.search.why_not import WhyNot, why_not
from omni_pipelines.knowledge.state.access import Reader
from omni_pipelines.knowledge.state.metrics import QueryMetrics
from omni_pipelines.knowledge.state.releases import release_file
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.language_models.variants import register_language_models
from omni_pipelines.providers import VariantsFailed
from omni_pipelines.records import Receipt
from omni_pipelines.schemas import CHUNKS, DOCUMENTS
from omni_pipelines.settings import Settings
from omni_pipelines.text.embedding import Embedder, readable_share
from omni_pipelines.text.engines import load_counter, load_embedder, model_fingerprint
from omni_pipelines.variant_registry import VariantRegistry

ASK_HITS = 8
CONTEXT_HITS = 50


class Librarian:
    """Answers from one release, the newest when it was opened. Open another one to see a newer release."""

    def __init__(
        self,
        snapshot: Snapshot,
        settings: Settings,
        embedder: Embedder | None = None,
        models: VariantRegistry | None = None,
    ) -> None:
        self._snapshot, self._settings, self._given = snapshot, settings, embedder
        self._metrics = QueryMetrics(snapshot.home)
        self._given_models = models

    @classmethod
    def open(
        cls,
        home: Path | str | Home,
        release: int | None = None,
        *,
        reader: Reader | None = None,
        embedder: Embedder | None = None,
        models: VariantRegistry | None = None,
    ) -> Librarian:
        """The librarian of a home, for a reader; without one, for its owner, who sees everything.

        `embedder` and `models` stand in for what the settings name.

        Raises:
            HomeError, ConfigurationError: no home, or no such release in it.
        """
        place = home if isinstance(home, Home) else Home(Path(home).expanduser().absolute())
        settings = load_settings(place)
        dataset_cache.POOL.configure(settings.dataset_cache)
        return cls(Snapshot.open(place, release, reader), settings, embedder, models)

    @property
    def release(self) -> int:
        """Number of the release that is answered from."""
        return self._snapshot.release.release

    def prepare(self) -> None:
        """Bring into memory what searches keep there, for which the first ones would wait otherwise.

        Raises:
            EngineError: the release is damaged.
        """
        self._snapshot.prepare()

    def search(
        self,
        query: str,
        k: int = 10,
        mode: Mode | str = Mode.HYBRID,
        where: Mapping[str, str] | None = None,
        *,
        fusion: Fusion | str = Fusion.CONVEX,
        feedback: bool | None = None,
    ) -> list[Hit]:
        """The best `k` passages, best first; a text that stands in several places is one of them.

        Args:
            query: words, or a question; words in double quotes must stand together.
            k: how many.
            mode: by words, by meaning, or both.
            where: fields and their values; a path may be `docs/**`, for what lies below a folder.
            fusion: how both lists become one.
            feedback: ask once more, near what was found first; None is as the settings say.

        Raises:
            ConfigurationError: an empty or overlong query, a bad `k`, mode, filter or fusion.
            ModelMissing: vectors are asked for and the model was never pulled.
        """
        began = time.perf_counter()
        how = self._how(mode, where, fusion, feedback)
        hits = search(self._snapshot, query, k, how, self._embed_query)
        self._metrics.record(str(mode), time.perf_counter() - began)
        return hits

    def why_not(
        self,
        query: str,
        document: str,
        k: int = 10,
        where: Mapping[str, str] | None = None,
        *,
        fusion: Fusion | str = Fusion.CONVEX,
        feedback: bool | None = None,
    ) -> WhyNot:
        """At which stage a hybrid search for the best `k` passages lost a document, stage by stage.

        Raises:
            ConfigurationError, ModelMissing: as for `search`.
        """
        how = self._how(Mode.HYBRID, where, fusion, feedback)
        return why_not(self._snapshot, query, document, k, how, self._embed_query)

    def _how(
        self, mode: Mode | str, where: Mapping[str, str] | None, fusion: Fusion | str, feedback: bool | None
    ) -> Search:
        again = self._settings.feedback if feedback is None else feedback
        folds = self._settings.fold_near_duplicates
        return Search(known_mode(mode), where or {}, known_fusion(fusion), again, self._rerank, folds)

    def ask(self, question: str, where: Mapping[str, str] | None = None, *, generate: bool | None = None) -> Answer:
        """An answer, or an abstention. It says in `mode` whose words it has.

        With `generate` a language model words it and quotes the sources; without, the sources speak; None asks a
        model if the settings name one. Where no model gives an answer that the sources bear out, the sources speak,
        and `note` says why.

        Raises:
            ConfigurationError, ModelMissing: as for `search`; or `generate`, and the settings name no model.
        """
        models = self._models if generate is not False else None
        if generate and models is None:
            raise ConfigurationError(
                "no language model is set", cure="set OMNI_LLM_URL to the address of an OpenAI-compatible server"
            )
        hits = self.search(question, ASK_HITS, Mode.HYBRID, where)
        terms = self._snapshot.keyword.terms
        readable = self._embed_query(question).readable
        asked = Question(question, set(terms(question)), hits, self._embed, terms, readable)
        said = self._extract(asked) if models is None or not hits else self._generate(asked, models)
        said = said.model_copy(update={"question": question})
        if self._settings.keep_questions:
            keep_question(self._snapshot.home, said, where or {})
        return said

    def gaps(self) -> list[Gap]:
        """What was asked of this home and not answered, or only weakly; see `Gap`. Open ones first.

        Raises:
            ModelMissing: as for `search`, where an open gap is asked anew.
            AccessRefused: a reader asks, and the questions are everybody's.
        """
        if self._snapshot.reader is not None:
            raise AccessRefused("gaps are what everybody asked", cure="ask as the owner: without a reader")
        quiet = self._settings.model_copy(update={"keep_questions": False})
        asker = Librarian(self._snapshot, quiet, self._given)

        def ask(question: str, where: Mapping[str, str]) -> Answer:
            return asker.ask(question, where, generate=False)

        return find_gaps(self._snapshot.home, self._snapshot.keyword.terms, self.release, ask)

    def receipt(self, answer: Answer) -> Receipt:
        """What an answer of this librarian rests on, sealed; see `omni verify`.

        Raises:
            ConfigurationError: it was answered from another release.
        """
        return make_receipt(self._snapshot, answer)

    def _extract(self, asked: Question) -> Answer:
        return answer(self.release, asked)

    def _generate(self, asked: Question, models: VariantRegistry) -> Answer:
        try:
            return generate_answer(self.release, asked, models)
        except VariantsFailed as error:
            reasons = "; ".join(f"{each.variant}: {each.reason}" for each in error.attempts)
            note, attempts = f"no language model answered ({reasons})", error.attempts
        except Unsupported as error:
            note, attempts = error.message, error.attempts
        note += "; the sources speak for themselves"
        return self._extract(asked).model_copy(update={"note": note, "attempts": attempts})

    def context(
        self,
        query: str,
        max_tokens: int,
        where: Mapping[str, str] | None = None,
        *,
        neighbours: int = 0,
        sections: bool = False,
    ) -> Context:
        """The best passages that fit `max_tokens`, each under `[n] path:lines`, best first.

        With `neighbours`, each passage comes with so many chunks before and behind it, and with `sections` with the
        whole section around it, where they fit.

        Raises:
            ConfigurationError: as for `search`, or `max_tokens` below 1, or `neighbours` below 0.
        """
        if max_tokens < 1:
            raise ConfigurationError(f"max_tokens is {max_tokens}, but must be at least 1")
        if neighbours < 0:
            raise ConfigurationError(f"neighbours is {neighbours}, but must be at least 0")
        hits = self.search(query, CONTEXT_HITS, Mode.HYBRID, where)
        count = load_counter(self._settings).count
        return collect(self._snapshot, hits, max_tokens, count, neighbours, sections=sections)

    def query(self, text: str, limit: int = 5) -> list[Hit]:
        """The best `limit` chunks, best first; as `search`, under the name that older callers know."""
        return self.search(text, limit)

    def get_context(self, query: str, limit: int = 5) -> str:
        """The best `limit` chunks as fenced blocks, each under `[KIND] path (start-end)`; "" if none is found."""
        return "\n\n".join(fenced(hit) for hit in self.search(query, limit))

    def get_stats(self) -> dict[str, Any]:
        """The release in numbers, and the entries of the home by category."""
        counts, entries = self._snapshot.counts(), entry_stats(self._snapshot.home)
        if not self._snapshot.sees(ENTRIES_SOURCE):
            entries = KnowledgeStats()
        return {
            "table": CHUNKS.name,
            "record_count": counts[CHUNKS.name],
            "tracked_files": counts[DOCUMENTS.name],
            "entries_by_category": entries.entries_by_category,
        }

    def get_manifest_status(self) -> dict[str, Any]:
        """Where the record of the release stands, and how many files it tracks."""
        path = release_file(self._snapshot.home, self.release)
        tracked = self._snapshot.counts()[DOCUMENTS.name]
        return {"manifest_path": str(path), "manifest_exists": path.exists(), "tracked_files": tracked}

    def show(self, citation: str) -> Passage:
        """The exact lines a citation names.

        Raises:
            CitationNotFound: there are no such lines.
        """
        return open_citation(self._snapshot, citation)

    @functools.cached_property
    def _rerank(self) -> Score | None:
        return load_reranker(self._settings)

    @functools.cached_property
    def _models(self) -> VariantRegistry | None:
        """The language models; None if there are none."""
        if self._given_models is not None or not self._settings.llm_url:
            return self._given_models
        models = VariantRegistry()
        register_language_models(models, self._settings)
        return models

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
    def _embed_query(self, query: str) -> QueryVector:
        return QueryVector(self._embed([query])[0], readable_share(self._embedder, query))


def fenced(hit: Hit) -> str:
    """A hit as a block of Markdown. The fence is longer than any in the text, which therefore cannot end it."""
    longest = max((len(run) for run in re.findall("`+", hit.text)), default=0)
    fence = "`" * max(3, longest + 1)
    text = hit.text.rstrip("\n")
    return f"[{hit.kind.upper()}] {hit.path} ({hit.start_line}-{hit.end_line})\n{fence}\n{text}\n{fence}"
