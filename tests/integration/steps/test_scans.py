"""Scans and pictures in a home: named without text recognition, read with it, and marked where it is not sure."""

from __future__ import annotations

from pathlib import Path

import pytest

from native import text_recognition
from omni_pipelines.knowledge.search.hits import LOW_CONFIDENCE, doubt
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.knowledge.state.scans import recognition_hint, recognizable
from omni_pipelines.knowledge.state.status import status
from tests.integration.line import Line, refused, texts, write
from tests.samples.pdf import placed
from tests.samples.scans import GERMAN, PAGE, picture_file, scanned_pdf

needs_engine = pytest.mark.skipif(
    not text_recognition.installed(), reason=f"text recognition is an extra: {text_recognition.INSTALL}"
)


def with_ocr(line: Line, ocr: bool) -> None:
    line.settings = line.settings.model_copy(update={"ocr": ocr})


@needs_engine
def test_scans_are_read_once_the_setting_is_on_and_not_any_more_once_it_is_off(line: Line, docs: Path) -> None:
    text = placed((10, 50, "Otters are mentioned here."))
    files = {"a.pdf": scanned_pdf([PAGE]), "b.pdf": scanned_pdf([text, GERMAN]), "c.png": picture_file("PNG", PAGE)}
    line.add(write(docs, files))
    line.run()
    release = require_release(line.home, None)
    assert refused(line) == {"a.pdf": "E_NO_TEXT", "b.pdf": "E_PARTIAL"}
    assert status(line.home).recognizable == (2, 1)
    assert recognition_hint(recognizable(line.home, release)) == (
        "2 scans and 1 picture could be read: set ocr = true in omni.toml, and run omni ingest"
    )

    with_ocr(line, ocr=True)
    done = line.run()
    assert refused(line) == {}
    assert status(line.home).recognizable == (0, 0)
    assert "otters" in texts(line)["c.png"]
    hit = line.librarian().search("holts until noon", 1)[0]
    assert 0 < hit.confidence < 1
    assert done.documents.added == 2
    assert line.run().documents.unchanged == 3

    with_ocr(line, ocr=False)
    line.run()
    assert refused(line) == {"a.pdf": "E_NO_TEXT", "b.pdf": "E_PARTIAL"}


def test_without_the_extra_a_run_and_the_status_name_it(
    line: Line, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_recognition, "PACKAGE", "no_such_package")
    line.add(write(docs, {"a.pdf": scanned_pdf([PAGE])}))
    with_ocr(line, ocr=True)
    done = line.run()
    assert any(text_recognition.INSTALL in warning for warning in done.documents.warnings)
    assert text_recognition.INSTALL in recognition_hint(status(line.home).recognizable)


def test_words_that_are_not_sure_are_marked() -> None:
    assert doubt(1.0) == doubt(LOW_CONFIDENCE) == ""
    assert doubt(0.62) == "recognised in a picture, only 62% sure"
