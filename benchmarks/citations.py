"""Check that every citation is at exactly the bytes that it quotes.

    python -m benchmarks.citations COLLECTION... [--answers 500] [--seeds 5]

The documents of collections in BEIR layout are written in turn as UTF-8, UTF-16 and HTML and ingested by the real
pipeline. Their questions are asked until enough are answered. For each seed, sources of every kind with generated
documents of every format are ingested as well, all their passages are searched, and questions are asked about them.
Each citation is then opened as it is printed, and by its numbers alone: the bytes of the file if the text is that of
the file, otherwise those of the parsed text in the release.
"""

from __future__ import annotations

import argparse
import html
import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from omni_pipelines.configuration import load_settings
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.quality.judged_collections import JudgedCollection, JudgedDocument, load_collection
from omni_pipelines.knowledge.search.citations import file_of, is_inside_file, open_citation
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.options import MAX_QUERY_LENGTH, Mode
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import ConfiguredEngines
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.text.document_rows import parsed_document
from tests.samples.cited_sources import cited_sources

Cited = tuple[str, Citation | Hit]
"""A quote and what cites it."""
FORMS = ("utf-8", "utf-16", "html")


def main() -> None:
    """Print a row for each form of document. Exit with 1 if a citation is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="*", type=Path)
    parser.add_argument("--answers", type=int, default=500, help="number of answers from the collections")
    parser.add_argument("--seeds", type=int, default=0, help="number of generated sets of sources")
    options = parser.parse_args()
    collections = [load_collection(folder) for folder in options.collections]
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="omni-citations-") as scratch:
        if collections:
            home = Home(Path(scratch) / HOME_NAME)
            ingest(collections, Path(scratch) / "documents", home)
            wrong += report(home, cited_in(ask_until(Librarian.open(home), collections, options.answers)))
        for seed in range(1, options.seeds + 1):
            wrong += report_generated(Path(scratch) / f"seed-{seed}", seed)
    raise SystemExit(1 if wrong else 0)


def ingest(collections: Sequence[JudgedCollection], folder: Path, home: Home) -> None:
    """Write the documents in alternating forms, and publish a release of them."""
    folder.mkdir(parents=True)
    documents = (document for collection in collections for document in collection.documents)
    for number, document in enumerate(documents):
        write(folder, number, document)
    publish(home, register([], [folder])[0])


def publish(home: Home, sources: Sequence[Source]) -> None:
    """Publish a release of these sources."""
    home.create()
    settings = load_settings(home)
    save_sources(home, sources)
    run_pipeline(new_run(home, settings, ConfiguredEngines(settings), "citations"))


def report_generated(folder: Path, seed: int) -> int:
    """Open the citations of all passages of generated sources, and of answers about a tenth of them."""
    folder.mkdir()
    home = Home(folder / HOME_NAME)
    with cited_sources(folder, seed) as sources:
        publish(home, sources)
        librarian = Librarian.open(home)
        names = [source.name for source in sources]
        hits = [hit for name in names for hit in librarian.search("the", 1000, Mode.VECTOR, {"source": name})]
        asked = random.Random(seed).sample(hits, len(hits) // 10)
        answers = (librarian.ask(hit.text[:120], {"source": hit.source}, generate=False, keep=False) for hit in asked)
        print(f"\nseed {seed}")
        return report(home, [*((hit.text, hit) for hit in hits), *cited_in(answers)])


def cited_in(answers: Iterable[Answer]) -> list[Cited]:
    """The quotes of answers with their citations."""
    sentences = (sentence for answer in answers for sentence in answer.sentences)
    return [(citation.quote, citation) for sentence in sentences for citation in sentence.citations]


def write(folder: Path, number: int, document: JudgedDocument) -> None:
    """Write one document in one form."""
    form = FORMS[number % len(FORMS)]
    if form == "html":
        body = "".join(f"<p>{html.escape(line)}</p>\n" for line in document.text.splitlines())
        page = f"<!doctype html><meta charset=utf-8><title>{html.escape(document.title)}</title>\n{body}"
        (folder / f"{number}.html").write_text(page, "utf-8")
    else:
        (folder / f"{number}-{form}.md").write_text(f"# {document.title}\n\n{document.text}\n", form)


def ask_until(librarian: Librarian, collections: Sequence[JudgedCollection], most: int) -> Iterator[Answer]:
    """Yield at most `most` answers, the same number from each collection."""
    for number, collection in enumerate(collections, 1):
        given, share = 0, most * number // len(collections) - most * (number - 1) // len(collections)
        for question in collection.queries.values():
            answer = librarian.ask(question[:MAX_QUERY_LENGTH], generate=False)
            if not answer.abstained:
                given += 1
                yield answer
            if given == share:
                break


def report(home: Home, cited: Sequence[Cited]) -> int:
    """Print how many citations open at their quotes, and return how many do not."""
    snapshot = Snapshot.open(home)
    opened: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for quote, citation in cited:
        form = citation.encoding if citation.verbatim else "parsed text"
        opened[form] += 1
        wrong[form] += open_citation(snapshot, citation.citation).text != quote or quoted(snapshot, citation) != quote
    print("\n| text | citations | opened at exactly the quote |\n|---|---|---|")
    for form in sorted(opened):
        print(f"| {form} | {opened[form]} | {opened[form] - wrong[form]} |")
    return wrong.total()


def quoted(snapshot: Snapshot, citation: Citation | Hit) -> str:
    """Return the text at the bytes of a citation."""
    row = snapshot.document(snapshot.chunks([citation.chunk_id])[citation.chunk_id]["doc_id"])
    assert row is not None
    is_file = citation.verbatim and citation.uri.startswith("file:") and not is_inside_file(citation.uri)
    raw = file_of(citation.uri).read_bytes() if is_file else parsed_document(row).stored_bytes
    return raw[citation.start_byte : citation.end_byte].decode(citation.encoding if citation.verbatim else "utf-8")


if __name__ == "__main__":
    main()
