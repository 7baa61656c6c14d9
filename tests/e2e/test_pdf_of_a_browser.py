"""A PDF that a browser wrote, with fonts of its own: what it printed is what is read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.samples.fidelity import compare
from tests.samples.manuscript import TITLE, WRITERS, manuscript

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which prints the page")
@pytest.mark.timeout(120)
def test_every_word_that_a_browser_prints_comes_back_in_order(tmp_path: Path) -> None:
    parts = manuscript()
    (tmp_path / "a.html").write_bytes(WRITERS["a.html"](parts))
    printing = [
        "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
        f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={tmp_path / 'a.pdf'}",
    ]  # fmt: skip
    page = (tmp_path / "a.html").as_uri()
    subprocess.run([str(BROWSER), *printing, page], capture_output=True, timeout=90, check=True)
    found = compare("a.pdf", (tmp_path / "a.pdf").read_bytes(), parts)
    assert (found.words, found.order, found.title) == (1.0, 1.0, True), TITLE
