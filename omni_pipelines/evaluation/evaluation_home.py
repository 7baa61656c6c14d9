"""Ingests a judged collection into a home of its own with the real pipeline, so that users get what is measured."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.quality.judged_collections import JudgedCollection, JudgedDocument
from omni_pipelines.knowledge.search.options import MAX_QUERY_LENGTH, Fusion, Mode
from omni_pipelines.operations.maintenance import bytes_on_disk
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.settings import Settings
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import Engines
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.text.code_detection import code_suffix

PROSE = ".md"
HITS_PER_DOCUMENT = 2
"""Hits requested for each wanted document, because a long document has several chunks."""


def build_base(collection: JudgedCollection, home: Home, settings: Settings, engines: Engines) -> float:
    """Ingest a collection, each document as a file, and publish it. Returns the CPU seconds of the run.

    Source code becomes a file of its language, everything else Markdown.
    """
    home.create()
    folder = home.root / "collection"
    folder.mkdir(exist_ok=True)
    wanted = set()
    for number, document in enumerate(collection.documents):
        path = folder / f"{number:07d}{code_suffix(document.text) or PROSE}"
        _write(path, document)
        wanted.add(path.name)
    for path in folder.iterdir():
        if path.name not in wanted:  # of an earlier run, when the document was another one
            path.unlink()
    sources, _ = register([], [folder])
    save_sources(home, sources)
    began = time.process_time()
    run_pipeline(new_run(home, settings, engines, "omni eval", allow_delete=True))
    return time.process_time() - began


def _write(path: Path, document: JudgedDocument) -> None:
    heading = f"# {document.title}\n\n" if document.title and not document.text.startswith(document.title) else ""
    if path.suffix not in (PROSE, ".py", ".rb"):
        heading = heading.replace("# ", "// ", 1)
    text = (heading + document.text or " ").encode("utf-8", "replace")
    if not path.exists() or path.read_bytes() != text:
        path.write_bytes(text)


def finder(
    collection: JudgedCollection,
    librarian: Librarian,
    mode: Mode,
    fusion: Fusion = Fusion.EVIDENCE,
    feedback: bool | None = None,
) -> Callable[[str, int], Sequence[str]]:
    """A function that returns the keys of at most `depth` documents for a query in one mode, best first."""

    def find(query: str, depth: int) -> Sequence[str]:
        k = HITS_PER_DOCUMENT * depth
        hits = librarian.search(query[:MAX_QUERY_LENGTH], k, mode, fusion=fusion, feedback=feedback)
        paths = (path for hit in hits for path in (hit.path, *(copy.path for copy in hit.also_in)))
        keys = dict.fromkeys(document_of(collection, path).key for path in paths)
        return list(keys)[:depth]

    return find


def document_of(collection: JudgedCollection, path: str) -> JudgedDocument:
    """The document that `build_base` wrote to this path."""
    return collection.documents[int(PurePosixPath(path).stem)]


def size_on_disk(home: Home) -> int:
    """Bytes of the tables and the keyword index."""
    return bytes_on_disk(home.tables) + bytes_on_disk(home.keyword)
