"""Queries of the keyword index, built from text and filters without Tantivy's parser.

Three thousand opening brackets kill the process in Tantivy's parser. Here any text is a query: words become term
queries, and the number of characters and terms is limited first. People quote titles and terms in their questions, so
quotes raise entries with these words side by side, and demand them only if the query is nothing but quotes.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from tantivy import FieldType, Index, Occur, Query

from native import tantivy_analysis as analysis
from native.filters import MODIFIED, day_range, folder_prefix
from native.query_clauses import JOINED_SHARE, MAX_QUERY_TERMS, QueryClauses, TypedWord, any_of
from native.word_forms import character_pairs, identifier_parts, joined, normal, spelled_out, with_marks, words

MAX_QUERY_CHARACTERS = 1_000
_MAX_WEAK_DIGITS = 3
_CACHED_QUERIES = 64
_LETTERS_AND_DIGITS = re.compile(r"([^\W\d_]{2,})(\d+)|(\d+)([^\W\d_]+)")
_VERSION = re.compile(r"([vV]?)(\d{1,3})")
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


class QueryBuilder:
    """Builds queries for one commit of an index, with the analyzers for the languages of its documents."""

    def __init__(self, index: Index, analyzers: analysis.Analyzers) -> None:
        self._index, self._searcher = index, index.searcher()
        self._analyzers = analyzers
        self._scored = lru_cache(_CACHED_QUERIES)(self._build)  # a search asks for the same text up to three times

    def terms(self, text: str) -> list[str]:
        """The terms of a text, without stop words unless it has nothing else."""
        text = _clean(text).replace('"', " ")
        analyzers = self._analyzers.of_query(text)
        found = [_word(each, *analyzers) for each in text.split()]
        return [word.readings[0][index] for word in found for index in word.alone]

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
        for_words, for_phrases = self._analyzers.of_query(normal(text))
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
        return any_of([Query.term_query(self._index.schema, field, value, "basic") for value in values])

    def _build(self, text: str) -> _Scored | None:
        demanded = _ONLY_PHRASES.fullmatch(text) is not None
        analyzers = self._analyzers.of_query(text.replace('"', " "))
        clauses = QueryClauses(self._index, self._searcher, analyzers[1])
        typed: list[tuple[str, TypedWord]] = []
        for match in _PHRASE_OR_WORD.finditer(text):
            phrase, word = match.groups()
            if phrase:
                clauses.add_phrase(analyzers[1].readings(phrase), demanded=demanded)
            if not (phrase and demanded):
                for each in (phrase or word or "").split():
                    typed.append((each, _word(each, *analyzers)))
                    clauses.add_word(typed[-1][1])
        for whole in () if demanded else joined(text):
            clauses.add_joined(analyzers[1].readings(whole))
        for (first, one), (second, other) in itertools.pairwise(typed):
            if len(one.readings[0]) == len(other.readings[0]) == 1:  # file name, for filename
                clauses.add_joined(analyzers[1].readings(first + second), JOINED_SHARE)
        for pair in itertools.islice(character_pairs(text), MAX_QUERY_TERMS):
            clauses.add_pair(pair)
        return _Scored(Query.boolean_query(clauses.clauses), clauses.highest) if clauses.clauses else None


def _clean(text: str) -> str:
    """The characters of a query that are read, in their normal form, with plain quotes and without contractions."""
    text = normal(text[:MAX_QUERY_CHARACTERS])[:MAX_QUERY_CHARACTERS]
    return _CONTRACTED.sub("", text.translate(_QUOTES))


def _word(word: str, for_words: analysis.Analyzer, for_phrases: analysis.Analyzer) -> TypedWord:
    """The terms of one word as it was typed.

    Letters between marks are no terms of their own: those of "e.g." are not even a part of the word. The short
    numbers of "3.11.2" count side by side only. A single letter is a term if nothing else is in the word, as in
    "vitamin C".
    """
    parts = [part for part in words(word).split() if len(part.encode()) <= analysis.MAX_WORD_BYTES]
    if len(parts) < 2:
        readings, alone = for_words.readings(word), [0]
    elif all(map(_is_letter, parts)) and word.islower():
        return TypedWord(parts, [[]], [], [], [])
    else:
        readings = for_phrases.readings(word)
        is_number = all(map(_is_weak, parts))
        alone = [
            index
            for index, part in enumerate(parts)
            if not (_is_letter(part) or is_number) and for_words.analyze(part)
        ]
    folded = for_phrases.folded(word) if with_marks(words(word)) else list(readings)
    if other := spelled_out(word.lower()):
        folded += for_phrases.readings(other)
    splits = [for_phrases.readings(split) for split in _splits(word, parts)]
    return TypedWord(parts, readings, folded, splits, alone if readings[0] else [])


def _splits(word: str, parts: Sequence[str]) -> Iterator[str]:
    """Other ways to split a word: parse http for parseHttp, rfc 2616 for RFC2616, 5 GB for 5GB, v1 2 for 1.2."""
    if not word.islower() and len(humps := [*identifier_parts(word)]) > 1:
        yield " ".join(humps)
    if len(parts) == 1 and (found := _LETTERS_AND_DIGITS.fullmatch(parts[0])):
        yield " ".join(filter(None, found.groups()))
    if len(parts) > 1 and (found := _VERSION.fullmatch(parts[0])):
        yield " ".join([found[2] if found[1] else f"v{found[2]}", *parts[1:]])


def _is_letter(part: str) -> bool:
    return len(part) == 1 and part.isascii() and part.isalpha()


def _is_weak(part: str) -> bool:
    return _is_letter(part) or (part.isdecimal() and len(part) <= _MAX_WEAK_DIGITS)
