"""`omni eval`."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import orjson
from pydantic import BaseModel, ValidationError
from typer import Argument, Option

from omni_pipelines.cli.command import command
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.progress_bar import showing_progress
from omni_pipelines.cli.search_options import FeedbackOption, FusionOption
from omni_pipelines.cli.views.evaluation import EvaluationReport, show_evaluation
from omni_pipelines.configuration import find_home, load_settings
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.quality.answer_questions import Half, load_questions, questions_of
from omni_pipelines.knowledge.quality.answer_scores import (
    AnswerReport,
    ask_questions,
    report_answers,
    result_lines,
)
from omni_pipelines.knowledge.quality.evaluation import ModeReport, Scores, evaluate, permutation_test
from omni_pipelines.knowledge.quality.gold_passages import QuotedTexts
from omni_pipelines.knowledge.quality.judged_collections import load_collection
from omni_pipelines.knowledge.search.options import Fusion, Mode
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.operations.evaluation_home import build_base, finder, size_on_disk
from omni_pipelines.steps.step import ConfiguredEngines


class ScoresFile(BaseModel):
    """The scores of every query of a run, for a comparison with a later one."""

    schema_version: int = 1
    per_query: dict[str, dict[str, dict[str, float]]]
    """Mode → query → measure → value."""


FolderArgument = Annotated[
    Path | None, Argument(help="A folder with corpus.jsonl, queries.jsonl and qrels/test.tsv.", show_default=False)
]
HomeOption = Annotated[
    Path | None,
    Option(
        help="Keep the knowledge base of the folder here for the next run; default: a temporary one. With --answers, "
        "the knowledge base that is asked; default: OMNI_HOME, or the nearest .omni folder."
    ),
]
AnswersOption = Annotated[
    Path | None,
    Option(
        "--answers", metavar="FILE", help="Measure answers instead: questions with the passages that answer them."
    ),
]


@command(show_evaluation, around=showing_progress)
def evaluate_quality(
    folder: FolderArgument = None,
    answers: AnswersOption = None,
    half: Annotated[Half, Option(help="With --answers: which questions, by a hash of their ids.")] = Half.ALL,
    generate: Annotated[bool, Option("--generate", help="With --answers: ask the language model.")] = False,
    mode: Annotated[list[Mode] | None, Option(help="Only this mode. Repeatable.")] = None,
    fusion: FusionOption = Fusion.CONVEX,
    feedback: FeedbackOption = None,
    home: HomeOption = None,
    per_query: Annotated[Path | None, Option(help="Write the scores of every query to this file.")] = None,
    against: Annotated[Path | None, Option(help="Compare with a file of another run, by a paired test.")] = None,
) -> EvaluationReport | AnswerReport:
    """Measure the search on a judged collection in the BEIR layout, or with --answers the answers of a home."""
    if (folder is None) == (answers is None):
        raise ConfigurationError("name either a folder or --answers FILE", cure="see: omni eval --help")
    if answers is not None:
        return _evaluate_answers(find_home(home), answers, half, per_query, generate=generate)
    assert folder is not None, "checked above"
    before = _read_scores(against) if against is not None else None
    modes = mode or list(Mode)
    collection = load_collection(folder)
    with _evaluation_home(home) as base:
        settings = load_settings(base).model_copy(update={"store": ""})  # a collection is published to nobody
        cpu = build_base(collection, base, settings, ConfiguredEngines(settings))
        librarian = Librarian.open(base)
        librarian.search("warm up", 1)  # so that the first query does not load the model
        evaluated = {
            str(name): evaluate(collection, name, finder(collection, librarian, name, fusion, feedback))
            for name in modes
        }
        size = size_on_disk(base)
    scores = ScoresFile(per_query={name: _measures(of_mode) for name, (_, of_mode) in evaluated.items()})
    if per_query is not None:
        per_query.write_bytes(orjson.dumps(scores.model_dump(), option=orjson.OPT_INDENT_2))
        narrate(f"scores of every query: {per_query}")
    documents = len(collection.documents)
    return EvaluationReport(
        collection=collection.name,
        documents=documents,
        queries=len(collection.queries),
        modes=_measures({name: means for name, (means, _) in evaluated.items()}),
        ingest={"cpu_seconds": round(cpu, 2), "documents_per_cpu_second": round(documents / max(cpu, 1e-9), 1)},
        bytes=size,
        comparison=_comparison(scores, before) if before is not None else None,
    )


def _evaluate_answers(
    home: Home, answers: Path, half: Half, per_query: Path | None, *, generate: bool
) -> AnswerReport:
    """Ask a home the questions of a file."""
    questions = questions_of(load_questions(answers), half)
    home.check()
    librarian = Librarian.open(home)
    librarian.search("warm up", 1)  # so that the first question does not load the model
    texts = QuotedTexts(Snapshot.open(home, librarian.release))
    results, left_out = ask_questions(
        questions, texts, lambda question: librarian.ask(question, generate=generate, keep=False)
    )
    if per_query is not None:
        per_query.write_bytes(result_lines(results))
        narrate(f"results of every question: {per_query}")
    return report_answers(results, left_out)


@contextmanager
def _evaluation_home(folder: Path | None) -> Iterator[Home]:
    """The home in this folder, or one that is deleted after the block."""
    if folder is not None:
        yield Home(folder.expanduser().absolute())
        return
    with tempfile.TemporaryDirectory(prefix="omni-eval-") as temporary:
        yield Home(Path(temporary) / HOME_NAME)


def _measures(scores: Mapping[str, Scores | ModeReport]) -> dict[str, dict[str, float]]:
    return {name: measured.model_dump(by_alias=True) for name, measured in scores.items()}


def _comparison(scores: ScoresFile, before: ScoresFile) -> dict[str, dict[str, float]]:
    """For each mode of both runs: the mean difference over the queries of both, and its p-value."""
    compared = {}
    for mode in scores.per_query.keys() & before.per_query.keys():
        queries = sorted(scores.per_query[mode].keys() & before.per_query[mode].keys())
        if queries:
            now, then = ([run.per_query[mode][query]["ndcg@10"] for query in queries] for run in (scores, before))
            difference = round((sum(now) - sum(then)) / len(queries), 5)
            p = round(permutation_test(now, then), 5)
            compared[mode] = {"queries": len(queries), "ndcg@10": difference, "p": p}
    return compared


def _read_scores(path: Path) -> ScoresFile:
    try:
        return ScoresFile.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        cure = "write it with: omni eval DIR --per-query FILE"
        raise ConfigurationError(f"{path} holds no scores", cure=cure) from error
