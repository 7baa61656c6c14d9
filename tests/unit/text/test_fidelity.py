"""How much of a real text each reader returns, as docs/reference/formats.md reports it."""

from __future__ import annotations

import pytest

from omni_pipelines.text.readers.formats import READERS, UNCONVERTED
from omni_pipelines.text.readers.registry import reader_for
from tests.samples.fidelity import PAGE, measure, page
from tests.samples.manuscript import WRITERS, manuscript


@pytest.mark.parametrize("name", WRITERS)
def test_every_reader_returns_every_word_in_order(name: str) -> None:
    found = measure(name, manuscript())
    assert (found.words, found.order) == (1.0, 1.0)


def test_formats_page_shows_what_the_run_gives() -> None:
    assert page() == PAGE.read_text("utf-8"), "run: python -m tests.samples.fidelity"


def test_every_reader_is_measured() -> None:
    measured = {reader.name for name in WRITERS if (reader := reader_for(name)) is not None}
    elsewhere = {"picture", "vim_help"}  # in docs/benchmarks/ocr.md; its files have no suffix of their own
    assert measured | elsewhere == {
        reader.name for reader in READERS if not reader.is_archive and reader.read is not UNCONVERTED
    }


def test_formats_page_names_the_suffixes_of_every_reader() -> None:
    text = PAGE.read_text("utf-8")
    for reader in READERS:
        if reader.kind != "code":
            assert all(suffix in text for suffix in reader.suffixes if suffix.startswith(".") and suffix != ".text")
