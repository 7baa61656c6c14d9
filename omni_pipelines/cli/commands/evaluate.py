"""`omni eval`."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import command
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.progress_bar import showing_progress
from omni_pipelines.cli.search_options import FeedbackOption, FusionOption
from omni_pipelines.cli.views.evaluation import show_evaluation
from omni_pipelines.configuration import find_home
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.evaluation.answer_evaluation import evaluate_answers
from omni_pipelines.evaluation.answer_questions import Half, load_questions, questions_of
from omni_pipelines.evaluation.answer_scores import AnswerReport, report_answers, result_lines
from omni_pipelines.evaluation.collection_evaluation import EvaluationReport, QueryScores, evaluate_collection
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.quality.judged_collections import load_collection
from omni_pipelines.knowledge.search.options import Fusion, Mode

FolderArgument = Annotated[
    Path | None, Argument(help="A folder with corpus.jsonl, queries.jsonl and qrels/test.tsv.", show_default=False)
]
AnswersOption = Annotated[
    Path | None,
    Option(
        "--answers", metavar="FILE", help="Measure answers: a file of questions with the passages that answer them."
    ),
]
HomeOption = Annotated[
    Path | None,
    Option(
        help="Keep the knowledge base of the folder here for the next run; default: a temporary one. With --answers: "
        "the knowledge base that is asked; default: OMNI_HOME, or the nearest .omni folder."
    ),
]


@command(show_evaluation, around=showing_progress)
def evaluate(
    folder: FolderArgument = None,
    answers: AnswersOption = None,
    half: Annotated[
        Half, Option(help="With --answers: ask only this half of the questions; a hash of its id puts each into one.")
    ] = Half.ALL,
    generate: Annotated[bool, Option("--generate", help="With --answers: ask the language model.")] = False,
    mode: Annotated[list[Mode] | None, Option(help="Only this mode. Repeatable.")] = None,
    fusion: FusionOption = Fusion.EVIDENCE,
    feedback: FeedbackOption = None,
    home: HomeOption = None,
    per_query: Annotated[
        Path | None, Option(metavar="FILE", help="Write the scores of every query to this file.")
    ] = None,
    against: Annotated[
        Path | None, Option(metavar="FILE", help="Compare with a file of another run, by a paired test.")
    ] = None,
) -> EvaluationReport | AnswerReport:
    """Measure the search on a judged collection, or the answers of a home."""
    if answers is not None and folder is None:
        return _answers(find_home(home), answers, half, per_query, generate=generate)
    if answers is not None or folder is None:
        raise ConfigurationError("name either a folder or --answers FILE", cure="see: omni eval --help")
    before = QueryScores.read(against) if against is not None else None
    collection = load_collection(folder)
    with tempfile.TemporaryDirectory(prefix="omni-eval-") as temporary:
        base = Home(Path(temporary) / HOME_NAME if home is None else home.expanduser().absolute())
        report, scores = evaluate_collection(collection, base, mode or list(Mode), fusion, feedback)
    if per_query is not None:
        scores.write(per_query)
        narrate(f"scores of every query: {per_query}")
    return replace(report, comparison=scores.compare(before)) if before is not None else report


def _answers(home: Home, path: Path, half: Half, per_query: Path | None, *, generate: bool) -> AnswerReport:
    home.check()
    results, left_out = evaluate_answers(home, questions_of(load_questions(path), half), generate=generate)
    if per_query is not None:
        per_query.write_bytes(result_lines(results))
        narrate(f"results of every question: {per_query}")
    return report_answers(results, left_out)
