"""Queries of the keyword index, built from text and filters without Tantivy's parser.

Three thousand opening brackets kill the process in Tantivy's parser. Here any text is a query: words become term
queries, quoted words become phrases that must match, and the number of characters and terms is limited first.
"""

import itertools
import math
import re
from collections.abc import Mapping, Sequence

from tantivy import FieldType, Index, Occur, Query

from native import tantivy_analysis as analysis
from native.filters import MODIFIED, day_range, folder_prefix

Clause = tuple[Occur, Query]
MAX_QUERY_CHARACTERS = 1_000
MAX_QUERY_TERMS = 64
PHRASE_BOOST = 1.5
AROUND_BOOST = 1.0
"""A chunk and its neighbours count alike: Callan, "Passage-Level Evidence in Document Retrieval" (1994)."""
CONTEXT_BOOST = 0.5
"""Title, heading and path count half as much as the text."""
PARTS_BOOST = 0.2
"""Words inside an identifier count a little, because `parseHeader` is about headers."""
_BOOSTED_FIELDS = (("around", AROUND_BOOST), ("context", CONTEXT_BOOST), ("parts", PARTS_BOOST))
_PHRASE = re.compile(r'"[^"]*"')
_PHRASE_OR_WORD = re.compile(r'"([^"]*)"|([^\s"]+)')
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$#&~-]")
"""Characters with a meaning in Tantivy's patterns. It refuses to escape any other."""


class QueryBuilder:
    """Builds queries for one index, with the analyzers for the languages of its documents."""

    def __init__(self, index: Index, analyzers: analysis.Analyzers) -> None:
        self._index = index
        self._analyzers = analyzers

    def terms(self, text: str) -> list[str]:
        """The terms of a text, without stop words unless it has nothing else."""
        text = analysis.normal(text)
        return self._analyzers.of_query(text)[0].analyze(text)

    @property
    def text_analyzer(self) -> analysis.Analyzer:
        """The analyzer that gives every word of a text the forms of each language of the index."""
        return self._analyzers.of_text

    def content_analyzer(self, text: str) -> analysis.Analyzer | None:
        """The analyzer for the words of a query without stop words; None if it has nothing else."""
        for_words, for_phrases = self._analyzers.of_query(analysis.normal(text))
        return None if for_words is for_phrases else for_words

    def query(self, text: str, filters: Mapping[str, str], value_sets: Mapping[str, Sequence[str]]) -> Query | None:
        """The query for a text; None if it has no terms.

        `filters` gives a value for each field, see `native.filters`; `value_sets` gives the allowed values of a
        field. They select entries and do not change scores.
        """
        scored = self._scored(text)
        if scored is None:
            return None
        conditions = [self._condition(field, value) for field, value in filters.items()]
        conditions += [self._one_of(field, values) for field, values in value_sets.items()]
        if not conditions:
            return scored
        clauses = [(Occur.Must, Query.const_score_query(condition, 0.0)) for condition in conditions]
        return Query.boolean_query([(Occur.Must, scored), *clauses])

    def _condition(self, field: str, value: str) -> Query:
        if field == MODIFIED:
            first, last = (day.toordinal() if day is not None else None for day in day_range(value))
            return Query.range_query(self._index.schema, field, FieldType.Integer, first, last)
        prefix = folder_prefix(value)
        if prefix is None:
            return Query.term_query(self._index.schema, field, value, "basic")
        return Query.regex_query(self._index.schema, field, _SPECIAL.sub(r"\\\g<0>", prefix) + "(.|\\n)*")

    def _one_of(self, field: str, values: Sequence[str]) -> Query:
        """One of several values. Tantivy's query for a set of terms takes twice as long, whatever their number."""
        return _any_of([Query.term_query(self._index.schema, field, value, "basic") for value in values])

    def _scored(self, text: str) -> Query | None:
        text = analysis.normal(text[:MAX_QUERY_CHARACTERS])[:MAX_QUERY_CHARACTERS]
        word_analyzer, phrase_analyzer = self._analyzers.of_query(_PHRASE.sub(" ", text))
        clauses: list[Clause] = []
        budget = MAX_QUERY_TERMS
        for match in _PHRASE_OR_WORD.finditer(text):
            phrase, word = match.groups()
            readings = phrase_analyzer.readings(phrase) if phrase else word_analyzer.readings(word or "")
            readings = [terms[:budget] for terms in readings]
            budget -= len(readings[0])
            if phrase and readings[0]:
                clauses.append((Occur.Must, self._phrase(readings)))
            else:
                clauses += self._word(readings)
        pairs = itertools.islice(analysis.character_pairs(text), MAX_QUERY_TERMS)
        clauses += [(Occur.Should, self._term("pairs", pair)) for pair in pairs]
        return Query.boolean_query(clauses) if clauses else None

    def _word(self, readings: list[list[str]]) -> list[Clause]:
        clauses = [clause for terms in zip(*readings, strict=True) for clause in self._any_reading(terms)]
        if len(readings[0]) > 1:  # json.loads, snake_case: adjacent parts count more than separate ones
            clauses.append((Occur.Should, Query.boost_query(self._phrase(readings), PHRASE_BOOST)))
        return clauses

    def _any_reading(self, terms: Sequence[str]) -> list[Clause]:
        """One word in the forms that documents of each language have. A rare form weighs as all forms together do."""
        unique = list(dict.fromkeys(terms))
        if len(unique) == 1:
            return self._in_all_fields(unique[0])
        searcher = self._index.searcher()
        counts = [searcher.doc_freq("text", term) for term in unique]
        entries = max(searcher.num_docs, sum(counts))
        weight = _inverse_frequency(sum(counts), entries)
        return [
            clause
            for term, count in zip(unique, counts, strict=True)
            for clause in self._in_all_fields(term, weight / _inverse_frequency(count, entries))
        ]

    def _in_all_fields(self, term: str, weight: float = 1.0) -> list[Clause]:
        """A term in each field. In one flat list of terms, Tantivy skips entries that cannot be among the best k."""
        text = self._term("text", term)
        if weight != 1.0:
            text = Query.boost_query(text, weight)
        others = [Query.boost_query(self._term(name, term), boost * weight) for name, boost in _BOOSTED_FIELDS]
        return [(Occur.Should, query) for query in (text, *others)]

    def _term(self, field: str, term: str) -> Query:
        return Query.term_query(self._index.schema, field, term)

    def _phrase(self, readings: list[list[str]]) -> Query:
        """Adjacent terms, in any of their readings."""
        if len(readings[0]) == 1:
            return Query.boolean_query(self._any_reading([term for (term,) in readings]))
        return _any_of([Query.phrase_query(self._index.schema, "text", [*terms]) for terms in readings])


def _inverse_frequency(count: int, entries: int) -> float:
    """BM25's weight of a term that occurs in `count` of all entries."""
    return math.log1p((entries - count + 0.5) / (count + 0.5))


def _any_of(queries: list[Query]) -> Query:
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])
