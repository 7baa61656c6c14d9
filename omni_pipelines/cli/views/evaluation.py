"""What `omni eval` prints."""

from omni_pipelines.cli.output import say
from omni_pipelines.cli.text import Header, say_table
from omni_pipelines.operations.collection_evaluation import EvaluationReport

QUALITY = ("ndcg@10", "recall@10", "recall@100", "mrr@10", "judged@10")
COST = {"cpu_ms_per_query": "CPU ms/q", "queries_per_second": "queries/s"}


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
