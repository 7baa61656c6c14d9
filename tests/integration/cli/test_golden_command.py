"""`omni golden remove`: a question by its words, and all whose document was deleted on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.quality.golden_questions import GoldenLabel, load_golden, save_golden
from tests.integration.line import Line, write

WHERE = "Where do otters sleep?"
WHAT = "What do walruses eat?"


@pytest.fixture
def asked(line: Line, docs: Path) -> Line:
    """Two questions; two documents answer the first one."""
    text = "Otters sleep in kelp. Walruses eat clams."
    write(docs, {"a.md": text, "b.md": text, "c.md": text})
    line.add(docs)
    labels = [
        GoldenLabel(question=WHERE, path="a.md", source="docs", quote="Otters sleep"),
        GoldenLabel(question=WHERE, path="b.md", source="docs", quote="Otters sleep"),
        GoldenLabel(question=WHAT, path="c.md", quote="Walruses eat"),
    ]
    line.ingest()
    save_golden(line.home, labels)
    return line


def remove(line: Line, *arguments: str) -> str:
    words = ["golden", "remove", *arguments, "--home", str(line.home.root)]
    return CliRunner().invoke(app, words, catch_exceptions=False).stdout


def test_golden_remove_removes_all_passages_of_a_question(asked: Line) -> None:
    assert remove(asked, WHERE) == f"{asked.home.golden}: 1 removed, 1 question\n"
    assert list(load_golden(asked.home)) == [WHAT]


def test_golden_remove_deleted_keeps_what_another_document_answers(asked: Line, docs: Path) -> None:
    for name in ("a.md", "c.md"):
        (docs / name).unlink()
    asked.ingest(allow_delete=True)
    assert remove(asked, "--deleted") == f"{asked.home.golden}: 1 removed, 1 question\n"
    assert {question: [each.path for each in labels] for question, labels in load_golden(asked.home).items()} == {
        WHERE: ["b.md"]
    }


def test_golden_remove_deleted_without_a_deleted_document_removes_nothing(asked: Line) -> None:
    assert "0 removed, 2 questions" in remove(asked, "--deleted")


@pytest.mark.parametrize("arguments", [(), (WHERE, "--deleted")])
def test_golden_remove_takes_either_a_question_or_all_deleted(asked: Line, arguments: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="name a question, or give --deleted"):
        remove(asked, *arguments)


def test_golden_remove_of_an_unknown_question_names_the_nearest(asked: Line) -> None:
    with pytest.raises(ConfigurationError, match="no golden question") as refused:
        remove(asked, "Where do otters slep?")
    assert WHERE in refused.value.cure
