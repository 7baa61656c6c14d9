"""Judged collections in the layout of BEIR: documents, queries, and which documents answer each query."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from omni_pipelines.errors import ConfigurationError

CORPUS, QUERIES, JUDGEMENTS = "corpus.jsonl", "queries.jsonl", "qrels/test.tsv"


class JudgedDocument(NamedTuple):
    """A document of a judged collection, or a query, which has no title."""

    key: str
    title: str
    text: str


@dataclass(frozen=True)
class JudgedCollection:
    """A folder with `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`."""

    name: str
    documents: tuple[JudgedDocument, ...]
    queries: Mapping[str, str]
    """Query key to text, in file order; only queries with a relevant document."""
    judgements: Mapping[str, Mapping[str, int]]
    """Query key to document key to grade; a grade above 0 is relevant."""


def load_collection(folder: Path) -> JudgedCollection:
    """Read a collection.

    Raises:
        ConfigurationError: a file is missing, a line cannot be read, or no query is judged.
    """
    judgements: dict[str, dict[str, int]] = {}
    for query, document, grade in _judgements(folder / JUDGEMENTS):
        judgements.setdefault(query, {})[document] = grade
    answerable = {query for query, grades in judgements.items() if any(grade > 0 for grade in grades.values())}
    queries = {each.key: each.text for each in _read(folder / QUERIES) if each.key in answerable}
    if not queries:
        raise ConfigurationError(f"no query of {folder} is judged", cure=f"check the ids in {JUDGEMENTS}")
    return JudgedCollection(folder.resolve().name, tuple(_read(folder / CORPUS)), queries, judgements)


def _read(path: Path) -> Iterator[JudgedDocument]:
    for number, line in enumerate(_lines(path), 1):
        try:
            row = json.loads(line)  # which reads NaN, as Python programs write it in metadata
            yield JudgedDocument(str(row["_id"]), row.get("title") or "", str(row["text"]))
        except (ValueError, KeyError, TypeError) as error:
            problem = f"{path} line {number} has no _id and text"
            raise ConfigurationError(problem, cure="write one JSON object per line") from error


def _judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    for number, row in enumerate(csv.reader(_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE), 1):
        if number == 1 and row[-1] == "score":
            continue
        try:
            query, document, grade = row
            yield query, document, int(grade)
        except ValueError as error:
            problem = f"{path} line {number} is not query, document, grade"
            raise ConfigurationError(problem, cure="separate them by tabs") from error


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cure = f"a collection has {CORPUS}, {QUERIES} and {JUDGEMENTS}"
        raise ConfigurationError(f"{path} cannot be read", cure=cure) from error
    return [line for line in text.split("\n") if line.strip()]
