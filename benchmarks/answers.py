"""How often an extractive answer holds the gold answer, and how often it rightly stays away, as a table in Markdown.

    python -m benchmarks.answers COLLECTION [--absent COLLECTION...] [--home FOLDER] [--questions 120]

COLLECTION is in BEIR layout, its questions with `metadata.answers`, wordings of which one is to be quoted, or
`metadata.answer`, a text whose words are. The knowledge base holds every second subject: a file or page where the
keys of documents name their part of it behind a #, else a title. Questions about those are answerable; questions
about the other subjects, and those of other collections, are not.
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

from omni_pipelines.configuration import load_settings
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.answers.cited_answer import Answer
from omni_pipelines.knowledge.answers.evidence import MIN_EVIDENCE
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.quality.judged_collections import (
    QUERIES,
    JudgedCollection,
    JudgedDocument,
    load_collection,
)
from omni_pipelines.knowledge.search.options import MAX_QUERY_LENGTH
from omni_pipelines.operations.evaluation_home import build_base
from omni_pipelines.steps.step import ConfiguredEngines

THRESHOLDS = (0.35, 0.38, 0.41, 0.44, 0.47, 0.5)


def main() -> None:
    """Print the table, and what would abstain at other thresholds."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("collection", type=Path)
    asked.add_argument("--absent", nargs="*", type=Path, default=[])
    asked.add_argument("--home", type=Path, help="keep the knowledge base here, for the next run")
    asked.add_argument("--questions", type=int, default=120, help="ask at most so many of each kind")
    options = asked.parse_args()
    collection = load_collection(options.collection)
    kept = {subject for number, subject in enumerate(subjects(collection)) if number % 2 == 0}
    half = dataclasses.replace(
        collection, documents=tuple(each for each in collection.documents if subject_of(each) in kept)
    )
    with tempfile.TemporaryDirectory(prefix="omni-answers-") as scratch:
        home = Home((options.home or Path(scratch)) / HOME_NAME)
        settings = load_settings(home)
        build_base(half, home, settings, ConfiguredEngines(settings))
        report(Librarian.open(home), collection, half, options)


def subject_of(document: JudgedDocument) -> str:
    """What a document is about: what is withheld is withheld with all that says the same."""
    page, part, _ = document.key.partition("#")
    return page if part else document.title


def subjects(collection: JudgedCollection) -> list[str]:
    """Every subject once, in the order of the documents."""
    return list(dict.fromkeys(map(subject_of, collection.documents)))


def report(librarian: Librarian, collection: JudgedCollection, half: JudgedCollection, options: Any) -> None:
    """Ask, and say how it went."""
    there = {document.key for document in half.documents}
    answerable, removed = {}, []
    for key, text in collection.queries.items():
        about = {document for document, grade in collection.judgements[key].items() if grade > 0}
        if about <= there:
            answerable[key] = text
        elif not about & there:
            removed.append(text)
    chosen = drawn(sorted(answerable), options.questions)
    answers = {key: librarian.ask(answerable[key][:MAX_QUERY_LENGTH], generate=False) for key in chosen}
    print("| questions | asked | gold answer quoted | of a judged document | abstained |\n|---|---|---|---|---|")
    gold = gold_answers(options.collection)
    held = np.mean([holds(librarian, answer, gold[key]) for key, answer in answers.items()])
    judged = np.mean(
        [bool(sources(answer, half) & collection.judgements[key].keys()) for key, answer in answers.items()]
    )
    print(f"| answerable | {len(answers)} | {held:.1%} | {judged:.1%} | {abstained(list(answers.values())):.1%} |")
    asked = {"answerable": list(answers.values())}
    for name, texts in (("on subjects that were left out", removed), *others(options.absent)):
        texts = drawn(texts, options.questions)
        asked[name] = [librarian.ask(text[:MAX_QUERY_LENGTH], generate=False) for text in texts]
        print(f"| {name} | {len(texts)} | | | {abstained(asked[name]):.1%} |", flush=True)
    print(
        f"\nWhat would abstain at other thresholds than {MIN_EVIDENCE}:\n\n| | {' | '.join(map(str, THRESHOLDS))} |"
    )
    print("|---" * (len(THRESHOLDS) + 1) + "|")
    for name, found in asked.items():
        shares = (np.mean([answer.evidence < threshold for answer in found]) for threshold in THRESHOLDS)
        print(f"| {name} | {' | '.join(f'{share:.1%}' for share in shares)} |")


def sources(answer: Answer, half: JudgedCollection) -> set[str]:
    """The documents that are quoted, by key."""
    cited = (citation.path for sentence in answer.sentences for citation in sentence.citations)
    return {half.documents[int(path.removesuffix(".md"))].key for path in cited}


def others(folders: Sequence[Path]) -> list[tuple[str, list[str]]]:
    """Each other collection's name and questions."""
    loaded = [load_collection(folder) for folder in folders]
    return [(f"of {each.name}", list(each.queries.values())) for each in loaded]


def drawn(items: Sequence[str], most: int, seed: int = 0) -> list[str]:
    """At most so many, always the same ones."""
    count = min(most, len(items))
    return [items[at] for at in sorted(np.random.default_rng(seed).choice(len(items), count, replace=False))]


def gold_answers(folder: Path) -> dict[str, list[str] | str]:
    """Question to the wordings that are right, or to an answer in whole sentences."""
    rows = [orjson.loads(line) for line in (folder / QUERIES).read_bytes().splitlines()]
    return {str(row["_id"]): row["metadata"].get("answers") or row["metadata"]["answer"] for row in rows}


def holds(librarian: Librarian, answer: Answer, gold: list[str] | str) -> float:
    """Whether a right wording stands in the quoted sentences; of a whole answer, the share of its words that do."""
    quoted = " ".join(sentence.citations[0].quote for sentence in answer.sentences)
    if isinstance(gold, str):
        words = set(librarian._snapshot.keyword.terms(gold))
        return len(words & set(librarian._snapshot.keyword.terms(quoted))) / max(len(words), 1)
    return float(any(_flat(wording) in _flat(quoted) for wording in gold))


def abstained(answers: Sequence[Answer]) -> float:
    """The share that is no answer."""
    return float(np.mean([answer.abstained for answer in answers]))


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())


if __name__ == "__main__":
    main()
