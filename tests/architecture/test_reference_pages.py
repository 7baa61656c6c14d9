"""The generated reference pages say what the code says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from docs.generate import REFERENCE, commands_page, settings_page


@pytest.mark.parametrize(
    ("name", "generate"),
    [("commands.md", commands_page), ("settings.md", settings_page)],
    ids=["commands", "settings"],
)
def test_reference_page_equals_what_make_docs_writes(name: str, generate: Callable[[], str]) -> None:
    assert (REFERENCE / name).read_text("utf-8") == generate(), "run: make docs"
