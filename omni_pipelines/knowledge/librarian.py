"""The librarian: searches, answers and citations from one release."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from native import dataset_cache
from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import AccessRefused, ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.options import (
    Fusion,
    Mode,
    SearchOptions,
    check_score,
    check_text,
    check_whole,
)
from omni_pipelines.knowledge.search.reranking import RerankScores, load_reranker
from omni_pipelines.knowledge.search.retrieval import find_hits
from omni_pipelines.knowledge.search.vectors import Vectors
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.knowledge.state.metrics import QueryMetrics
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.settings import Settings
from omni_pipelines.text.embedding import Embedder

if TYPE_CHECKING:  # what only some methods need is imported there: a search need not wait for it
    from omni_pipelines.knowledge.answers.answering import Answering
    from omni_pipelines.knowledge.answers.cited_answer import Answer
    from omni_pipelines.knowledge.answers.evidence import Question
    from omni_pipelines.knowledge.quality.gaps import Gap
    from omni_pipelines.knowledge.search.citations import Passage
    from omni_pipelines.knowledge.search.context import Context
    from omni_pipelines.knowledge.search.why_not import WhyNot
    from omni_pipelines.receipt_records import Receipt
    from omni_pipelines.variant_registry import VariantRegistry

CONTEXT_HITS = 50
"""Passages that are considered for a context."""


class Librarian:
    """Answers from one release: the newest when it was opened. Open another librarian to see a newer release.

        with Librarian.open(".omni") as librarian:
            hits = librarian.search("key rotation")

    A librarian need not be closed: what it holds is given back when it is collected.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        settings: Settings,
        embedder: Embedder | None = None,
        models: VariantRegistry | None = None,
    ) -> None:
        self._opened: Snapshot | None = snapshot
        self._settings = settings
        self._given_embedder, self._given_models = embedder, models
        self._reranker = load_reranker(settings)
        self._metrics = QueryMetrics(snapshot.home)

    @classmethod
    def open(
        cls,
        home: Path | str | Home,
        release: int | None = None,
        *,
        viewer: Viewer | None = None,
        embedder: Embedder | None = None,
        models: VariantRegistry | None = None,
    ) -> Self:
        """Open the librarian of a home, for a viewer; without one, for the owner, who sees everything.

        `embedder` and `models` replace those that the settings name.

        Raises:
            HomeError: there is no home.
            ConfigurationError: there is no such release.
        """
        if not isinstance(home, Home):
            home = Home.at(Path(home))
        settings = load_settings(home)
        dataset_cache.POOL.configure(settings.dataset_cache)
        return cls(Snapshot.open(home, release, viewer), settings, embedder, models)

    def close(self) -> None:
        """Give back the release, the models and what is cached, and write the counts of queries."""
        self._metrics.flush()
        self._opened = None
        self.__dict__.pop("_searches", None)
        self.__dict__.pop("_models", None)
        self.__dict__.pop("_answering", None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _snapshot(self) -> Snapshot:
        """The open release.

        Raises:
            ConfigurationError: the librarian was closed.
        """
        if self._opened is None:
            raise ConfigurationError("this librarian is closed", cure="open another one: Librarian.open(home)")
        return self._opened

    @property
    def release(self) -> int:
        """Number of the release that is searched."""
        return self._snapshot.release.release

    @property
    def vector_share(self) -> float:
        """Share of the passages that can be found by meaning; below 1 while a first ingest is at work."""
        return self._snapshot.release.vector_share

    def prepare(self) -> None:
        """Load into memory what searches cache there; otherwise the first searches wait for it.

        Raises:
            EngineError: the release is damaged.
        """
        self._snapshot.prepare()

    def search(
        self,
        query: str,
        k: int = 10,
        mode: Mode = Mode.HYBRID,
        where: Mapping[str, str] | None = None,
        *,
        fusion: Fusion = Fusion.EVIDENCE,
        feedback: bool | None = None,
        min_score: float = 0.0,
    ) -> list[Hit]:
        """The best `k` passages, best first. A text with several locations is one hit.

        Args:
            query: words or a question. Passages with quoted words side by side rank higher; a query of quoted words
                alone finds only such passages.
            k: number of hits.
            mode: by words, by meaning, or both.
            where: field to value; the path may be `docs/**` for everything below a folder.
            fusion: how the keyword list and the vector list are merged.
            feedback: search a second time near the first hits; None uses the setting.
            min_score: leave out hits with a lower score, from 0 to 1.

        Raises:
            ConfigurationError: the query, `k`, the mode, a filter, the fusion or the score is not valid.
            ModelMissing: the search needs the embedding model, which was never pulled.
        """
        check_score(min_score)
        hits = self._searches.best(query, k, mode, where, fusion, feedback)
        return [hit for hit in hits if hit.score >= min_score]

    def forms(self, text: str) -> set[str]:
        """The forms of the words of a text in the keyword index; words with a common form count as the same."""
        return self._snapshot.keyword.forms(text)

    def query_forms(self, query: str) -> set[str]:
        """The forms of the words of a query, without its stop words."""
        return self._snapshot.keyword.query_forms(query)

    def why_not(
        self,
        query: str,
        document: str,
        k: int = 10,
        where: Mapping[str, str] | None = None,
        *,
        fusion: Fusion = Fusion.EVIDENCE,
        feedback: bool | None = None,
    ) -> WhyNot:
        """The stage at which a hybrid search for the best `k` passages lost a document.

        Raises:
            ConfigurationError, ModelMissing: as for `search`.
        """
        from omni_pipelines.knowledge.search.why_not import explain_search

        searches = self._searches
        options = searches.options(Mode.HYBRID, where, fusion, feedback)
        return explain_search(self._snapshot, query, document, k, options, searches.vectors, searches.reranker)

    def ask(
        self,
        question: str,
        where: Mapping[str, str] | None = None,
        *,
        generate: bool | None = None,
        keep: bool | None = None,
    ) -> Answer:
        """An answer with citations, or an abstention.

        Args:
            question: a question.
            where: as for `search`.
            generate: True asks a language model, and keeps only claims that the sources support. False quotes the
                sources. None asks a model if the settings name one. If no model answers, the sources are quoted. If
                the model finds nothing in them, the result is an abstention, or quotes if their evidence is strong.
                The `note` says why.
            keep: whether the question is added to the journal; None uses the setting `keep_questions`.

        Raises:
            ConfigurationError, ModelMissing: as for `search`; or `generate` is True and the settings name no model;
                or the only model that they name, or its engine, is not installed.
        """
        models = self._models if generate is not False else None
        if generate and models is None:
            cure = "set llm to a model from omni model list, or OMNI_LLM_URL to the address of a server"
            raise ConfigurationError("no language model is set", cure=cure)
        answer = self._answering.answer(question, where or {}, models)
        if self._settings.keep_questions if keep is None else keep:
            from omni_pipelines.knowledge.quality.gaps import keep_question

            keep_question(self._snapshot.home, answer, where or {})
        return answer

    def prepared(self, question: str, where: Mapping[str, str] | None = None) -> Question:
        """A question with the passages that may answer it, and what measures how well they do.

        Raises:
            ConfigurationError, ModelMissing: as for `search`.
        """
        return self._answering.prepared(question, where or {})

    def gaps(self) -> list[Gap]:
        """Questions to this home that were not answered, or only weakly, open ones first; see `Gap`.

        Raises:
            ModelMissing: as for `search`, if an open gap is asked again.
            AccessRefused: a viewer asks; the journal holds the questions of all viewers.
        """
        from omni_pipelines.knowledge.quality.gaps import find_gaps

        if self._snapshot.viewer is not None:
            raise AccessRefused("gaps hold the questions of all viewers", cure="run it as the owner: without --as")
        ask = functools.partial(self.ask, generate=False, keep=False)
        return find_gaps(self._snapshot.home, self._snapshot.keyword.terms, self.release, ask)

    def receipt(self, answer: Answer) -> Receipt:
        """The receipt of one of the last answers of this librarian; `omni verify` checks it.

        Raises:
            ConfigurationError: this librarian did not give this answer; or as for `make_receipt`.
        """
        return self._answering.receipt(answer)

    def context(
        self,
        query: str,
        max_tokens: int,
        where: Mapping[str, str] | None = None,
        *,
        neighbours: int = 0,
        sections: bool = False,
    ) -> Context:
        """The best passages that fit into `max_tokens`, best first, each under `[n]` and its citation.

        `neighbours` adds that many chunks on each side where they fit, `sections` the whole section.

        Raises:
            ConfigurationError: as for `search`, or `max_tokens` is below 1, or `neighbours` below 0.
        """
        from omni_pipelines.knowledge.search.context import collect_context
        from omni_pipelines.text.engines import load_counter

        for name, value, least in (("max_tokens", max_tokens, 1), ("neighbours", neighbours, 0)):
            check_whole(name, value)
            if value < least:
                raise ConfigurationError(f"{name} is {value}, but must be at least {least}")
        hits = self.search(query, CONTEXT_HITS, Mode.HYBRID, where)
        count = load_counter(self._settings).count
        return collect_context(self._snapshot, hits, max_tokens, count, neighbours, sections=sections)

    def show(self, citation: str) -> Passage:
        """Exactly the text that a citation names; see `citation_names` for the form.

        Raises:
            CitationNotFound: there is no such text, or the name fits several documents.
            ConfigurationError: the citation is not a text.
        """
        from omni_pipelines.knowledge.search.citations import open_citation

        check_text("the citation", citation)
        return open_citation(self._snapshot, citation)

    @functools.cached_property
    def _answering(self) -> Answering:
        from omni_pipelines.knowledge.answers.answering import Answering

        searches = self._searches
        return Answering(self._snapshot, self._settings, searches.vectors, searches.hybrid, searches.by_words)

    @functools.cached_property
    def _models(self) -> VariantRegistry | None:
        if self._given_models is not None or not (self._settings.llm or self._settings.llm_url):
            return self._given_models
        from omni_pipelines.language_models.variants import check_local_model, register_language_models
        from omni_pipelines.variant_registry import VariantRegistry

        if not self._settings.llm_url:
            check_local_model(self._settings)
        models = VariantRegistry()
        register_language_models(models, self._settings)
        return models

    @functools.cached_property
    def _searches(self) -> _Searches:
        given, settings, snapshot = self._given_embedder, self._settings, self._snapshot

        def load() -> Embedder:
            if given is not None:
                return given
            from omni_pipelines.text.engines import load_embedder_of  # a search by words needs no model

            # the settings may name another one by now
            return load_embedder_of(settings, snapshot.release.fingerprints["embedder"])

        return _Searches(snapshot, settings, Vectors(snapshot, load), self._reranker, self._metrics)


@dataclass(frozen=True)
class _Searches:
    """The searches of a librarian.

    They do not hold the librarian, so it is collected, and its counts are written, as soon as nobody else holds it.
    """

    snapshot: Snapshot
    settings: Settings
    vectors: Vectors
    reranker: RerankScores | None
    metrics: QueryMetrics

    def best(
        self,
        query: str,
        k: int,
        mode: Mode,
        where: Mapping[str, str] | None,
        fusion: Fusion,
        feedback: bool | None,
    ) -> list[Hit]:
        """The best hits, reranked; the search is counted."""
        began = time.perf_counter()
        options = self.options(mode, where, fusion, feedback)
        hits = self._find(query, k, options, self.reranker)
        self.metrics.record(options.mode, time.perf_counter() - began)
        return hits

    def hybrid(self, query: str, k: int, where: Mapping[str, str]) -> list[Hit]:
        """The best hits by words and by meaning."""
        return self.best(query, k, Mode.HYBRID, where, Fusion.EVIDENCE, None)

    def by_words(self, query: str, k: int, where: Mapping[str, str]) -> list[Hit]:
        """The best hits by words, neither counted nor reranked."""
        return self._find(query, k, self.options(Mode.KEYWORD, where, Fusion.EVIDENCE, feedback=False))

    def options(
        self, mode: Mode, where: Mapping[str, str] | None, fusion: Fusion, feedback: bool | None
    ) -> SearchOptions:
        """The options of a search; None for `feedback` uses the setting."""
        return SearchOptions(
            mode=Mode.parse(mode),  # untyped callers may pass plain strings
            where={} if where is None else where,
            fusion=Fusion.parse(fusion),
            feedback=self.settings.feedback if feedback is None else feedback,
            fold_near=self.settings.fold_near_duplicates,
        )

    def _find(self, query: str, k: int, options: SearchOptions, reranker: RerankScores | None = None) -> list[Hit]:
        check_files = self.settings.check_files
        return find_hits(self.snapshot, query, k, options, self.vectors, reranker, check_files=check_files)
