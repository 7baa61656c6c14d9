"""The keyword index: BM25 over chunks in Tantivy, exact-key upserts, queries that cannot crash.

Queries never reach Tantivy's parser: three thousand opening brackets kill the process there. Words become term
queries, quoted words become phrases that must match, and everything is capped first.
"""

from __future__ import annotations

import itertools
import math
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from native import tantivy_analysis as analysis
from native.errors import IndexCorrupt, IndexMissing, engine_errors
from native.filters import MODIFIED, days, folder

WRITER_HEAP_BYTES = 64 << 20
MAX_QUERY_CHARACTERS = 1_000
MAX_QUERY_TERMS = 64
PHRASE_BOOST = 1.5
AROUND_BOOST = 1.0
"""A passage and what stands around it count alike: Callan, "Passage-Level Evidence in Document Retrieval" (1994)."""
CONTEXT_BOOST = 0.5
"""Title, heading and path count half as much as the text."""
PARTS_BOOST = 0.2
"""Words inside an identifier: more than nothing, for `parseHeader` is about headers."""
LANGUAGE = "language"
"""The filter that says how a text is analyzed."""
_MUTABLE = ("meta.json", ".managed.json")
"""Files Tantivy replaces in place: a new generation copies them and hard-links the rest."""
_HASH = re.compile("[0-9a-f]{32}")
_SIGNED = 1 << 63
_PHRASE = re.compile(r'"[^"]*"')
_META = re.compile(r"[\\.+*?()|\[\]{}^$#&~-]")
"""What means something in a pattern of Tantivy's; it refuses escapes of anything else."""
_PART = re.compile(r'"([^"]*)"|([^\s"]+)')


@dataclass(frozen=True)
class Entry:
    """What is indexed of one chunk."""

    key: str
    fingerprint: str
    """Changes when anything below changes; compared with the table to find what to re-index."""
    text: str
    context: str
    """Title, heading and path."""
    filters: Mapping[str, str]
    around: str = ""
    """The text with what stands before and behind it: a short document as a whole."""
    day: int = 1
    """Of the last change, in UTC, as `date.toordinal` counts."""


class KeywordIndex:
    """A generation of the keyword index in a folder. Readers see the last commit and nothing else."""

    def __init__(self, folder: Path, index: Any, filters: tuple[str, ...]) -> None:
        self.folder = folder
        self._index = index
        self._filters = filters
        analysis.register(index)
        self._learn_languages()

    @classmethod
    def create(cls, folder: Path, filters: tuple[str, ...]) -> KeywordIndex:
        """A new, empty index; `filters` are fields that searches can be narrowed by, exactly."""
        import tantivy

        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, tantivy.Index(analysis.schema(filters), str(folder)), filters)

    @classmethod
    def open(cls, folder: Path, filters: tuple[str, ...]) -> KeywordIndex:
        """An index that is there.

        Raises:
            IndexMissing: nothing there.
            IndexCorrupt: its files cannot be read.
        """
        import tantivy

        if not (folder / "meta.json").is_file():
            raise IndexMissing(f"there is no keyword index at {folder}", cure="run: omni ingest")
        with engine_errors(
            f"the keyword index at {folder} cannot be opened",
            cure="run: omni ingest",
            missing=IndexMissing,
            corrupt=IndexCorrupt,
            otherwise=IndexCorrupt,
        ):
            return cls(folder, tantivy.Index.open(str(folder)), filters)

    @classmethod
    def clone(cls, source: Path, target: Path, filters: tuple[str, ...]) -> KeywordIndex:
        """A copy of a generation that shares its immutable files by hard links: fast, and no disk used twice."""
        target.mkdir(parents=True)
        for path in source.iterdir():
            if path.name.endswith(".lock"):
                continue
            if path.name in _MUTABLE:
                shutil.copyfile(path, target / path.name)
            else:
                os.link(path, target / path.name)
        return cls.open(target, filters)

    def writer(self) -> KeywordWriter:
        """The one writer; `native.keyword_engine` keeps one across writes.

        It begins by removing what a killed commit left behind: a file of deletions that no commit names makes every
        later commit fail.

        Raises:
            WriteConflict: another process holds it.
        """
        with engine_errors(f"the keyword index at {self.folder} cannot be written"):
            writer = self._index.writer(WRITER_HEAP_BYTES, 1)
            writer.garbage_collect_files()
        return KeywordWriter(writer)

    @property
    def erased(self) -> bool:
        """Whether no deleted entry lies in its files any more; Tantivy erases them when it merges."""
        meta = orjson.loads((self.folder / "meta.json").read_bytes())
        return not any(segment["deletes"] for segment in meta["segments"])

    def reload(self) -> None:
        """See what the writer committed."""
        self._index.reload()
        self._learn_languages()

    def _learn_languages(self) -> None:
        """Analyze queries as the documents at hand are."""
        searcher = self._index.searcher()
        known = LANGUAGE in self._filters
        self._analyzers = analysis.Analyzers(
            each for each in analysis.STEMMED if known and searcher.doc_freq(LANGUAGE, each)
        )

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(self._index.searcher().num_docs)

    def fingerprints(self) -> dict[str, str]:
        """Key to fingerprint, for every entry.

        Raises:
            IndexCorrupt: a key stands twice.
        """
        import tantivy

        searcher = self._index.searcher()
        found: dict[str, str] = {}
        if searcher.num_docs == 0:
            return found
        for _, address in searcher.search(tantivy.Query.all_query(), searcher.num_docs, count=False).hits:
            document = searcher.doc(address)
            key = document["key"][0]
            if key in found:
                raise IndexCorrupt(f"{key} stands twice in the keyword index", cure="run: omni ingest")
            found[key] = document["fingerprint"][0]
        return found

    def search(
        self,
        text: str,
        k: int,
        where: Mapping[str, str] | None = None,
        *,
        keys: list[str] | None = None,
        among: Mapping[str, list[str]] | None = None,
    ) -> list[tuple[str, float]]:
        """The best `k` keys with their BM25 scores (k1 1.2, b 0.75; higher is better), ties by key.

        Any text is a query. `"two words"` in quotes must stand in the chunk; `where` narrows to exact values, with
        `docs/**` to what lies below a folder, `modified` to days; `among` to any of several values of a field; `keys`
        narrows to these entries, to score what another list found.
        """
        import tantivy

        query = self._query(text)
        if query is None:
            return []
        parts = [(tantivy.Occur.Must, query)]
        sets = {**(among or {}), **({"key": keys} if keys is not None else {})}
        for narrowed in (
            *(self._narrowed(field, value) for field, value in (where or {}).items()),
            *(self._any_of(field, values) for field, values in sets.items()),
        ):
            parts.append((tantivy.Occur.Must, tantivy.Query.const_score_query(narrowed, 0.0)))
        searcher = self._index.searcher()
        whole = tantivy.Query.boolean_query(parts) if len(parts) > 1 else query
        hits = searcher.search(whole, k, count=False).hits
        found = zip(
            _keys(searcher, [address for _, address in hits]), (float(score) for score, _ in hits), strict=True
        )
        return sorted(found, key=lambda each: (-each[1], each[0]))

    def _narrowed(self, field: str, value: str) -> Any:
        import tantivy

        if field == MODIFIED:
            first, last = (day.toordinal() if day is not None else None for day in days(value))
            return tantivy.Query.range_query(self._index.schema, field, tantivy.FieldType.Integer, first, last)
        below = folder(value)
        if below is None:
            return tantivy.Query.term_query(self._index.schema, field, value, "basic")
        return tantivy.Query.regex_query(self._index.schema, field, _META.sub(r"\\\g<0>", below) + "(.|\\n)*")

    def _any_of(self, field: str, values: Sequence[str]) -> Any:
        """One of some values. Tantivy's own query for a set of terms takes twice as long, at any number of them."""
        import tantivy

        terms = [tantivy.Query.term_query(self._index.schema, field, value, "basic") for value in values]
        return _either(terms)

    def terms(self, text: str) -> list[str]:
        """The terms of a query, without stop words unless it has nothing else."""
        text = analysis.normal(text)
        return self._analyzers.of_query(text)[0].analyze(text)

    def _query(self, text: str) -> Any | None:
        import tantivy

        text = analysis.normal(text[:MAX_QUERY_CHARACTERS])[:MAX_QUERY_CHARACTERS]
        analyzer, bare = self._analyzers.of_query(_PHRASE.sub(" ", text))
        parts: list[tuple[Any, Any]] = []
        budget = MAX_QUERY_TERMS
        for match in _PART.finditer(text):
            phrase, word = match.groups()
            readings = bare.readings(phrase) if phrase else analyzer.readings(word or "")
            readings = [terms[:budget] for terms in readings]
            budget -= len(readings[0])
            if phrase and readings[0]:
                parts.append((tantivy.Occur.Must, self._phrase(readings)))
            else:
                parts += self._word(readings)
        parts += [
            (tantivy.Occur.Should, self._exact("pairs", pair))
            for pair in itertools.islice(analysis.character_pairs(text), MAX_QUERY_TERMS)
        ]
        return tantivy.Query.boolean_query(parts) if parts else None

    def _word(self, readings: list[list[str]]) -> list[tuple[Any, Any]]:
        import tantivy

        queries = [each for same in zip(*readings, strict=True) for each in self._any_reading(same)]
        if len(readings[0]) > 1:  # json.loads, snake_case: the parts side by side count more than apart
            boosted = tantivy.Query.boost_query(self._phrase(readings), PHRASE_BOOST)
            queries.append((tantivy.Occur.Should, boosted))
        return queries

    def _any_reading(self, terms: Sequence[str]) -> list[tuple[Any, Any]]:
        """One word as documents of each language have it: however rare one reading is, the word is as rare as all."""
        different = list(dict.fromkeys(terms))
        if len(different) == 1:
            return self._fields(different[0])
        searcher = self._index.searcher()
        counts = [searcher.doc_freq("text", term) for term in different]
        entries = max(searcher.num_docs, sum(counts))
        weight = _rarity(sum(counts), entries)
        return [
            each
            for term, count in zip(different, counts, strict=True)
            for each in self._fields(term, weight / _rarity(count, entries))
        ]

    def _fields(self, term: str, weight: float = 1.0) -> list[tuple[Any, Any]]:
        """A term in each field. In one flat list of terms, Tantivy skips what cannot come among the best k."""
        import tantivy

        text = self._exact("text", term)
        if weight != 1.0:
            text = tantivy.Query.boost_query(text, weight)
        boosted = (("around", AROUND_BOOST), ("context", CONTEXT_BOOST), ("parts", PARTS_BOOST))
        fields = [tantivy.Query.boost_query(self._exact(name, term), boost * weight) for name, boost in boosted]
        return [(tantivy.Occur.Should, query) for query in (text, *fields)]

    def _exact(self, field: str, term: str) -> Any:
        import tantivy

        return tantivy.Query.term_query(self._index.schema, field, term)

    def _phrase(self, readings: list[list[str]]) -> Any:
        """The terms side by side, in one of their readings."""
        import tantivy

        if len(readings[0]) == 1:
            return tantivy.Query.boolean_query(self._any_reading([term for (term,) in readings]))
        phrases = [tantivy.Query.phrase_query(self._index.schema, "text", terms) for terms in readings]
        return _either(phrases)


def _rarity(count: int, entries: int) -> float:
    """What BM25 takes for the weight of a term that stands in so many entries."""
    return math.log1p((entries - count + 0.5) / (count + 0.5))


def _either(queries: list[Any]) -> Any:
    """What one of several queries finds, or more of them."""
    import tantivy

    if len(queries) == 1:
        return queries[0]
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, each) for each in queries])


def _halves(key: str) -> dict[str, int]:
    """The numbers of a key that is a hash, with a sign, for others are not taken; another key has none."""
    halves = (int(key[:16], 16) - _SIGNED, int(key[16:], 16) - _SIGNED) if _HASH.fullmatch(key) else ()
    return dict(zip(analysis.KEY_HALVES, halves, strict=False))


def _keys(searcher: Any, addresses: list[Any]) -> list[str]:
    try:
        high, low = (searcher.fast_field_values(name, addresses) for name in analysis.KEY_HALVES)
    except ValueError:  # an index that was made before there were such columns
        high = low = [None] * len(addresses)
    return [
        searcher.doc(address)["key"][0] if first is None else f"{first + _SIGNED:016x}{second + _SIGNED:016x}"
        for address, first, second in zip(addresses, high, low, strict=True)
    ]


class KeywordWriter:
    """The one writer of an index; nothing is visible before `commit`."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def __enter__(self) -> KeywordWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.rollback()
        self.close()

    def upsert(self, entries: Iterable[Entry]) -> int:
        """Replace the entries with these keys, or add them. How many they were."""
        import tantivy

        count = 0
        for count, entry in enumerate(entries, 1):  # noqa: B007  # read after the loop
            self._writer.delete_documents_by_term("key", entry.key)
            text, language = analysis.normal(entry.text), entry.filters.get(LANGUAGE, "")
            self._writer.add_document(
                tantivy.Document(
                    key=entry.key,
                    **_halves(entry.key),
                    fingerprint=entry.fingerprint,
                    text=analysis.stems(text, language),
                    around=analysis.stems(analysis.normal(entry.around), language),
                    context=analysis.stems(analysis.normal(entry.context), language),
                    parts=" ".join(analysis.identifier_parts(text)),
                    pairs=" ".join(analysis.character_pairs(text)),
                    **{**entry.filters, MODIFIED: entry.day},
                )
            )
        return count

    def delete(self, keys: Iterable[str]) -> int:
        """Remove the entries with exactly these keys. How many keys they were."""
        count = 0
        for count, key in enumerate(keys, 1):  # noqa: B007  # read after the loop
            self._writer.delete_documents_by_term("key", key)
        return count

    def commit(self) -> None:
        """Make all of it visible and durable."""
        with engine_errors("the keyword index cannot be written"):
            self._writer.commit()

    def rollback(self) -> None:
        """Forget what was not committed."""
        self._writer.rollback()

    def close(self) -> None:
        """Finish merges and give the lock back. The writer cannot be used again."""
        self._writer.wait_merging_threads()
