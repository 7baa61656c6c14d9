"""`omni golden`."""

from typing import Annotated

from typer import Argument

from omni_pipelines.cli.command import Fields, Result, Rows, command
from omni_pipelines.cli.dependencies import AnyHome, HomeSettings
from omni_pipelines.cli.text import line
from omni_pipelines.cli.views.quality import GoldenCheck, show_golden_check, show_golden_questions
from omni_pipelines.errors import CitationNotFound
from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.golden_questions import (
    GoldenLabel,
    label_citation,
    load_golden,
    locate_label,
    save_golden,
)
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.pipeline.writer_session import writer_session


@command(line("{golden}: {questions} questions"))
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
    error = CitationNotFound(message, cure=f"correct these lines of {home.golden}")
    return Result(result, error=error, is_document=False)


def _labels(home: Home) -> list[GoldenLabel]:
    return [label for labels in load_golden(home).values() for label in labels]
