"""How often extractive answers quote the gold answer, and how often they correctly abstain, as a Markdown table.

    python -m benchmarks.answers COLLECTION [--absent COLLECTION...] [--home FOLDER] [--questions 120]

COLLECTION is in BEIR layout. Its questions have `metadata.answers`, wordings of which one must be quoted, or
`metadata.answer`, a text whose words should be quoted. The knowledge base contains every second subject. A subject is
a file or page if the keys of documents have the form SUBJECT#PART, otherwise a title. Questions on these subjects are
answerable; questions on the other subjects and of other collections are not.
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
    """Print the table, and the share of abstentions at other thresholds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path)
    parser.add_argument("--absent", nargs="*", type=Path, default=[])
    parser.add_argument("--home", type=Path, help="keep the knowledge base in this folder for the next run")
    parser.add_argument("--questions", type=int, default=120, help="maximum number of questions of each kind")
    options = parser.parse_args()
    collection = load_collection(options.collection)
    kept = {subject for number, subject in enumerate(subjects(collection)) if number % 2 == 0}
    half = dataclasses.replace(
        collection, documents=tuple(document for document in collection.documents if subject_of(document) in kept)
    )
    with tempfile.TemporaryDirectory(prefix="omni-answers-") as scratch:
        home = Home((options.home or Path(scratch)) / HOME_NAME)
        settings = load_settings(home)
        build_base(half, home, settings, ConfiguredEngines(settings))
        report(Librarian.open(home), collection, half, options)


def subject_of(document: JudgedDocument) -> str:
    """Return the subject of a document. All documents of a subject are withheld together."""
    page, part, _ = document.key.partition("#")
    return page if part else document.title


def subjects(collection: JudgedCollection) -> list[str]:
    """Return every subject once, in the order of the documents."""
    return list(dict.fromkeys(map(subject_of, collection.documents)))


def report(librarian: Librarian, collection: JudgedCollection, half: JudgedCollection, options: Any) -> None:
    """Ask the questions, and print the tables."""
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
    for name, texts in (("on withheld subjects", removed), *others(options.absent)):
        texts = drawn(texts, options.questions)
        asked[name] = [librarian.ask(text[:MAX_QUERY_LENGTH], generate=False) for text in texts]
        print(f"| {name} | {len(texts)} | | | {abstained(asked[name]):.1%} |", flush=True)
    print(f"\nAbstentions at thresholds other than {MIN_EVIDENCE}:\n\n| | {' | '.join(map(str, THRESHOLDS))} |")
    print("|---" * (len(THRESHOLDS) + 1) + "|")
    for name, given in asked.items():
        shares = (np.mean([answer.evidence < threshold for answer in given]) for threshold in THRESHOLDS)
        print(f"| {name} | {' | '.join(f'{share:.1%}' for share in shares)} |")


def sources(answer: Answer, half: JudgedCollection) -> set[str]:
    """Return the keys of the quoted documents."""
    cited = (citation.path for sentence in answer.sentences for citation in sentence.citations)
    return {half.documents[int(path.removesuffix(".md"))].key for path in cited}


def others(folders: Sequence[Path]) -> list[tuple[str, list[str]]]:
    """Return the name and the questions of each other collection."""
    loaded = [load_collection(folder) for folder in folders]
    return [(f"of {other.name}", list(other.queries.values())) for other in loaded]


def drawn(items: Sequence[str], most: int, seed: int = 0) -> list[str]:
    """Draw at most `most` items, always the same ones."""
    count = min(most, len(items))
    return [items[number] for number in sorted(np.random.default_rng(seed).choice(len(items), count, replace=False))]


def gold_answers(folder: Path) -> dict[str, list[str] | str]:
    """Return the correct wordings, or an answer in whole sentences, by question."""
    rows = [orjson.loads(line) for line in (folder / QUERIES).read_bytes().splitlines()]
    return {str(row["_id"]): row["metadata"].get("answers") or row["metadata"]["answer"] for row in rows}


def holds(librarian: Librarian, answer: Answer, gold: list[str] | str) -> float:
    """Return 1.0 if a correct wording is quoted, else 0.0; for a whole answer, the share of its quoted words."""
    quoted = " ".join(sentence.citations[0].quote for sentence in answer.sentences)
    if isinstance(gold, str):
        words = set(librarian._snapshot.keyword.terms(gold))
        return len(words & set(librarian._snapshot.keyword.terms(quoted))) / max(len(words), 1)
    return float(any(_flat(wording) in _flat(quoted) for wording in gold))


def abstained(answers: Sequence[Answer]) -> float:
    """Return the share of abstentions."""
    return float(np.mean([answer.abstained for answer in answers]))


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())


if __name__ == "__main__":
    main()
