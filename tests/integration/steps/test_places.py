"""Every hit and every quote names the exact bytes it came from, whatever the file is written in."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.search.retrieval import hit_location
from omni_pipelines.rows import ChunkRow, DocumentRow
from omni_pipelines.schemas import CHUNKS, DOCUMENTS
from omni_pipelines.tables import read_rows
from omni_pipelines.text.document_rows import parsed_document
from omni_pipelines.text.lines import newline_offsets
from tests.integration.line import Line, settle, write

PROSE = """# Walruses

The walrus lives in the cold sea and rests on the ice. It is known for its long tusks.

## Food

A walrus eats clams, which it finds with its whiskers in the dark. It eats thousands of them in one day.

- Clams are the favourite food of every walrus in the cold sea.
- Snails are eaten by the walrus when there are no clams.
"""
LATIN = PROSE.replace("cold", "früh kühlen").replace("dark", "façade naïve")
WIDE = PROSE.replace("cold", "寒い海の 🧊😀 ").replace("dark", "חושך עמוק")
CJK = "# 海象\n\n" + "海象住在寒冷的海里。它以长牙闻名。海象吃蛤蜊。" * 12 + "\n"
RTL = "# חתול ים\n\n" + "חתול הים חי במים הקרים. הוא אוכל צדפות ביום. " * 12 + "\n"
CODE = '''"""Walrus arithmetic."""

import math


class Walrus:
    """A walrus with tusks — and an appetite."""

    def eats(self, clams: int) -> int:
        """How many clams a walrus eats in a day. 😀"""
        return math.floor(clams * 2)


def sleep(walrus: Walrus) -> str:
    """A walrus sleeps on the ice for many hours."""
    return "zzz"
'''

FILES = {
    "lf.md": PROSE.encode(),
    "crlf.md": PROSE.replace("\n", "\r\n").encode(),
    "cr.md": PROSE.replace("\n", "\r").encode(),
    "mixed.txt": PROSE.replace("\n\n", "\r\n\n").encode(),
    "bom.md": codecs.BOM_UTF8 + WIDE.encode(),
    "utf16le.md": codecs.BOM_UTF16_LE + WIDE.encode("utf-16-le"),
    "utf16be.md": codecs.BOM_UTF16_BE + WIDE.replace("\n", "\r\n").encode("utf-16-be"),
    "utf32.txt": codecs.BOM_UTF32_LE + WIDE.encode("utf-32-le"),
    "latin.md": LATIN.encode("latin-1"),
    "cp1252.txt": LATIN.replace("'", "\u2019").replace("known", "\u201eknown\u201c").encode("cp1252"),
    "emoji.md": WIDE.encode(),
    "cjk.md": CJK.encode(),
    "rtl.txt": RTL.encode(),
    "code.py": CODE.encode(),
    "cookie.py": ("# coding: latin-1\n" + LATIN.replace("#", "##")).encode("latin-1"),
    "code.go": ("package walrus\n\n" + CODE).encode(),
    "nel.txt": PROSE.replace("walrus", "wal\u2028rus\x0c\x85 walrus").encode(),
}
PAGE = """<!doctype html>
<html><head><title>Walruses</title><style>p {}</style></head>
<body>
<h1>Walruses &amp; friends</h1>
<p>The walrus lives in the <b>cold</b> sea
and rests on the ice.</p>
<h2>Food</h2>
<ul>
<li>A walrus eats clams &#x1F600; in one day.</li>
</ul>
<pre>
walrus --eat clams
</pre>
</body></html>
"""
QUERIES = ("walrus clams", "海象", "צדפות הים", "sleep", "cold sea ice", "tusks known")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Line:
    folder = tmp_path_factory.mktemp("zoo")
    line = Line(Home(folder / ".omni"))
    line.add(write(folder / "docs", {**FILES, "page.html": PAGE}))
    line.run()
    return line


def every_hit(line: Line, path: str = "") -> list[Hit]:
    """In all files; in one alone, nothing is folded into a hit of another."""
    librarian, where = line.librarian(), {"path": path} if path else None
    found = [hit for query in QUERIES for mode in Mode for hit in librarian.search(query, 1000, mode, where)]
    return list({hit.chunk_id: hit for hit in found}.values())


def test_every_chunk_of_every_file_is_found(zoo: Line) -> None:
    """As a hit, or folded into one with the same text."""
    hits = every_hit(zoo)
    found = {hit.chunk_id for hit in hits} | {place.chunk_id for hit in hits for place in hit.also_in}
    assert found == {row["chunk_id"] for row in zoo.rows("chunks", "chunk_id")}


@pytest.mark.parametrize("path", FILES)
def test_the_bytes_of_a_hit_are_its_text(zoo: Line, path: str) -> None:
    hits = every_hit(zoo, path)
    assert hits
    for hit in hits:
        assert hit.verbatim
        assert FILES[path][hit.start_byte : hit.end_byte].decode(hit.encoding) == hit.text


@pytest.mark.parametrize("path", FILES)
def test_the_lines_of_a_hit_hold_its_text(zoo: Line, path: str) -> None:
    for hit in every_hit(zoo, path):
        if hit.path == path:
            text = FILES[path].decode(hit.encoding)
            starts = [0, *newline_offsets(text), len(text)]
            assert hit.text in text[starts[hit.start_line - 1] : starts[hit.end_line]]


@pytest.mark.parametrize("path", FILES)
def test_the_citation_of_a_hit_opens_at_its_lines(zoo: Line, path: str) -> None:
    librarian = zoo.librarian()
    for hit in every_hit(zoo, path):
        if hit.path == path:
            shown = librarian.show(hit.citation)
            assert (shown.start_line, shown.end_line, shown.from_file) == (hit.start_line, hit.end_line, True)
            assert (shown.text, shown.start_byte, shown.end_byte) == (hit.text, hit.start_byte, hit.end_byte)
            assert shown == librarian.show(hit.chunk_id)
            first, last = hit.text.splitlines()[0].strip("\r\n"), hit.text.split()[-1]
            assert first[:10] in shown.lines[0]
            assert last in shown.lines[-1]


def test_the_file_encodings_are_told(zoo: Line) -> None:
    told = {row["path"]: (row["encoding"], row["bom_bytes"]) for row in zoo.rows("documents")}
    assert told["utf16le.md"] == ("utf-16-le", 2)
    assert told["utf16be.md"] == ("utf-16-be", 2)
    assert told["utf32.txt"] == ("utf-32-le", 4)
    assert told["bom.md"] == ("utf-8", 3)
    assert told["cookie.py"] == ("cp1252", 0)  # declared as Latin-1, which means this one everywhere
    assert told["latin.md"] == ("cp1252", 0)


def test_a_page_is_cited_into_its_text_and_by_its_own_lines(zoo: Line) -> None:
    (row,) = [row for row in zoo.rows("documents") if row["path"] == "page.html"]
    hits = [hit for hit in every_hit(zoo) if hit.path == "page.html"]
    for hit in hits:
        assert not hit.verbatim
        assert row["text"].encode()[hit.start_byte : hit.end_byte].decode() == hit.text
    (food,) = [hit for hit in hits if "clams 😀" in hit.text]
    shown = zoo.librarian().show(food.citation)
    assert (shown.text, shown.citation) == (food.text, food.citation)
    lines = PAGE.splitlines()
    for number, text in zip(shown.line_numbers, shown.lines, strict=True):
        words = re.findall(r"[A-Za-z]+", text)
        assert not words or words[0] in lines[number - 1]


QUESTIONS = (
    "What does a walrus eat in one day?",
    "Where does the walrus live and rest?",
    "What is the favourite food of every walrus?",
    "What is the walrus known for?",
)


@pytest.mark.parametrize("path", [name for name in FILES if name.endswith((".md", ".txt"))])
def test_the_bytes_of_a_quote_are_the_quote(zoo: Line, path: str) -> None:
    librarian = zoo.librarian()
    answers = [librarian.ask(question, {"path": path}) for question in QUESTIONS]
    citations = [each for answer in answers for sentence in answer.sentences for each in sentence.citations]
    if path not in ("cjk.md", "rtl.txt", "nel.txt"):  # the questions are in English
        assert citations
    for each in citations:
        assert FILES[path][each.start_byte : each.end_byte].decode(each.encoding) == each.quote
        assert librarian.show(each.citation).text == each.quote
        shown = librarian.show(f"{each.uri}#L{each.start_line}-L{each.end_line}")
        assert each.quote in shown.text


def test_the_bytes_of_a_quote_from_a_page_are_the_quote(zoo: Line) -> None:
    answer = zoo.librarian().ask("What does a walrus eat in one day?", {"path": "page.html"})
    (row,) = [row for row in zoo.rows("documents") if row["path"] == "page.html"]
    citations = [each for sentence in answer.sentences for each in sentence.citations]
    assert citations
    for each in citations:
        assert row["text"].encode()[each.start_byte : each.end_byte].decode() == each.quote
        shown = zoo.librarian().show(each.citation)
        assert (shown.text, shown.start_line, shown.end_line) == (each.quote, each.start_line, each.end_line)
        first, last = (PAGE.splitlines()[number - 1] for number in (each.start_line, each.end_line))
        words = re.findall(r"[A-Za-z]+", each.quote)  # the lines of the quote, not of its passage
        assert words[0] in first
        assert words[-1] in last or each.quote.endswith("```")


def test_when_the_file_changed_the_indexed_lines_are_shown(line: Line, docs: Path) -> None:
    write(docs, {"a.md": "One.\n\nTwo walruses.\n"})
    line.add(docs)
    line.run()
    write(docs, {"a.md": "Nothing of it.\n"})
    shown = line.librarian().show(line.search("walruses", Mode.KEYWORD)[0].chunk_id)
    assert (shown.from_file, shown.lines[-1]) == (False, "Two walruses.")
    assert "changed" in shown.note


CHARACTERS = st.one_of(st.characters(exclude_categories=["Cs", "Cc"]), st.sampled_from("\n\r\t .#`"))
CODECS = {"utf-8": b"", "utf-8 ": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.tuples(
            st.sampled_from(list(CODECS)),
            st.text(
                st.one_of(st.characters(exclude_categories=["Cs", "Cc"]), st.sampled_from("\n\r\t .#`")), max_size=300
            ),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_text_is_cut_at_exact_bytes(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    line = Line(Home(folder / ".omni"))
    raw = {f"{at}.md": CODECS[codec] + text.encode(codec.strip()) for at, (codec, text) in enumerate(texts)}
    line.add(write(folder / "docs", raw))
    settle()
    line.run(allow_delete=True)
    documents = read_rows(line.home, DOCUMENTS, DocumentRow, DOCUMENTS.schema.names)
    librarian, rows = line.librarian(), read_rows(line.home, CHUNKS, ChunkRow, CHUNKS.schema.names)
    citations = {row["chunk_id"]: hit_location(row).citation for row in rows}
    for row in rows:
        (document,) = [found for found in documents if found["doc_id"] == row["doc_id"]]
        piece = raw[row["path"]][row["start_byte"] : row["end_byte"]]
        assert piece.decode(document["encoding"]) == row["text"]
        assert parsed_document(document).text[row["start_char"] : row["end_char"]] == row["text"]
        shown = librarian.show(citations[row["chunk_id"]])
        assert (shown.text, shown.start_byte) == (row["text"], row["start_byte"])
    kept = {row["path"] for row in line.rows("documents")} | {row["path"] for row in line.rows("quarantine")}
    assert kept == {name for name, content in raw.items() if content}
    assert {row["doc_id"] for row in line.rows("chunks")} == {row["doc_id"] for row in line.rows("documents")}
