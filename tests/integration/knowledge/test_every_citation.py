"""Every citation that is printed opens at exactly the bytes of its quote, and every receipt of it is verified.

Sources of every kind hold documents of every format, with odd names, encodings and line ends. A failure shows the
seed, and OMNI_CITATIONS_SEED repeats a run.
"""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from omni_pipelines.cli.text import shell_word
from omni_pipelines.cli.views.search import SearchResult, show_answer, show_hits
from omni_pipelines.errors import CitationNotFound
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation
from omni_pipelines.knowledge.answers.receipts import receipt_bytes
from omni_pipelines.knowledge.answers.verification import verify_receipt
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.quality.golden_labels import label_citation, locate_label
from omni_pipelines.knowledge.search.citation_names import DocumentName, cited_name, named_documents
from omni_pipelines.knowledge.search.citations import file_of, find_document
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.sources.model.limits import SourceLimits
from omni_pipelines.sources.registry import save_sources
from omni_pipelines.text.document_rows import parsed_document
from tests.integration.line import Line
from tests.integration.web_site import IMPATIENT
from tests.samples.cited_sources import DAMAGED, cited_sources

SEED = int(os.environ.get("OMNI_CITATIONS_SEED", "0")) or random.SystemRandom().randrange(1, 10_000)
QUESTIONS = 100
SHOWN = 200
"""Citations that are opened as a person opens them, which takes .02 s each. Of the others, the bytes are compared."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    sys.stderr.write(f"OMNI_CITATIONS_SEED={SEED}\n")
    folder = tmp_path_factory.mktemp("library")
    line = Line(Home(folder / ".omni"), limits=SourceLimits(web=IMPATIENT))
    line.home.create()
    with cited_sources(folder, SEED) as sources:
        save_sources(line.home, sources)
        line.run()
        yield line


@pytest.fixture(scope="module")
def hits(library: Line) -> list[Hit]:
    """Every chunk of the release, or the one with the same text."""
    librarian = library.librarian()
    names = {row["source"] for row in library.rows("documents", "source")}
    return [hit for name in sorted(names) for hit in librarian.search("the", 1000, Mode.VECTOR, {"source": name})]


@pytest.fixture(scope="module")
def librarian(library: Line) -> Librarian:
    """The librarian that gives the answers and their receipts."""
    return library.librarian()


@pytest.fixture(scope="module")
def answers(librarian: Librarian, hits: list[Hit]) -> list[Answer]:
    """Answers to questions about sentences of all sources."""
    chosen = random.Random(SEED)
    given = []
    for hit in chosen.sample(hits, QUESTIONS):
        words = hit.text.split()
        begin = chosen.randrange(max(len(words) - 8, 1))
        given.append(librarian.ask(" ".join(words[begin : begin + 8]), {"source": hit.source}, keep=False))
    return [answer for answer in given if not answer.abstained]


def cited_bytes(row: dict[str, object], start: int, end: int) -> bytes:
    """The bytes of a range: from the file itself where the text is that of a file on this machine."""
    parsed = parsed_document(row)  # type: ignore[arg-type]
    is_file = parsed.verbatim and str(row["uri"]).startswith("file:")
    return (file_of(str(row["uri"])).read_bytes() if is_file else parsed.stored_bytes)[start:end]


def test_every_kind_of_source_and_format_is_cited(library: Line, hits: list[Hit]) -> None:
    quarantine = {(row["path"], row["code"]) for row in library.rows("quarantine")}
    assert quarantine == {(DAMAGED, "E_PARTIAL"), ("formats/a.pages", "E_PARTIAL")}
    sources = {hit.source for hit in hits}
    assert sources == {"docs", "docs-2", "notes.md", "handbook.zip", "project", "shop", "site"}
    suffixes = {Path(hit.path).suffix for hit in hits}
    assert len(suffixes) >= 22


def test_a_thousand_printed_citations_open_at_exactly_their_bytes(
    library: Line, hits: list[Hit], answers: list[Answer], capsys: pytest.CaptureFixture[str]
) -> None:
    librarian, rows = library.librarian(), {row["doc_id"]: row for row in library.rows("documents")}
    documents = {row["chunk_id"]: rows[row["doc_id"]] for row in library.rows("chunks", "chunk_id", "doc_id")}
    quotes = [cited for answer in answers for sentence in answer.sentences for cited in sentence.citations]
    cited: list[tuple[str, Hit | Citation]] = [
        *((hit.text, hit) for hit in hits),
        *((each.quote, each) for each in quotes),
    ]
    assert len(cited) >= 1000
    for text, at in cited:
        row = documents[at.chunk_id]
        raw = cited_bytes(row, at.start_byte, at.end_byte)
        assert raw.decode(str(row["encoding"]) if row["verbatim"] else "utf-8") == text
    for text, at in random.Random(SEED).sample(cited, SHOWN):
        shown = librarian.show(at.citation)
        assert (shown.citation, shown.text, shown.uri) == (at.citation, text, at.uri)
        assert shown.path == at.path
        assert (shown.start_byte, shown.end_byte) == (at.start_byte, at.end_byte)
        assert (shown.start_line, shown.end_line, shown.page) == (at.start_line, at.end_line, at.page)
    assert len({hit.citation for hit in hits}) == len(hits)
    show_hits(SearchResult(1, hits))
    printed = capsys.readouterr().out
    assert all(f"{hit.rank}. {shell_word(hit.citation)} " in printed for hit in hits)


def test_text_that_occurs_twice_is_cited_at_each_place(library: Line, hits: list[Hit]) -> None:
    """The archive and the repository hold the same files."""
    twice = library.librarian().search("the", 1000, Mode.VECTOR, {"path": "deep/er/plain.md"})
    others = [(other, hit) for hit in twice for other in hit.also_in]
    assert {other.source for other, _ in others} | {hit.source for _, hit in others} >= {"handbook.zip", "project"}
    for other, hit in others:
        shown = library.librarian().show(other.citation)
        assert (shown.text, shown.uri) == (hit.text, other.uri)


def test_every_receipt_is_verified(library: Line, librarian: Librarian, answers: list[Answer]) -> None:
    for answer in answers[:40]:
        checked = verify_receipt(library.home, receipt_bytes(librarian.receipt(answer)))
        assert (checked.failures, checked.unproven) == ((), ())


def test_a_receipt_with_the_citation_of_another_place_is_not_verified(
    library: Line, librarian: Librarian, answers: list[Answer]
) -> None:
    escaped = (each for each in answers if set(each.sentences[0].citations[0].citation) & set('\\"'))
    receipt = librarian.receipt(next(escaped, answers[0]))
    citation = receipt.sentences[0].quotes[0].citation
    written, other = (orjson.dumps(each)[1:-1] for each in (citation, f"{citation}9"))
    raw = receipt_bytes(receipt).replace(written, other)
    assert "sentences[0].quotes[0].citation" in {
        failure.field for failure in verify_receipt(library.home, raw).failures
    }


def test_answers_print_every_citation(answers: list[Answer], capsys: pytest.CaptureFixture[str]) -> None:
    for answer in answers:
        show_answer(answer)
        printed = capsys.readouterr().out
        for sentence in answer.sentences:
            assert all(shell_word(cited.citation) in printed for cited in sentence.citations)


def test_a_shell_reads_printed_citations_as_one_word_each(hits: list[Hit]) -> None:
    words = [shell_word(hit.citation) for hit in hits]
    assert [shlex.split(word) for word in words] == [[hit.citation] for hit in hits]
    script = "printf '%s\\n' " + " ".join(words)
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == [hit.citation for hit in hits]


def test_names_of_documents_are_unique_and_are_found_by_every_command(library: Line, hits: list[Hit]) -> None:
    snapshot, librarian = Snapshot.open(library.home), library.librarian()
    rows = library.rows("documents", "doc_id", "source", "path", "uri")
    known = [DocumentName(row["doc_id"], row["source"], row["path"], row["uri"]) for row in rows]
    for each in known:
        name = cited_name(each.source, each.path, each.uri)
        assert named_documents(name, known) == [each]
        assert find_document(snapshot, name) == each
        assert find_document(snapshot, each.uri) == each
    for hit in hits[:: len(hits) // 20]:
        assert find_document(snapshot, hit.citation).doc_id == hit.doc_id
        assert librarian.why_not("the", hit.citation).document == cited_name(hit.source, hit.path, hit.uri)
        label = label_citation(snapshot, "where?", hit.citation)
        located = locate_label(snapshot, label)
        assert located is not None
        indent = len(hit.text) - len(hit.text.lstrip())
        indent_bytes = len(hit.text[:indent].encode(hit.encoding if hit.verbatim else "utf-8"))
        assert (located.doc_id, located.start_byte) == (hit.doc_id, hit.start_byte + indent_bytes)


def test_end_of_a_path_that_two_sources_have_is_an_error_that_names_both(library: Line) -> None:
    with pytest.raises(CitationNotFound, match=r"fits \d+ documents: .*docs-2/plain.md"):
        library.librarian().show("plain.md:1")
