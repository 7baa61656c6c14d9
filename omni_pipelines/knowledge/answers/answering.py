"""Answer a question from one release: find the passages, and quote them or ask a language model."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.answers.changes import find_changes
from omni_pipelines.knowledge.answers.cited_answer import Answer
from omni_pipelines.knowledge.answers.definitions import find_constants, find_definitions, find_options
from omni_pipelines.knowledge.answers.evidence import Question
from omni_pipelines.knowledge.answers.extraction import extract_answer
from omni_pipelines.knowledge.answers.question import ABOUT_SYMBOLS, asked_kind, content
from omni_pipelines.knowledge.answers.receipts import answer_digest, make_receipt
from omni_pipelines.knowledge.answers.spelling import respelled
from omni_pipelines.knowledge.answers.weighted_words import WeightedWords
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.vectors import Vectors
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.providers import VariantsFailed
from omni_pipelines.receipt_records import Receipt
from omni_pipelines.settings import Settings

if TYPE_CHECKING:
    from omni_pipelines.variant_registry import VariantRegistry

ASK_HITS = 10
"""How many passages are read for an answer."""
DEFINITION_HITS = 20
"""How many further passages are read that declare a name of the question."""
MAX_GIVEN = 1_000
"""How many of the last answers a receipt can be made of."""

Where = Mapping[str, str]
Search = Callable[[str, int, Where], list[Hit]]


class Answering:
    """Answers from the searches of one release."""

    def __init__(
        self,
        snapshot: Snapshot,
        settings: Settings,
        vectors: Vectors,
        search: Search,
        search_words: Search,
    ) -> None:
        """`search` finds what may answer, `search_words` the definitions of names."""
        self._snapshot, self._settings, self._vectors = snapshot, settings, vectors
        self._search, self._search_words = search, search_words
        self._given: deque[tuple[str, Where]] = deque(maxlen=MAX_GIVEN)

    def answer(self, question: str, where: Where, models: VariantRegistry | None) -> Answer:
        """An answer by the models, or without them by quotes alone."""
        asked = self.prepared(question, where)
        if models is None or not asked.hits:
            answer = extract_answer(self._release, asked)
        else:
            answer = self._generate(asked, models)
        read_as = asked.text if asked.text != question else ""
        answer = answer.model_copy(update={"question": question, "read_as": read_as})
        self._given.append((answer_digest(answer), dict(where)))
        return answer

    def prepared(self, question: str, where: Where) -> Question:
        """A question as it is read, with the passages that may answer it, and what measures how well they do."""
        hits, keyword = self._search(question, ASK_HITS, where), self._snapshot.keyword
        read_as = respelled(question, keyword.query_words(question), hits)
        if read_as != question:
            question, hits = read_as, self._search(read_as, ASK_HITS, where)

        def find(query: str) -> list[Hit]:
            return self._search_words(query, DEFINITION_HITS, where)

        definitions = find_definitions(question, hits, find)
        hits = [*definitions, *hits] if asked_kind(question) in ABOUT_SYMBOLS else [*hits, *definitions]
        hits += find_constants(question, hits, find)
        hits += find_options(question, hits, find)
        hits += find_changes(question, hits, find)
        vector = self._vectors.of_query(question)
        ids = [hit.chunk_id for hit in hits] if vector.readable else []
        return Question(
            text=question,
            words=WeightedWords.of(keyword.query_words(content(question)), keyword.size),
            hits=hits,
            cosines=self._vectors.cosines(vector.values, ids),
            embed=lambda texts, kind: self._vectors.embedder.embed(texts, kind=kind),
            forms=keyword.forms,
            terms=keyword.terms,
            calibration=vector.calibration,
            readable=vector.readable,
        )

    def receipt(self, answer: Answer) -> Receipt:
        """The receipt of one of the last answers.

        Raises:
            ConfigurationError: the answer is none of them; or as for `make_receipt`.
        """
        digest = answer_digest(answer)
        where = next((where for given, where in list(self._given) if given == digest), None)
        if where is None:
            problem = f"this librarian of release {self._release} did not give this answer, or too long ago"
            raise ConfigurationError(problem, cure="ask the librarian that answered, or ask again")
        return make_receipt(self._snapshot, answer, where)

    @property
    def _release(self) -> int:
        return self._snapshot.release.release

    def _generate(self, asked: Question, models: VariantRegistry) -> Answer:
        from omni_pipelines.knowledge.answers.generation import (  # quotes alone need not wait for it
            ModelReader,
            Unsupported,
            quotes_instead,
            scored_units,
        )
        from omni_pipelines.knowledge.answers.prompts import LARGE_MODEL, SMALL_MODEL
        from omni_pipelines.knowledge.answers.support import Support
        from omni_pipelines.text.engines import load_counter

        support = Support(asked.embed, functools.cache(asked.terms))
        count = load_counter(self._settings).count
        reader = ModelReader(models, support, count, SMALL_MODEL if self._settings.llm else LARGE_MODEL)
        try:
            return reader.answer(self._release, asked.text, scored_units(asked))
        except (VariantsFailed, Unsupported) as error:
            return quotes_instead(self._release, asked, error)
