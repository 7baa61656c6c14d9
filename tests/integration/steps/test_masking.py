"""Masking in a run: no secret reaches a table, an index or an answer, and citations keep their lines."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.knowledge.state.status import status
from omni_pipelines.operations.scrub import scrub
from omni_pipelines.pipeline.staleness import stale_ingest
from omni_pipelines.settings import Settings
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.document_plan import plan_source
from omni_pipelines.steps.preview import documents_preview
from tests.integration.line import Line, settle, write
from tests.samples.office import docx, word_paragraph
from tests.samples.secrets import TOKENS

SECRET = TOKENS["github_token"](random.Random(3))
PASSWORD = "q8Zt!" + "w3Lp0xV"
TEXTS: dict[str, bytes] = {
    "deploy.md": f"# Deploy\n\nOtters swim.\n\nThe token is {SECRET}, and herons wait.\n".encode(),
    "settings.py": f'PASSWORD = "{PASSWORD}"\n\n\ndef swim():\n    return "otters"\n'.encode(),
    "page.html": f"<h1>Keys</h1><p>Herons use {SECRET} at night.</p>".encode(),
    "wide.txt": f"Otters: {SECRET}\r\nHerons wait.\r\n".encode("utf-16"),
    "paper.docx": docx(word_paragraph(SECRET, level=1) + word_paragraph(f"Otters keep {SECRET}.")),
    "clean.md": b"# Clean\n\nRivers run.\n",
}


def everything(folder: Path) -> bytes:
    """The bytes of all files in a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.fixture
def filled(line: Line, docs: Path) -> Line:
    write(docs, TEXTS)
    line.add(docs)
    line.run()
    return line


def test_home_contains_no_byte_of_a_secret(filled: Line, docs: Path) -> None:
    stored = everything(filled.home.root)
    for secret in (SECRET, PASSWORD):
        assert secret.encode() not in stored
        assert secret.encode("utf-16-le") not in stored
    texts = [row["text"] for name in ("documents", "chunks") for row in filled.rows(name, "text")]
    assert not [text for text in texts if SECRET[:8] in text or PASSWORD in text]
    assert not [text for text in filled.embedder.embedded if SECRET[:8] in text]
    assert [hit.path for hit in filled.search(SECRET, k=9) if SECRET in hit.text] == []


def test_findings_are_counted_and_shown_without_the_secrets(filled: Line, docs: Path) -> None:
    found = {
        row["path"]: (row["findings"], row["masked"])
        for row in filled.rows("documents", "path", "findings", "masked")
    }
    assert found["deploy.md"] == ('{"github_token":1}', 1)
    assert found["settings.py"] == ('{"password":1}', 1)
    assert found["clean.md"] == ("{}", 0)
    (source,) = status(filled.home).sources.values()
    assert source.masked == sum(count for _, count in found.values())
    (shown,) = documents_preview(filled.home)["Secrets and personal data"]
    assert shown["masked"] == source.masked
    assert SECRET[:8] not in str(shown)


def test_citation_of_masked_text_opens_at_its_line_without_the_secret(filled: Line, docs: Path) -> None:
    passage = filled.librarian().show("deploy.md:5-5")
    assert passage.lines == (f"The token is {'*' * len(SECRET)}, and herons wait.",)
    page = filled.librarian().show("page.html:1-1")
    assert SECRET not in "".join(page.lines)
    hit = next(hit for hit in filled.search("token herons", k=9) if hit.path == "deploy.md")
    raw = (docs / "deploy.md").read_bytes()[hit.start_byte : hit.end_byte].decode()
    assert raw.replace(SECRET, "*" * len(SECRET)) == hit.text


def test_release_with_masked_documents_passes_scrub(filled: Line) -> None:
    assert scrub(filled.home, require_release(filled.home)).damage == ()


def test_second_run_reads_no_file(filled: Line, docs: Path, reads: list[str]) -> None:
    filled.run()
    assert reads == []


def test_changed_masking_settings_read_again_only_documents_with_findings(filled: Line, reads: list[str]) -> None:
    open_line = replace(filled, settings=filled.settings.model_copy(update={"mask_secrets": False}))
    due, other = stale_ingest(filled.context), stale_ingest(open_line.context)
    assert due is None
    assert other is not None
    assert other.reason.startswith("source")
    open_line.run()
    assert sorted(set(reads)) == sorted(set(TEXTS) - {"clean.md"})
    assert SECRET in next(
        row["text"] for row in filled.rows("documents", "path", "text") if row["path"] == "deploy.md"
    )


def test_source_without_masking_keeps_its_secrets(line: Line, docs: Path) -> None:
    write(docs, TEXTS)
    (name,) = line.add(docs)
    settings = Settings.model_validate({**line.settings.model_dump(), "sources": {name: {"mask_secrets": False}}})
    report = replace(line, settings=settings).ingest()
    assert report.masked == 0
    assert SECRET in next(row["text"] for row in line.rows("documents", "path", "text") if row["path"] == "deploy.md")


def test_refusal_detail_contains_no_secret(line: Line, docs: Path) -> None:
    write(docs, {"bad.xml": f"<r><{SECRET}></r>".encode()})
    line.add(docs)
    line.ingest()
    (row,) = line.rows("quarantine", "code", "detail")
    assert row["code"] == "E_PARSE"
    assert SECRET not in row["detail"]


def test_plan_after_changed_masking_settings_reads_documents_with_findings(filled: Line) -> None:
    settle()
    (source,) = load_sources(filled.home)
    assert plan_source(filled.home, filled.settings, list_source(source)).to_read == ()
    changed = filled.settings.model_copy(update={"mask_secrets": False})
    assert len(plan_source(filled.home, changed, list_source(source)).to_read) == len(TEXTS) - 1
