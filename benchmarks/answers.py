"""How often an extractive answer holds the gold answer, and how often it rightly stays away, as a table in Markdown.

    python -m benchmarks.answers COLLECTION [--absent COLLECTION...] [--home FOLDER] [--questions 120]

COLLECTION is in BEIR layout, its questions with `metadata.answers`. The knowledge base holds every second title.
Questions about those are answerable; questions about the other titles, and those of other collections, are not.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from omni_pipelines.ingest.collection import build_base
from omni_pipelines.ingest.line import LineEngines
from omni_pipelines.knowledge.answers import WEAK, Answer
from omni_pipelines.knowledge.collections import QUERIES, Collection, load_collection
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.search import MOST_CHARACTERS
from omni_pipelines.settings import HOME_NAME, Home, load_settings

SHARES = (0.05, 0.1)
"""Shares of the answerable questions that a threshold would give up."""


def main() -> None:
    """Print the table, and the evidence below which given shares of the answerable questions lie."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("collection", type=Path)
    asked.add_argument("--absent", nargs="*", type=Path, default=[])
    asked.add_argument("--home", type=Path, help="keep the knowledge base here, for the next run")
    asked.add_argument("--questions", type=int, default=120, help="ask at most so many of each kind")
    options = asked.parse_args()
    collection = load_collection(options.collection)
    kept = {title for number, title in enumerate(titles(collection)) if number % 2 == 0}
    with tempfile.TemporaryDirectory(prefix="omni-answers-") as scratch:
        librarian = half_of_it(collection, kept, Home((options.home or Path(scratch)) / HOME_NAME))
        report(librarian, collection, kept, options)


def titles(collection: Collection) -> list[str]:
    """Every title once, in the order of the documents."""
    return list(dict.fromkeys(document.title for document in collection.documents))


def half_of_it(collection: Collection, kept: set[str], home: Home) -> Librarian:
    """The librarian of a base with the documents of some titles alone."""
    documents = tuple(document for document in collection.documents if document.title in kept)
    settings = load_settings(home)
    build_base(dataclasses.replace(collection, documents=documents), home, settings, LineEngines.load(settings))
    return Librarian.open(home)


def report(librarian: Librarian, collection: Collection, kept: set[str], options: Any) -> None:
    """Ask, and say how it went."""
    title = {document.key: document.title for document in collection.documents}
    answerable, removed = {}, []
    for key, text in collection.queries.items():
        about = {title[document] for document, grade in collection.judgements[key].items() if grade > 0}
        if about <= kept:
            answerable[key] = text
        elif not about & kept:
            removed.append(text)
    chosen = drawn(sorted(answerable), options.questions)
    answers = [librarian.ask(answerable[key], generate=False) for key in chosen]
    gold = gold_answers(options.collection)
    held = [holds(answer, gold[key]) for key, answer in zip(chosen, answers, strict=True)]
    print("| questions | asked | gold answer quoted | abstained |\n|---|---|---|---|")
    print(f"| answerable | {len(answers)} | {np.mean(held):.1%} | {abstained(answers):.1%} |")
    for name, texts in (("on titles that were left out", removed), *others(options.absent)):
        found = [librarian.ask(text[:MOST_CHARACTERS], generate=False) for text in drawn(texts, options.questions)]
        print(f"| {name} | {len(found)} | | {abstained(found):.1%} |", flush=True)
    evidence = [answer.evidence for answer in answers]
    marks = ", ".join(f"{share:.0%} below {np.quantile(evidence, share):.3f}" for share in SHARES)
    print(f"\nWEAK is {WEAK}. Evidence of the answerable questions: {marks}.")


def others(folders: Sequence[Path]) -> list[tuple[str, list[str]]]:
    """Each other collection's name and questions."""
    loaded = [load_collection(folder) for folder in folders]
    return [(f"of {each.name}", list(each.queries.values())) for each in loaded]


def drawn(items: Sequence[str], most: int, seed: int = 0) -> list[str]:
    """At most so many, always the same ones."""
    count = min(most, len(items))
    return [items[at] for at in sorted(np.random.default_rng(seed).choice(len(items), count, replace=False))]


def gold_answers(folder: Path) -> dict[str, list[str]]:
    """Question to the wordings that are right."""
    rows = [orjson.loads(line) for line in (folder / QUERIES).read_bytes().splitlines()]
    return {str(row["_id"]): row["metadata"]["answers"] for row in rows}


def holds(answer: Answer, gold: Sequence[str]) -> bool:
    """Whether a right wording stands in the quoted sentences."""
    quoted = _flat(" ".join(sentence.citations[0].quote for sentence in answer.sentences))
    return any(_flat(wording) in quoted for wording in gold)


def abstained(answers: Sequence[Answer]) -> float:
    """The share that is no answer."""
    return float(np.mean([answer.abstained for answer in answers]))


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())


if __name__ == "__main__":
    main()
