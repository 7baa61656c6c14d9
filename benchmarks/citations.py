"""Check that every citation is at exactly the bytes that it quotes.

    python -m benchmarks.citations COLLECTION... [--answers 500]

The documents of collections in BEIR layout are written in turn as UTF-8, UTF-16 and HTML and ingested by the real
pipeline. Their questions are asked until enough are answered. Each citation is then opened by its numbers alone: the
bytes of the file if the text is that of the file, otherwise those of the parsed text in the release.
"""

from __future__ import annotations

import argparse
import html
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from omni_pipelines.configuration import load_settings
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.quality.judged_collections import JudgedCollection, JudgedDocument, load_collection
from omni_pipelines.knowledge.search.options import MAX_QUERY_LENGTH
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import ConfiguredEngines
from omni_pipelines.steps.step_table import new_run

FORMS = ("utf-8", "utf-16", "html")


def main() -> None:
    """Print a row for each form of document. Exit with 1 if a citation is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="+", type=Path)
    parser.add_argument("--answers", type=int, default=500, help="number of answers")
    options = parser.parse_args()
    collections = [load_collection(folder) for folder in options.collections]
    with tempfile.TemporaryDirectory(prefix="omni-citations-") as scratch:
        home = Home(Path(scratch) / HOME_NAME)
        ingest(collections, Path(scratch) / "documents", home)
        wrong = report(home, ask_until(Librarian.open(home), collections, options.answers))
    raise SystemExit(1 if wrong else 0)


def ingest(collections: Sequence[JudgedCollection], folder: Path, home: Home) -> None:
    """Write the documents in alternating forms, and publish a release of them."""
    folder.mkdir(parents=True)
    documents = (document for collection in collections for document in collection.documents)
    for number, document in enumerate(documents):
        write(folder, number, document)
    home.create()
    settings = load_settings(home)
    save_sources(home, register([], [folder])[0])
    run_pipeline(new_run(home, settings, ConfiguredEngines(settings), "citations"))


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


def report(home: Home, given: Iterator[Answer]) -> int:
    """Print how many citations are at their quotes, and return how many are not."""
    snapshot = Snapshot.open(home)
    opened: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    answers = list(given)
    for answer in answers:
        for citation in (citation for sentence in answer.sentences for citation in sentence.citations):
            form = citation.encoding if citation.verbatim else "parsed text"
            opened[form] += 1
            wrong[form] += quoted_bytes(snapshot, citation) != citation.quote
    print(f"{len(answers)} answers\n\n| text | citations | opened at exactly the quote |\n|---|---|---|")
    for form in sorted(opened):
        print(f"| {form} | {opened[form]} | {opened[form] - wrong[form]} |")
    return wrong.total()


def quoted_bytes(snapshot: Snapshot, citation: Citation) -> str:
    """Return the text at the bytes of a citation."""
    if citation.verbatim:
        raw = Path(url2pathname(urlsplit(citation.uri).path)).read_bytes()
        return raw[citation.start_byte : citation.end_byte].decode(citation.encoding)
    row = snapshot.document(snapshot.chunks([citation.chunk_id])[citation.chunk_id]["doc_id"])
    assert row is not None
    return str(row["text"]).encode()[citation.start_byte : citation.end_byte].decode()


if __name__ == "__main__":
    main()
