"""Documents with pages: a passage is found, cited and opened by its page."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_pipelines.errors import CitationNotFound
from tests.integration.line import Line, write
from tests.samples.pdf import pdf

PAGES = [["Herons fish at dawn in the shallow river."], ["Otters swim in the deep river at night.", "They play."]]


@pytest.fixture
def river(line: Line, docs: Path) -> Line:
    write(docs, {"river.pdf": pdf(PAGES), "notes.md": "# Notes\n\nWalruses live at sea.\n"})
    line.add(docs)
    line.run()
    return line


def test_hit_in_a_pdf_has_its_page_and_others_have_none(river: Line) -> None:
    pages = {hit.path: hit.page for hit in (*river.search("otters swim", k=1), *river.search("walruses", k=1))}
    assert pages == {"river.pdf": 2, "notes.md": None}


def test_answer_cites_the_page(river: Line) -> None:
    answer = river.librarian().ask("where do otters swim?")
    assert [cited.page for sentence in answer.sentences for cited in sentence.citations] == [2]
    assert "docs/river.pdf:p2:1-2\n" in river.librarian().context("otters swim", 100).text


def test_page_opens_with_its_lines(river: Line) -> None:
    show = river.librarian().show
    passage = show("docs/river.pdf:p2")
    assert (passage.citation, passage.lines) == ("docs/river.pdf:p2:1-2", tuple(PAGES[1]))
    assert (passage.line_numbers, passage.page, passage.note) == ((1, 2), 2, "")
    assert show("river.pdf:p2:2").text == "They play."
    assert show("river.pdf:p1-2").lines == (*PAGES[0], *PAGES[1])


def test_line_that_several_pages_have_needs_its_page(river: Line) -> None:
    with pytest.raises(CitationNotFound, match=r"name the page as well: docs/river.pdf:p1:1"):
        river.librarian().show("river.pdf:1")
    assert river.librarian().show("river.pdf:2").page == 2


@pytest.mark.parametrize("citation", ["river.pdf:p3", "notes.md:p1"])
def test_page_that_does_not_exist_is_an_error(river: Line, citation: str) -> None:
    with pytest.raises(CitationNotFound, match="page"):
        river.librarian().show(citation)
