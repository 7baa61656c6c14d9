"""Judged collections in the layout of BEIR: what to search, what is asked, and which documents answer it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from omni_pipelines.errors import ConfigurationError

CORPUS, QUERIES, JUDGEMENTS = "corpus.jsonl", "queries.jsonl", "qrels/test.tsv"


@dataclass(frozen=True)
class Judged:
    """A document of a collection."""

    key: str
    title: str
    text: str


@dataclass(frozen=True)
class Collection:
    """A folder with `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`."""

    name: str
    documents: tuple[Judged, ...]
    queries: Mapping[str, str]
    """Only those that are judged, in file order."""
    judgements: Mapping[str, Mapping[str, int]]
    """Query to document to grade; a grade above 0 is relevant."""


def load_collection(folder: Path) -> Collection:
    """Read a collection.

    Raises:
        ConfigurationError: a file is missing, a line cannot be read, or no query is judged.
    """
    judgements: dict[str, dict[str, int]] = {}
    for query, document, grade in _judgements(folder / JUDGEMENTS):
        judgements.setdefault(query, {})[document] = grade
    answerable = {query for query, grades in judgements.items() if any(grade > 0 for grade in grades.values())}
    queries = {row["_id"]: row["text"] for row in _rows(folder / QUERIES) if row["_id"] in answerable}
    if not queries:
        raise ConfigurationError(f"no query of {folder} is judged", cure=f"check the ids in {JUDGEMENTS}")
    documents = tuple(Judged(row["_id"], row.get("title") or "", row["text"]) for row in _rows(folder / CORPUS))
    return Collection(folder.resolve().name, documents, queries, judgements)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_open(path), 1):
        try:
            row = orjson.loads(line)
            row["_id"], row["text"] = str(row["_id"]), str(row["text"])
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{path} line {number} has no _id and text", cure="one JSON object a line"
            ) from error
        yield row


def _judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    for number, row in enumerate(csv.reader(_open(path), delimiter="\t", quoting=csv.QUOTE_NONE), 1):
        if number == 1 and row[-1] == "score":
            continue
        try:
            query, document, grade = row
            yield query, document, int(grade)
        except ValueError as error:
            what = f"{path} line {number} is not query, document, grade"
            raise ConfigurationError(what, cure="put tabs between them") from error


def _open(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cure = f"a collection has {CORPUS}, {QUERIES} and {JUDGEMENTS}"
        raise ConfigurationError(f"{path} cannot be read", cure=cure) from error
    return [line for line in text.split("\n") if line.strip()]
