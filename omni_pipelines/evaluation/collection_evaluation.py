"""Measures the search of the real pipeline on a judged collection, and compares two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from pydantic import BaseModel, ValidationError

from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.evaluation.evaluation_home import build_base, finder, size_on_disk
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.quality.evaluation import ModeReport, Scores, evaluate, permutation_test
from omni_pipelines.knowledge.quality.judged_collections import JudgedCollection
from omni_pipelines.knowledge.search.options import Fusion, Mode
from omni_pipelines.steps.step import ConfiguredEngines

Measures = Mapping[str, float]
"""Measure → value, such as "ndcg@10" → 0.71."""


@dataclass(frozen=True)
class EvaluationReport:
    """How well and how fast a collection is searched."""

    collection: str
    documents: int
    queries: int
    modes: Mapping[str, Measures]
    """Mode → means over the judged queries."""
    ingest: Measures
    bytes: int
    comparison: Mapping[str, Measures] | None = None
    """Mode → difference from another run, and its p-value."""


class QueryScores(BaseModel):
    """The scores of every query of a run, in a file for a comparison with a later run."""

    schema_version: int = 1
    per_query: dict[str, dict[str, dict[str, float]]]
    """Mode → query → measure → value."""

    @classmethod
    def read(cls, path: Path) -> QueryScores:
        """Read a file that `write` wrote.

        Raises:
            ConfigurationError: it cannot be read, or holds something else.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            cure = "write it with: omni eval DIR --per-query FILE"
            raise ConfigurationError(f"{path} holds no scores", cure=cure) from error

    def write(self, path: Path) -> None:
        """Write the scores to a file."""
        path.write_bytes(orjson.dumps(self.model_dump(), option=orjson.OPT_INDENT_2))

    def compare(self, before: QueryScores) -> Mapping[str, Measures]:
        """For each mode of both runs: the mean difference over the queries of both, and its p-value."""
        compared = {}
        for mode in self.per_query.keys() & before.per_query.keys():
            queries = sorted(self.per_query[mode].keys() & before.per_query[mode].keys())
            if queries:
                now, then = ([run.per_query[mode][query]["ndcg@10"] for query in queries] for run in (self, before))
                difference = round((sum(now) - sum(then)) / len(queries), 5)
                p = round(permutation_test(now, then), 5)
                compared[mode] = {"queries": len(queries), "ndcg@10": difference, "p": p}
        return compared


def evaluate_collection(
    collection: JudgedCollection, home: Home, modes: Sequence[Mode], fusion: Fusion, feedback: bool | None
) -> tuple[EvaluationReport, QueryScores]:
    """Ingest a collection into a home of its own, and ask every judged query in every mode."""
    settings = load_settings(home).model_copy(update={"store": ""})  # a collection is published to nobody
    cpu = build_base(collection, home, settings, ConfiguredEngines(settings))
    librarian = Librarian.open(home)
    librarian.search("warm up", 1)  # so that the first query does not load the model
    evaluated = {
        str(mode): evaluate(collection, mode, finder(collection, librarian, mode, fusion, feedback)) for mode in modes
    }
    documents = len(collection.documents)
    report = EvaluationReport(
        collection=collection.name,
        documents=documents,
        queries=len(collection.queries),
        modes=_measures({mode: means for mode, (means, _) in evaluated.items()}),
        ingest={"cpu_seconds": round(cpu, 2), "documents_per_cpu_second": round(documents / max(cpu, 1e-9), 1)},
        bytes=size_on_disk(home),
    )
    return report, QueryScores(per_query={mode: _measures(scores) for mode, (_, scores) in evaluated.items()})


def _measures(scores: Mapping[str, Scores | ModeReport]) -> dict[str, dict[str, float]]:
    return {name: measured.model_dump(by_alias=True) for name, measured in scores.items()}
