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
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.quality.judged_collections import load_collection
from omni_pipelines.knowledge.search.options import Fusion, Mode
from omni_pipelines.operations.collection_evaluation import EvaluationReport, QueryScores, evaluate_collection

FolderArgument = Annotated[Path, Argument(help="A folder with corpus.jsonl, queries.jsonl and qrels/test.tsv.")]
HomeOption = Annotated[
    Path | None, Option(help="Keep the knowledge base here for the next run. Default: a temporary one.")
]


@command(show_evaluation, around=showing_progress)
def evaluate(
    folder: FolderArgument,
    mode: Annotated[list[Mode] | None, Option(help="Only this mode. Repeatable.")] = None,
    fusion: FusionOption = Fusion.CONVEX,
    feedback: FeedbackOption = None,
    home: HomeOption = None,
    per_query: Annotated[Path | None, Option(help="Write the scores of every query to this file.")] = None,
    against: Annotated[Path | None, Option(help="Compare with a file of another run, by a paired test.")] = None,
) -> EvaluationReport:
    """Measure the search on a judged collection in the BEIR layout."""
    before = QueryScores.read(against) if against is not None else None
    collection = load_collection(folder)
    with tempfile.TemporaryDirectory(prefix="omni-eval-") as temporary:
        base = Home(Path(temporary) / HOME_NAME if home is None else home.expanduser().absolute())
        report, scores = evaluate_collection(collection, base, mode or list(Mode), fusion, feedback)
    if per_query is not None:
        scores.write(per_query)
        narrate(f"scores of every query: {per_query}")
    return replace(report, comparison=scores.compare(before)) if before is not None else report
