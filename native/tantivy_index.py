"""The keyword index: BM25 over chunks in Tantivy, with upserts by exact key."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import orjson

from native import tantivy_analysis as analysis
from native.durable import link_or_copy
from native.errors import IndexCorrupt, IndexMissing
from native.foreign_errors import INDEX, engine_errors
from native.query_words import QueryWord, content_forms, query_words, text_forms
from native.tantivy_entries import LANGUAGE, KeywordEntry, analyzed
from native.tantivy_keys import key_column, keys_at

if TYPE_CHECKING:
    import pyarrow as pa
    from tantivy import DocAddress, Index, IndexWriter, Searcher

    from native.tantivy_queries import QueryBuilder

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")

WRITER_HEAP_BYTES = 64 << 20
_MUTABLE_FILES = ("meta.json", ".managed.json")
"""Files that Tantivy replaces in place. A new generation copies them and hard-links the others."""
_WRITING = "the keyword index cannot be written"


def _reads(
    method: Callable[Concatenate[KeywordIndex, Arguments], Returned],
) -> Callable[Concatenate[KeywordIndex, Arguments], Returned]:
    """A method that reads files of the index: Tantivy panics where they are damaged."""

    @functools.wraps(method)
    def read(index: KeywordIndex, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Returned:
        with engine_errors(f"the keyword index at {index.folder} cannot be read", INDEX):
            return method(index, *args, **kwargs)

    return read


class KeywordIndex:
    """A generation of the keyword index in a folder. Readers see the last commit only."""

    def __init__(
        self,
        folder: Path,
        index: Index,
        filters: tuple[str, ...],
        links: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self.folder = folder
        self._links = links
        """Lives as long as the index, which was opened through it."""
        self._index = index
        self._filters = filters
        analysis.register(index)
        self._queries = self._query_builder()

    @classmethod
    def create(cls, folder: Path, filters: tuple[str, ...]) -> KeywordIndex:
        """Make a new, empty index. `filters` are the fields that searches can filter by."""
        import tantivy

        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, tantivy.Index(analysis.schema(filters), str(folder)), filters)

    @classmethod
    def open(cls, folder: Path, filters: tuple[str, ...]) -> KeywordIndex:
        """Open an existing index, also in a folder that nobody may write to.

        Raises:
            IndexMissing: there is no index in the folder.
            IndexCorrupt: its files cannot be read.
        """
        import tantivy

        cls.state_in(folder)
        with engine_errors(f"the keyword index at {folder} cannot be opened", INDEX, opening=True):
            if os.access(folder, os.W_OK):
                return cls(folder, tantivy.Index.open(str(folder)), filters)
            links = _links_to(folder)
            return cls(folder, tantivy.Index.open(links.name), filters, links)

    @staticmethod
    def state_in(folder: Path) -> bytes:
        """What the index in a folder consists of: it changes with each commit.

        Raises:
            IndexMissing: there is no index in the folder.
        """
        try:
            return (folder / "meta.json").read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise IndexMissing(f"there is no keyword index at {folder}", cure="run: omni ingest") from error

    @classmethod
    def clone(cls, source: Path, target: Path, filters: tuple[str, ...]) -> KeywordIndex:
        """Copy a generation. Immutable files are hard-linked, which is fast and needs no disk space."""
        target.mkdir(parents=True)
        for path in source.iterdir():
            if path.name.endswith(".lock"):
                continue
            if path.name in _MUTABLE_FILES:
                shutil.copyfile(path, target / path.name)
            else:
                link_or_copy(path, target / path.name)
        return cls.open(target, filters)

    def writer(self) -> KeywordWriter:
        """The writer of the index; there can be only one at a time. See `native.keyword_engine`.

        First it removes the leftovers of a killed commit: a file of deletions that no commit names would make every
        later commit fail.

        Raises:
            WriteConflict: another process has the writer.
        """
        with engine_errors(f"the keyword index at {self.folder} cannot be written", INDEX):
            writer = self._index.writer(WRITER_HEAP_BYTES, 1)
            writer.garbage_collect_files()
        return KeywordWriter(writer)

    @property
    def erased(self) -> bool:
        """Whether its files contain no deleted entry. Tantivy erases deleted entries when it merges segments."""
        meta = orjson.loads((self.folder / "meta.json").read_bytes())
        return not any(segment["deletes"] for segment in meta["segments"])

    @_reads
    def reload(self) -> None:
        """Show the writer's last commit to searches."""
        self._index.reload()
        self._queries = self._query_builder()

    def _query_builder(self) -> QueryBuilder:
        from native.tantivy_queries import QueryBuilder  # which imports tantivy

        searcher = self._index.searcher()
        languages = [
            language
            for language in analysis.STEMMED
            if LANGUAGE in self._filters and searcher.doc_freq(LANGUAGE, language)
        ]
        return QueryBuilder(self._index, analysis.Analyzers(languages))

    @property
    @_reads
    def size(self) -> int:
        """Number of entries."""
        return self._index.searcher().num_docs

    @_reads
    def keys(self) -> pa.StringArray:
        """The key of every entry; read from columns, which takes a tenth of the time of `fingerprints`."""
        searcher = self._index.searcher()
        return key_column(searcher, self._addresses(searcher, None))

    @_reads
    def fingerprints(self, keys: Sequence[str] | None = None) -> dict[str, str]:
        """Key to fingerprint, for every entry, or for those with these keys.

        Raises:
            IndexCorrupt: a key occurs twice.
        """
        searcher = self._index.searcher()
        fingerprints: dict[str, str] = {}
        for address in self._addresses(searcher, keys):
            document = searcher.doc(address)
            key = document["key"][0]
            if key in fingerprints:
                raise IndexCorrupt(f"{key} occurs twice in the keyword index", cure=INDEX.if_corrupt)
            fingerprints[key] = document["fingerprint"][0]
        return fingerprints

    def _addresses(self, searcher: Searcher, keys: Sequence[str] | None) -> list[DocAddress]:
        import tantivy

        if searcher.num_docs == 0:
            return []
        query = (
            tantivy.Query.all_query()
            if keys is None
            else tantivy.Query.term_set_query(self._index.schema, "key", list(keys))
        )
        return [address for _, address in searcher.search(query, searcher.num_docs, count=False).hits]

    @_reads
    def search(
        self,
        text: str,
        k: int,
        where: Mapping[str, str] | None = None,
        *,
        keys: list[str] | None = None,
        among: Mapping[str, list[str]] | None = None,
    ) -> list[tuple[str, float]]:
        """The best `k` keys with their BM25 scores (k1 1.2, b 0.75), highest first, ties by key.

        Args:
            text: any text. A query that is nothing but phrases in quotes finds entries with these phrases only.
            k: number of hits.
            where: filters, see `native.filters`.
            keys: score these entries only, for example the hits of another search.
            among: the allowed values of a field.
        """
        value_sets = {**(among or {}), **({"key": keys} if keys is not None else {})}
        query = self._queries.query(text, where or {}, value_sets)
        if query is None:
            return []
        searcher = self._index.searcher()
        hits = searcher.search(query, k, count=False).hits
        scored = zip(
            keys_at(searcher, [address for _, address in hits]), [float(score) for score, _ in hits], strict=True
        )
        return sorted(scored, key=lambda hit: (-hit[1], hit[0]))

    @_reads
    def highest_score(self, text: str) -> float:
        """The score of an imagined entry with all words of a query many times; 0 for a query without words."""
        return self._queries.highest_score(text)

    @_reads
    def query_words(self, text: str) -> list[QueryWord]:
        """The distinct words of a question without stop words, each with the number of entries that contain it."""
        analyzer = self._queries.content_analyzer(text)
        found = query_words(text, analyzer) if analyzer is not None else []
        counts = self.frequencies(form for word in found for form in word.forms)
        return [replace(word, count=sum(counts[form] for form in word.forms)) for word in found]

    @_reads
    def query_forms(self, text: str) -> set[str]:
        """The forms of the words of a query, without stop words unless it has nothing else."""
        analyzer = self._queries.content_analyzer(text)
        return content_forms(text, analyzer) if analyzer is not None else self.forms(text)

    def forms(self, text: str) -> set[str]:
        """The forms of all words of a text, as `query_words` gives those of a question."""
        return text_forms(text, self._queries.text_analyzer)

    @_reads
    def terms(self, text: str) -> list[str]:
        """The terms of a query, without stop words unless it has nothing else."""
        return self._queries.terms(text)

    @_reads
    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """Each term, as `terms` gives it, to the number of entries whose text, title, heading or path contains it."""
        searcher = self._index.searcher()
        fields = (analysis.PASSAGE, analysis.SPELLINGS, "pairs")
        return {term: max(searcher.doc_freq(name, term) for name in fields) for term in terms}


def _links_to(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """A temporary folder with links to the files of an index, because Tantivy makes a lock file beside them."""
    links = tempfile.TemporaryDirectory(prefix="omni-keyword-")
    for path in folder.iterdir():
        if not path.name.endswith(".lock"):
            Path(links.name, path.name).symlink_to(path.absolute())
    return links


class KeywordWriter:
    """The one writer of an index. Nothing is visible before `commit`."""

    def __init__(self, writer: IndexWriter) -> None:
        self._writer = writer

    def __enter__(self) -> KeywordWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.rollback()
        self.close()

    def upsert(self, entries: Iterable[KeywordEntry], have: Container[str] | None = None) -> int:
        """Replace the entries with these keys, or add them. Returns how many were given.

        `have` are the keys of the index, if the caller knows them and gives no key twice. Entries with other keys are
        only added: to look for one to replace would take a sixth of the time that Tantivy needs for an entry.
        """
        import tantivy

        count = 0
        for entry in analyzed(entries):
            if have is None or entry.key in have:
                self._writer.delete_documents_by_term("key", entry.key)
            self._writer.add_document(tantivy.Document(**entry.fields))
            count += 1
        return count

    def delete(self, keys: Iterable[str]) -> int:
        """Delete the entries with exactly these keys. Returns how many keys were given."""
        count = 0
        for key in keys:
            self._writer.delete_documents_by_term("key", key)
            count += 1
        return count

    def commit(self) -> None:
        """Make all writes visible and durable."""
        with engine_errors(_WRITING, INDEX):
            self._writer.commit()

    def rollback(self) -> None:
        """Discard what was not committed."""
        with engine_errors(_WRITING, INDEX):
            self._writer.rollback()

    def close(self) -> None:
        """Finish merges and release the lock. The writer cannot be used afterwards."""
        with engine_errors(_WRITING, INDEX):
            self._writer.wait_merging_threads()
