"""Golden labels whose document is gone: whether it was deleted on purpose, only a person knows."""

from collections.abc import Sequence

from omni_pipelines.home import Home
from omni_pipelines.knowledge.quality.golden_questions import GoldenLabel
from omni_pipelines.rows import DocumentRow
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.tables import read_rows


def deleted_labels(home: Home, labels: Sequence[GoldenLabel]) -> list[GoldenLabel]:
    """The labels whose document the next release does not have: it was deleted, or has another path now."""
    rows = read_rows(home, DOCUMENTS, DocumentRow, ["source", "path"])
    named = {(row["source"], row["path"]) for row in rows} | {("", row["path"]) for row in rows}
    return [label for label in labels if (label.source, label.path) not in named]


def deletion_note(deleted: Sequence[GoldenLabel]) -> str:
    """What a person should know and do about such labels; "" if there is none."""
    if not deleted:
        return ""
    paths = sorted({label.path for label in deleted})
    named = ", ".join(paths[:3]) + (" and others" if len(paths) > 3 else "")
    questions = len({label.question for label in deleted})
    cure = "if that is meant: omni golden remove --deleted"
    return f"documents of {questions} golden questions are gone ({named}); {cure}"
