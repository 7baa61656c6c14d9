"""The clauses of a keyword query: for each word, the terms that entries may have for it, and what they weigh."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tantivy import Index, Occur, Query, Searcher

from native.stop_words import PAIRS
from native.tantivy_analysis import AROUND, PASSAGE, SPELLINGS, Analyzer
from native.word_forms import contracted

Clause = tuple[Occur, Query]
MAX_QUERY_TERMS = 64
PHRASE_BOOST = 0.5
PHRASE_ALONE_BOOST = 2.0
"""For a word such as 3.11.2, whose parts count side by side only: as much as a word in both fields."""
FOLDED_SHARE = 0.5
"""The weight of a word with other accents than in the query, as a share of the weight with the same ones."""
JOINED_SHARE = 0.25
"""The weight of two words of the query as one word, as a share of that word's own weight."""
COMPOUND_SHARE = 0.25
"""The weight of the compounds that begin with a word of the query, as a share of the word's own weight."""
NEAR_SHARE = 0.5
"""The weight of a term that is spelled nearly like a word of the query, as a share of the word's own weight."""
MAX_UNKNOWN_WORDS = 4
"""Words of a query for which other terms are looked up; each costs walks through the term dictionary."""
_LONG_WORD = 8
"""Letters of a word from which two edits are allowed, instead of one."""
_MIN_NEAR_LETTERS, _MAX_NEAR_LETTERS = 4, 64
_MIN_PREFIX_LETTERS = 5
_MIN_PART_LETTERS = 2
_MAX_NEAR_ENTRIES = 100
"""Entries with near terms that are counted."""
_SATURATION = 2.2
"""k1 + 1: the most that BM25 gives to a term, in units of its inverse frequency."""
_SCORED = (PASSAGE, AROUND)


class TypedWord(NamedTuple):
    """One word of a query as it was typed: its terms in the reading of each language."""

    parts: Sequence[str]
    """What the terms were made from."""
    readings: list[list[str]]
    folded: list[list[str]]
    """The readings without accents."""
    splits: list[list[list[str]]]
    """The readings of other ways to split it into words, which count side by side only."""
    alone: list[int]
    """Indices of the terms that count alone; the others count as parts of the whole word only."""


class _Form(NamedTuple):
    """A term that entries may have for a word, the fields that have it, and the number of their entries."""

    fields: tuple[str, ...]
    term: str
    entries: int


class QueryClauses:
    """Collects the clauses of one query in a flat list, in which Tantivy skips entries that cannot be a hit."""

    def __init__(self, index: Index, searcher: Searcher, analyzer: Analyzer) -> None:
        """`analyzer` reads the query with its stop words."""
        self.clauses: list[Clause] = []
        self.highest = 0.0
        """The highest score that an entry can have."""
        self._schema, self._searcher = index.schema, searcher
        self._entries, self._analyzer = searcher.num_docs, analyzer
        self._budget, self._unknown = MAX_QUERY_TERMS, MAX_UNKNOWN_WORDS

    def add_phrase(self, readings: list[list[str]], *, demanded: bool) -> None:
        """Words in quotes: they must be side by side, or entries where they are rank higher."""
        readings = self._within_budget(readings, spend=demanded)
        if demanded and readings[0]:
            self.clauses.append((Occur.Must, self._phrase(readings)))
            self.highest += sum(self._weight(PASSAGE, term) for term in readings[0])
        elif len(readings[0]) > 1:
            self._raise_phrase(readings)

    def add_word(self, word: TypedWord) -> None:
        """One word of the query, in all its readings."""
        readings = self._within_budget(word.readings)
        size = len(readings[0])
        for index in word.alone:
            if index < size:
                folded = [terms[index] for terms in word.folded if index < len(terms)]
                self._add_term(word.parts[index], [terms[index] for terms in readings], folded)
        if size > 1:  # json.loads, snake_case: adjacent parts count more than separate ones
            self._raise_phrase(readings, PHRASE_BOOST if word.alone else PHRASE_ALONE_BOOST)
            if not word.alone:
                self.highest += sum(self._weight(PASSAGE, term) for term in readings[0])
        for split in map(self._within_budget, word.splits):
            if len(split[0]) > 1:
                self._raise_phrase(split)

    def add_joined(self, readings: list[list[str]], share: float = 1.0) -> None:
        """A word that was typed with separators, or as two words, without them, as far as entries have it."""
        for terms in zip(*self._within_budget(readings), strict=True):
            if forms := self._forms(terms, (SPELLINGS,) * len(_SCORED)) + self._forms(terms, _SCORED):
                self._add_forms(forms, share)

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

    def _add_term(self, typed: str, terms: Sequence[str], folded: Sequence[str]) -> None:
        """One word in the forms that documents of each language have; beside them, other spellings weigh less."""
        exact = self._forms(terms, _SCORED)
        plain = [term for term in folded if term not in terms]
        marked = [*folded, *filter(None, map(contracted, terms))]
        fields = (SPELLINGS,) if exact else (SPELLINGS,) * len(_SCORED)  # without an exact form they weigh in full
        others = self._forms(plain, _SCORED) + self._forms(marked, fields)
        if exact:
            weight = self._add_forms(exact)
            if others:
                self._add_forms(others, FOLDED_SHARE, weight)
            if self._analyzer.has_compounds and (longer := self._longer(terms)):
                self.clauses.append((Occur.Should, Query.const_score_query(longer, COMPOUND_SHARE * weight)))
        elif others:
            weight = self._add_forms(others)
            self._add_parts(typed)
        elif self._add_unknown(typed, terms):
            return
        else:
            weight = _inverse_frequency(0, self._entries)
        self.highest += len(_SCORED) * _SATURATION * weight

    def _forms(self, terms: Iterable[str], fields: tuple[str, ...]) -> list[_Form]:
        """The terms that occur in the first of the fields."""
        counts = ((term, self._searcher.doc_freq(fields[0], term)) for term in dict.fromkeys(terms))
        return [_Form(fields, term, count) for term, count in counts if count]

    def _add_forms(self, forms: Sequence[_Form], share: float = 1.0, most: float = math.inf) -> float:
        """Add forms of one word. A rare form weighs as all forms together do. Returns that weight."""
        count = sum(form.entries for form in forms)
        entries = max(self._entries, count)
        weight = min(_inverse_frequency(count, entries), most)
        for form in forms:
            factor = share * weight / _inverse_frequency(form.entries, entries)
            for field in form.fields:
                query = self._term(field, form.term)
                self.clauses.append((Occur.Should, query if factor == 1 else Query.boost_query(query, factor)))
        return weight

    def _add_unknown(self, typed: str, terms: Sequence[str]) -> bool:
        """Add what may be meant by a word that no entry has. Whether there is anything."""
        term = terms[0]
        if self._unknown == 0 or len(term) > _MAX_NEAR_LETTERS:
            return False
        self._unknown -= 1
        if forms := self._forms(filter(None, map(contracted, terms)), _SCORED):
            self.highest += len(_SCORED) * _SATURATION * self._add_forms(forms, NEAR_SHARE)
            return True
        if self._add_parts(typed):
            return True
        if (longer := self._longer(terms)) and self._add_rare(longer):
            return True
        if not term.isalpha() or len(term) < _MIN_NEAR_LETTERS:
            return False
        edits = 2 if len(term) >= _LONG_WORD else 1
        return self._add_rare(Query.fuzzy_term_query(self._schema, PASSAGE, term, distance=edits))

    def _add_parts(self, word: str) -> bool:
        """Add a word that entries have as two: dataset as data set."""
        for cut in range(_MIN_PART_LETTERS, len(word) - _MIN_PART_LETTERS + 1):
            readings = self._analyzer.readings(f"{word[:cut]} {word[cut:]}")
            known = [parts for parts in readings if all(self._searcher.doc_freq(PASSAGE, part) for part in parts)]
            if known and self._add_rare(self._phrase(known)):
                return True
        return False

    def _longer(self, terms: Sequence[str]) -> Query | None:
        """The terms that begin with a word, in any of its readings."""
        starts = [term for term in dict.fromkeys(terms) if len(term) >= _MIN_PREFIX_LETTERS]
        starts = [term for term in starts if not any(term != other and term.startswith(other) for other in starts)]
        if not starts:
            return None
        return any_of(
            [Query.fuzzy_term_query(self._schema, PASSAGE, term, distance=0, prefix=True) for term in starts]
        )

    def _add_rare(self, query: Query) -> bool:
        """Add a query in place of an unknown word, if it finds anything."""
        count = len(self._searcher.search(query, _MAX_NEAR_ENTRIES, count=False).hits)
        if not count:
            return False
        weight = len(_SCORED) * _inverse_frequency(count, self._entries)
        self.clauses.append((Occur.Should, Query.const_score_query(query, NEAR_SHARE * weight)))
        self.highest += _SATURATION * weight
        return True

    def _raise_phrase(self, readings: list[list[str]], boost: float = PHRASE_BOOST) -> None:
        self.clauses.append((Occur.Should, Query.boost_query(self._phrase(readings), boost)))

    def _weight(self, field: str, term: str) -> float:
        return _SATURATION * _inverse_frequency(self._searcher.doc_freq(field, term), self._entries)

    def _term(self, field: str, term: str) -> Query:
        return Query.term_query(self._schema, field, term)

    def _phrase(self, readings: list[list[str]]) -> Query:
        """Adjacent terms, in any of their readings."""
        if len(readings[0]) == 1:
            return any_of([self._term(PASSAGE, term) for term in dict.fromkeys(each[0] for each in readings)])
        return any_of([Query.phrase_query(self._schema, PASSAGE, [*terms]) for terms in readings])


def _inverse_frequency(count: int, entries: int) -> float:
    """BM25's weight of a term that occurs in `count` of all entries."""
    return math.log1p((entries - count + 0.5) / (count + 0.5))


def any_of(queries: list[Query]) -> Query:
    """Entries that match at least one of the queries."""
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])
