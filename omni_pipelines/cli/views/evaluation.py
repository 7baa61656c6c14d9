"""What `omni eval` prints."""

from collections.abc import Mapping
from dataclasses import dataclass

from omni_pipelines.cli.output import say
from omni_pipelines.cli.text import Header, say_table

QUALITY = ("ndcg@10", "recall@10", "recall@100", "mrr@10", "judged@10")
COST = {"cpu_ms_per_query": "CPU ms/q", "queries_per_second": "queries/s"}


@dataclass(frozen=True)
class EvaluationReport:
    """How well and how fast a collection is searched."""

    collection: str
    documents: int
    queries: int
    modes: Mapping[str, Mapping[str, float]]
    """Mode → measure → mean over the judged queries."""
    ingest: Mapping[str, float]
    bytes: int
    comparison: Mapping[str, Mapping[str, float]] | None
    """Mode → difference from another run, and its p-value."""


def show_evaluation(report: EvaluationReport) -> None:
    """Print the measures of each mode, and the comparison with another run."""
    say(f"{report.collection}: {report.documents:,} documents, {report.queries:,} judged queries")
    rows = [
        (mode, *(f"{means[name]:.4f}" for name in QUALITY), *(f"{means[name]:.1f}" for name in COST))
        for mode, means in report.modes.items()
    ]
    say_table(("mode", *QUALITY, *COST.values()), rows, piped=Header.PLAIN)
    speed = report.ingest["documents_per_cpu_second"]
    say(f"ingest: {speed} documents per CPU second; {report.bytes / 1e6:.1f} MB")
    for mode, change in (report.comparison or {}).items():
        say(f"{mode}: ndcg@10 {change['ndcg@10']:+.4f} over {change['queries']} queries, p = {change['p']:.4f}")
