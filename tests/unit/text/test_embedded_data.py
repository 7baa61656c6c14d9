"""The data of pictures in texts: no chunk holds it, whatever format it is in."""

from __future__ import annotations

import base64
import json
import random

import pytest

from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.embedded_data import data_ranges
from omni_pipelines.text.packing import Budget
from omni_pipelines.text.readers.registry import reader_for

DATA = base64.b64encode(random.Random(1).randbytes(20_000)).decode()
LINES = base64.encodebytes(random.Random(1).randbytes(5_000)).decode()
WIDE = base64.urlsafe_b64encode(random.Random(1).randbytes(5_000)).decode()
NOTEBOOK = json.dumps(
    {
        "nbformat": 4,
        "cells": [
            {"cell_type": "markdown", "source": f"Before one.\n\n![](data:image/png;base64,{DATA})"},
            {"cell_type": "markdown", "source": "After two.", "attachments": {"a.png": {"image/png": DATA}}},
        ],
    }
)


def _chunks(name: str, text: str) -> list[str]:
    reader = reader_for(name)
    assert reader is not None
    parsed = reader.read(text.encode(), name)
    spans = Chunker(Budget(64, 0)).cut(parsed, lambda piece: len(piece) // 4, reader.kind)
    return [parsed.text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", f"# Pic\n\nBefore one.\n\n![x](data:image/png;base64,{DATA})\n\nAfter two.\n"),
        ("a.md", f"Before one. ![x][1]\n\nAfter two.\n\n[1]: <data:image/png;base64,{DATA}>\n"),
        ("a.md", f"Before one.\n\n<img src='data:image/svg+xml,{'%3Cpath%20d=' * 99}'>\n\nAfter two.\n"),
        ("a.html", f"<p>Before one.<img src='data:image/png;base64,{DATA}'><pre>{DATA}</pre><p>After two."),
        ("a.json", json.dumps({"a": "Before one.", "picture": DATA, "b": "After two."}, indent=1)),
        ("a.json", json.dumps([{"a": "Before one.", "b": "After two.", "icon": f"data:image/gif;base64,{DATA}"}])),
        ("a.yaml", f"a: Before one.\npicture: {DATA}\nb: After two.\n"),
        ("a.txt", f"Before one.\n\n{LINES}\nAfter two.\n"),
        ("a.txt", f"Before one. {WIDE} After two.\n"),
        ("a.css", f"/* Before one. */\na {{ src: url(data:font/woff2;x=y;base64,{DATA}) }}\n/* After two. */"),
        (
            "a.svg",
            f"<svg><text>Before one.</text><image href='data:image/png;base64,{DATA}'/><p>After two.</p></svg>",
        ),
        ("a.ipynb", NOTEBOOK),
    ],
)
def test_data_of_a_picture_is_in_no_chunk_and_the_text_around_it_is(name: str, text: str) -> None:
    chunks = _chunks(name, text)
    joined = "\n".join(chunks)
    assert "Before one." in joined
    assert "After two." in joined
    assert len(joined) < 400
    assert len(chunks) <= 4


@pytest.mark.parametrize(
    "text",
    ["ACGT" * 400, "x" * 2000, "donaudampfschifffahrt" * 40, "0123456789abcdef" * 60, "Word/" * 300, "a b c " * 400],
)
def test_other_long_words_are_no_data(text: str) -> None:
    assert list(data_ranges(text)) == []


def test_lines_of_names_are_no_data() -> None:
    names = "".join(f"lib/Module{number}/{'part' * (12 + number % 3)}/Name{number:04}\n" for number in range(40))
    assert list(data_ranges(names)) == []


def test_heading_with_a_picture_keeps_its_words() -> None:
    reader = reader_for("a.md")
    assert reader is not None
    parsed = reader.read(f"# ![logo](data:image/png;base64,{DATA}) Harbour\n".encode(), "a.md")
    assert parsed.title == "logo Harbour"


@pytest.mark.parametrize("offset", range(0, 40, 3))
def test_shortest_run_is_found_at_every_place_of_a_text(offset: int) -> None:
    run = "aB3" * 170 + "xY"
    assert list(data_ranges(f"{' ' * offset}{run} end")) == [(offset, offset + len(run) + 1)]
    assert not list(data_ranges(f"{' ' * offset}{run[:-1]} end"))
