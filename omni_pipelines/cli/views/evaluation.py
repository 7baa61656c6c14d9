"""What `omni eval` prints."""

from collections.abc import Sequence

from omni_pipelines.amounts import counted
from omni_pipelines.cli.output import say
from omni_pipelines.cli.text import Header, say_table
from omni_pipelines.evaluation.answer_scores import AnswerReport, Outcome, OutcomeShares
from omni_pipelines.evaluation.collection_evaluation import EvaluationReport

QUALITY = ("ndcg@10", "recall@10", "recall@100", "mrr@10", "judged@10")
COST = {"cpu_ms_per_query": "CPU ms/q", "queries_per_second": "queries/s"}


def show_evaluation(report: EvaluationReport | AnswerReport) -> None:
    """Print the measures of a search, or those of answers."""
    if isinstance(report, AnswerReport):
        show_answers(report)
    else:
        _show_search(report)


def show_answers(report: AnswerReport) -> None:
    """Print how many answers are right, by kind of question, and the curve of risk against coverage."""
    _say_shares(report.answerable, (Outcome.RIGHT, Outcome.PARTLY, Outcome.WRONG, Outcome.ABSTAINED))
    say("")
    _say_shares(report.unanswerable, (Outcome.ABSTAINED, Outcome.INVENTED))
    say("\nif only the answers with the most evidence were given:")
    rows = [
        (f"{point.coverage:.1%}", f"{point.evidence:.3f}", f"{point.risk:.1%}", f"{point.misleading:.1%}")
        for point in report.curve
    ]
    say_table(("of all questions", "evidence from", "not right", "wrong or invented"), rows, piped=Header.PLAIN)
    length, cost = report.quoted_characters, report.cpu_ms_per_question
    say(f"\n{length:.0f} characters quoted per answer; {cost:.0f} CPU ms per question")
    for reason in report.left_out:
        say(f"left out: {reason}")


def _say_shares(groups: Sequence[OutcomeShares], outcomes: Sequence[Outcome]) -> None:
    rows = [
        (group.name, group.questions, *(f"{group.share(outcome):.1%}" for outcome in outcomes)) for group in groups
    ]
    say_table(("questions", "asked", *outcomes), rows, piped=Header.PLAIN)


def _show_search(report: EvaluationReport) -> None:
    """Print the measures of each mode, and the comparison with another run."""
    say(f"{report.collection}: {counted(report.documents, 'document')}, {counted(report.queries, 'judged query')}")
    rows = [
        (mode, *(f"{means[name]:.4f}" for name in QUALITY), *(f"{means[name]:.1f}" for name in COST))
        for mode, means in report.modes.items()
    ]
    say_table(("mode", *QUALITY, *COST.values()), rows, piped=Header.PLAIN)
    speed = report.ingest["documents_per_cpu_second"]
    say(f"ingest: {speed} documents per CPU second; {report.bytes / 1e6:.1f} MB")
    for mode, change in (report.comparison or {}).items():
        say(f"{mode}: ndcg@10 {change['ndcg@10']:+.4f} over {change['queries']} queries, p = {change['p']:.4f}")
