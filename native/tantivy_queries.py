"""Queries of the keyword index, built from text and filters without Tantivy's parser.

Three thousand opening brackets kill the process in Tantivy's parser. Here any text is a query: words become term
queries, and the number of characters and terms is limited first. People quote titles and terms in their questions, so
quotes raise entries with these words side by side, and demand them only if the query is nothing but quotes.
"""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from tantivy import FieldType, Index, Occur, Query, Searcher

from native import tantivy_analysis as analysis
from native.filters import MODIFIED, day_range, folder_prefix
from native.stop_words import PAIRS

Clause = tuple[Occur, Query]
MAX_QUERY_CHARACTERS = 1_000
MAX_QUERY_TERMS = 64
PHRASE_BOOST = 0.5
NEAR_SHARE = 0.5
"""The weight of a term that is spelled nearly like a word of the query, as a share of the word's own weight."""
MAX_UNKNOWN_WORDS = 4
"""Words of a query for which near terms are looked up; each costs a walk through the term dictionary."""
_LONG_WORD = 8
"""Letters of a word from which two edits are allowed, instead of one."""
_MIN_NEAR_LETTERS = 4
_MAX_NEAR_ENTRIES = 100
"""Entries with near terms that are counted."""
_SATURATION = 2.2
"""k1 + 1: the most that BM25 gives to a term, in units of its inverse frequency."""
_SCORED = (analysis.PASSAGE, analysis.AROUND)
_CACHED_QUERIES = 64
_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"'))
_ONLY_PHRASES = re.compile(r'\s*(?:"[^"]*"\s*)+')
_PHRASE_OR_WORD = re.compile(r'"([^"]*)"|([^\s"]+)')
_CONTRACTED = re.compile(r"['\u2019](?:s|t|re|ve|ll|d|m)\b", re.IGNORECASE)
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$#&~-]")
"""Characters with a meaning in Tantivy's patterns. It refuses to escape any other."""


class _Scored(NamedTuple):
    """The scored part of a query, and the highest score that an entry can have."""

    query: Query
    highest: float


class _Words(NamedTuple):
    """One word of a query: its terms in the reading of each language."""

    readings: list[list[str]]
    terms: list[int]
    """Indices of the terms that count alone; the others count as parts of the whole word only."""


class QueryBuilder:
    """Builds queries for one commit of an index, with the analyzers for the languages of its documents."""

    def __init__(self, index: Index, analyzers: analysis.Analyzers) -> None:
        self._index, self._searcher = index, index.searcher()
        self._analyzers = analyzers
        self._scored = lru_cache(_CACHED_QUERIES)(self._build)  # a search asks for the same text up to three times

    def terms(self, text: str) -> list[str]:
        """The terms of a text, without stop words unless it has nothing else."""
        text = _clean(text)
        analyzer = self._analyzers.of_query(text)[0]
        words = [_word(analyzer, word) for word in text.replace('"', " ").split()]
        return [word.readings[0][index] for word in words for index in word.terms]

    def highest_score(self, text: str) -> float:
        """The highest score that an entry can have for a text; 0 if it has no terms."""
        scored = self._scored(_clean(text))
        return scored.highest if scored else 0.0

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
        scored = self._scored(_clean(text))
        if scored is None:
            return None
        conditions = [self._condition(field, value) for field, value in filters.items()]
        conditions += [self._one_of(field, values) for field, values in value_sets.items()]
        if not conditions:
            return scored.query
        clauses = [(Occur.Must, Query.const_score_query(condition, 0.0)) for condition in conditions]
        return Query.boolean_query([(Occur.Must, scored.query), *clauses])

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

    def _build(self, text: str) -> _Scored | None:
        demanded = _ONLY_PHRASES.fullmatch(text) is not None
        word_analyzer, phrase_analyzer = self._analyzers.of_query(text.replace('"', " "))
        terms = _Terms(self._index, self._searcher)
        for match in _PHRASE_OR_WORD.finditer(text):
            phrase, word = match.groups()
            if phrase:
                terms.add_phrase(phrase_analyzer.readings(phrase), demanded=demanded)
            if not (phrase and demanded):
                for each in (phrase or word or "").split():
                    terms.add_word(_word(word_analyzer, each))
        for pair in itertools.islice(analysis.character_pairs(text), MAX_QUERY_TERMS):
            terms.add_pair(pair)
        return _Scored(Query.boolean_query(terms.clauses), terms.highest) if terms.clauses else None


class _Terms:
    """Collects the clauses of one query in a flat list, in which Tantivy skips entries that cannot be a hit."""

    def __init__(self, index: Index, searcher: Searcher) -> None:
        self.clauses: list[Clause] = []
        self.highest = 0.0
        self._schema, self._searcher = index.schema, searcher
        self._entries = searcher.num_docs
        self._budget, self._unknown = MAX_QUERY_TERMS, MAX_UNKNOWN_WORDS

    def add_phrase(self, readings: list[list[str]], *, demanded: bool) -> None:
        """Words in quotes: they must be side by side, or entries where they are rank higher."""
        readings = self._within_budget(readings, spend=demanded)
        if demanded and readings[0]:
            self.clauses.append((Occur.Must, self._phrase(readings)))
            self.highest += sum(self._weight(analysis.PASSAGE, term) for term in readings[0])
        elif len(readings[0]) > 1:
            self._raise_phrase(readings)

    def add_word(self, word: _Words) -> None:
        """One word of the query, in all its readings."""
        readings = self._within_budget(word.readings)
        for index in word.terms:
            if index < len(readings[0]):
                self._any_reading([terms[index] for terms in readings])
        if len(readings[0]) > 1:  # json.loads, snake_case: adjacent parts count more than separate ones
            self._raise_phrase(readings)

    def add_pair(self, pair: str) -> None:
        """Two adjacent characters of a script without spaces."""
        if pair not in PAIRS:
            self.clauses.append((Occur.Should, self._term("pairs", pair)))
            self.highest += self._weight("pairs", pair)

    def _within_budget(self, readings: list[list[str]], *, spend: bool = True) -> list[list[str]]:
        cut = [terms[: self._budget] for terms in readings]
        if spend:
            self._budget -= len(cut[0])
        return cut

    def _any_reading(self, terms: Sequence[str]) -> None:
        """One word in the forms that documents of each language have. A rare form weighs as all forms together do."""
        unique = list(dict.fromkeys(terms))
        counts = [self._searcher.doc_freq(analysis.PASSAGE, term) for term in unique]
        if not any(counts) and self._add_near(unique[0]):
            return
        entries = max(self._entries, sum(counts))
        weight = _inverse_frequency(sum(counts), entries)
        for term, count in zip(unique, counts, strict=True):
            factor = weight / _inverse_frequency(count, entries) if len(unique) > 1 else 1.0
            for field in _SCORED:
                query = self._term(field, term)
                self.clauses.append((Occur.Should, query if factor == 1 else Query.boost_query(query, factor)))
        self.highest += len(_SCORED) * _SATURATION * weight

    def _add_near(self, term: str) -> bool:
        """Add the terms within one edit of a word, or two of a long one. Whether there are any."""
        if self._unknown == 0 or len(term) < _MIN_NEAR_LETTERS or not term.isalpha():
            return False
        self._unknown -= 1
        edits = 2 if len(term) >= _LONG_WORD else 1
        near = Query.fuzzy_term_query(self._schema, analysis.PASSAGE, term, distance=edits)
        count = len(self._searcher.search(near, _MAX_NEAR_ENTRIES, count=False).hits)
        if not count:
            return False
        weight = len(_SCORED) * _inverse_frequency(count, self._entries)
        self.clauses.append((Occur.Should, Query.const_score_query(near, NEAR_SHARE * weight)))
        self.highest += _SATURATION * weight
        return True

    def _raise_phrase(self, readings: list[list[str]]) -> None:
        self.clauses.append((Occur.Should, Query.boost_query(self._phrase(readings), PHRASE_BOOST)))

    def _weight(self, field: str, term: str) -> float:
        return _SATURATION * _inverse_frequency(self._searcher.doc_freq(field, term), self._entries)

    def _term(self, field: str, term: str) -> Query:
        return Query.term_query(self._schema, field, term)

    def _phrase(self, readings: list[list[str]]) -> Query:
        """Adjacent terms, in any of their readings."""
        if len(readings[0]) == 1:
            return _any_of(
                [self._term(analysis.PASSAGE, term) for term in dict.fromkeys(each[0] for each in readings)]
            )
        return _any_of([Query.phrase_query(self._schema, analysis.PASSAGE, [*terms]) for terms in readings])


def _clean(text: str) -> str:
    """The characters of a query that are read, in their normal form, with plain quotes and without contractions."""
    text = analysis.normal(text[:MAX_QUERY_CHARACTERS])[:MAX_QUERY_CHARACTERS]
    return _CONTRACTED.sub("", text.translate(_QUOTES))


def _word(analyzer: analysis.Analyzer, word: str) -> _Words:
    """The terms of one word. Letters between marks are no terms: those of "e.g." are not even a part of the word.

    A single letter is a term if nothing else is in the word, as in "vitamin C".
    """
    readings = analyzer.readings(word)
    first = readings[0]
    alone = [index for index, term in enumerate(first) if len(first) == 1 or not _is_letter(term)]
    if not alone and word.islower():
        return _Words([[]], [])
    return _Words(readings, alone)


def _is_letter(term: str) -> bool:
    return len(term) == 1 and term.isascii() and term.isalpha()


def _inverse_frequency(count: int, entries: int) -> float:
    """BM25's weight of a term that occurs in `count` of all entries."""
    return math.log1p((entries - count + 0.5) / (count + 0.5))


def _any_of(queries: list[Query]) -> Query:
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])
