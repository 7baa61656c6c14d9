"""`omni golden`."""

from typing import Annotated

from typer import Argument, Option

from omni_pipelines.cli.command import Fields, Result, Rows, command
from omni_pipelines.cli.dependencies import AnyHome, ExistingHome, HomeSettings
from omni_pipelines.cli.text import line
from omni_pipelines.cli.views.quality import GoldenCheck, show_golden_check, show_golden_questions
from omni_pipelines.errors import CitationNotFound, ConfigurationError, nearest
from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.golden_labels import label_citation, locate_label
from omni_pipelines.knowledge.quality.golden_questions import GoldenLabel, load_golden, save_golden
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.pipeline.writer_session import writer_session
from omni_pipelines.publishing.deleted_labels import deleted_labels


@command(line("{golden}: {questions:question}"))
def add(
    home: AnyHome,
    settings: HomeSettings,
    question: Annotated[str, Argument(help="A question.")],
    citation: Annotated[
        str, Argument(help="What answers it, as omni search prints it: PATH:LINE or PATH:LINE-LINE.")
    ],
) -> Fields:
    """Add a question and the lines that answer it.

    Where several passages answer a question, add it again with the lines of each.
    """
    label = label_citation(Snapshot.open(home), question, citation)
    with writer_session(home, settings):
        labels = _labels(home)
        if label not in labels:
            labels.append(label)
            save_golden(home, labels)
    return {"golden": home.golden, "questions": len({known.question for known in labels})}


@command(line("{golden}: {removed} removed, {questions:question}"))
def remove(
    home: ExistingHome,
    settings: HomeSettings,
    question: Annotated[str, Argument(help="A question from omni golden list.")] = "",
    deleted: Annotated[
        bool, Option("--deleted", help="All questions whose document was deleted from the sources.")
    ] = False,
) -> Fields:
    """Remove a question, or all questions whose document was deleted.

    The quality gate does not ask it any more. With --deleted, a question that other documents answer too stays,
    without the passages of the deleted documents.
    """
    if bool(question) == deleted:
        raise ConfigurationError("name a question, or give --deleted", cure="see: omni golden list")
    with writer_session(home, settings):
        labels = _labels(home)
        gone = deleted_labels(home, labels) if deleted else [each for each in labels if each.question == question]
        if question and not gone:
            cure = nearest(question, [each.question for each in labels], "see: omni golden list")
            raise ConfigurationError(f"there is no golden question {question!r}", cure=cure)
        kept = [each for each in labels if each not in gone]
        if gone:
            save_golden(home, kept)
    questions = {each.question for each in kept}
    removed = len({each.question for each in labels} - questions)
    return {"golden": home.golden, "removed": removed, "questions": len(questions)}


@command(show_golden_questions)
def list_(home: AnyHome) -> Rows[GoldenLabel]:
    """List the questions and the words that answer them."""
    return Rows("labels", _labels(home), golden=home.golden)


@command(show_golden_check)
def check(home: AnyHome) -> Result[GoldenCheck]:
    """Check that the newest release has every cited passage.

    The exit code is 1 if one is missing.
    """
    snapshot = Snapshot.open(home)
    labels = _labels(home)
    missing = [label for label in labels if locate_label(snapshot, label) is None]
    result = GoldenCheck(snapshot.release.release, len(labels), missing)
    if not missing:
        return Result(result)
    message = f"{len(missing)} of {len(labels)} cited passages are not in release {result.release}"
    error = CitationNotFound(message, cure=f"correct these lines of {home.golden}, or: omni golden remove")
    return Result(result, error=error, is_document=False)


def _labels(home: Home) -> list[GoldenLabel]:
    return [label for labels in load_golden(home).values() for label in labels]
