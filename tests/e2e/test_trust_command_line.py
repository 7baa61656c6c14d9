"""Receipts, SQL, gates and entries on the command line, as a person meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from omni_pipelines.knowledge.answers.receipts import canonical_json
from tests.command import omni
from tests.samples.forged_receipts import resealed

pytestmark = pytest.mark.usefixtures("models")

NOTES = {
    "keys.md": "# Keys\n\nKeys are rotated with the rotate command every ninety days.\n",
    "otters.md": "# Otters\n\nOtters sleep holding hands, so that none drifts away.\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two notes, ingested once."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "docs").mkdir()
    for name, text in NOTES.items():
        (folder / "docs" / name).write_text(text)
    done = omni("ingest", "docs", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def receipt(folder: Path) -> Path:
    done = omni("ask", "How often are keys rotated?", "--receipt", "keys.json", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "receipt: keys.json\n")
    return folder / "keys.json"


def test_a_receipt_is_verified(folder: Path, receipt: Path) -> None:
    done = omni("verify", receipt.name, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("verified against release 1: ")
    assert "\nproven: this home gave this answer to this question\n" in done.stdout
    fields: Any = json.loads(omni("verify", receipt.name, "--json", cwd=folder).stdout)
    assert (fields["schema_version"], fields["verified"], fields["failures"]) == (1, True, [])


def test_a_tampered_receipt_is_not_and_the_field_is_named(folder: Path, receipt: Path) -> None:
    (folder / "tampered.json").write_text(receipt.read_text().replace("ninety", "twenty"))
    done = omni("verify", "tampered.json", cwd=folder)
    assert done.returncode == 1
    assert "sentences[0].quotes[0].quote: is not the text of its bytes: Keys are rotated" in done.stdout
    assert "checks failed" in done.stderr


def test_a_receipt_that_cannot_be_checked_is_not_told_as_wrong(folder: Path, receipt: Path) -> None:
    fields = json.loads(receipt.read_text())
    fields["home_key"] = fields["home_seal"] = ""
    (folder / "unsealed.json").write_bytes(canonical_json(resealed(fields)))
    done = omni("verify", "unsealed.json", cwd=folder)
    assert done.returncode == 2
    assert "not proven: this home gave this answer to this question: the receipt has no seal" in done.stdout
    assert "no check failed, but not all of this receipt could be checked here" in done.stderr


def test_a_receipt_that_is_none_is_a_mistake_of_the_command(folder: Path) -> None:
    assert omni("verify", "docs/keys.md", cwd=folder).returncode == 2
    assert omni("verify", "nowhere.json", cwd=folder).returncode == 2


def test_sql_answers_and_its_mistakes_are_mistakes_of_the_command(folder: Path) -> None:
    done = omni("sql", "select path from documents order by path", "--format", "csv", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "path\nkeys.md\notters.md\n")
    done = omni("sql", "select pth from documents", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean path?" in done.stderr


def test_answers_are_measured_by_questions_with_known_answers(folder: Path) -> None:
    keys = {"path": "keys.md", "quote": "Keys are rotated with the rotate command every ninety days."}
    questions = [
        {"id": "keys", "question": "How often are keys rotated?", "kind": "fact", "gold": [[keys]]},
        {"id": "boats", "question": "Who invented the sailing boat?", "kind": "fact", "missing": "domain"},
    ]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)))
    done = omni("eval", "--answers", "questions.jsonl", "--per-query", "results.jsonl", cwd=folder)
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    assert [(each["id"], each["outcome"]) for each in results] == [("keys", "right"), ("boats", "abstained")]
    fields: Any = json.loads(omni("eval", "--answers", "questions.jsonl", "--json", cwd=folder).stdout)
    assert fields["answerable"][0]["counts"]["right"] == 1


def texts_found(folder: Path) -> list[str]:
    """The texts of the hits, which stay the same while the file is another one."""
    found: Any = json.loads(omni("search", "otters", "--json", cwd=folder).stdout)
    return [hit["text"] for hit in found["hits"]]


def test_a_spoiled_ingest_is_stopped_by_the_gate_and_the_document_is_named(folder: Path) -> None:
    otters, before = folder / "docs" / "otters.md", texts_found(folder)
    done = omni("golden", "add", "How do otters sleep?", "docs/otters.md:3", cwd=folder)
    assert (done.returncode, done.stdout) == (0, f"{folder / 'golden.jsonl'}: 1 question\n")
    assert omni("golden", "check", cwd=folder).stdout == "release 1 has 1 of 1 cited passages\n"
    otters.write_text("# Lorem\n\nLorem ipsum dolor sit amet.\n")
    done = omni("ingest", cwd=folder)
    assert done.returncode == 1
    assert "the quality gate blocks this release: ndcg@10: 0.000" in done.stderr
    assert omni("gate", "show", cwd=folder).stdout.startswith("not passed, ")
    assert "docs/otters.md: worse answers to 'How do otters sleep?'" in omni("gate", "bisect", cwd=folder).stdout
    assert texts_found(folder) == before
    otters.write_text(NOTES["otters.md"])
    assert omni("ingest", cwd=folder).returncode == 0
