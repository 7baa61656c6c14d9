"""Chunking: no character is lost, no chunk exceeds the budget, and cuts are at natural boundaries."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.errors import ModelMissing
from omni_pipelines.settings import ChunkMode, Settings
from omni_pipelines.steps.chunks import heading_of
from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.decoding import DecodedText
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.engines import load_counter
from omni_pipelines.text.packing import Budget, Span
from omni_pipelines.text.readers import plain
from omni_pipelines.text.readers.markup import markdown
from omni_pipelines.text.readers.source_code import python
from omni_pipelines.text.token_counting import CountTokens

BLOCKS = st.sampled_from(
    [
        "# Top\n\n",
        "## Part\n",
        "### Leaf\n\n",
        "Under\n=====\n",
        "A short paragraph.\n\n",
        "It has these parts:\n\n",
        "A sentence. " * 9 + "\n\n",
        "one line\r\n" * 12,
        "```\n# code\n\n    indented\n```\n",
        "\n\n \n",
        "x" * 300,
        "漢字かな。" * 20,
        "👩‍👩‍👧" * 15,
        "- item\n" * 8,
        "\r",
    ]
)
DOCUMENTS = st.lists(BLOCKS, max_size=14).map("".join)
BUDGETS = st.builds(Budget, tokens=st.integers(16, 60), overlap=st.integers(0, 15))


def word_count(text: str) -> int:
    return len(text.split())


def byte_count(text: str) -> int:
    """Several tokens per character, as in rare scripts."""
    return len(text.encode())


def pair_count(text: str) -> int:
    """The parts may count less than the whole, as with byte pairs that meet at a cut."""
    return len(text) + text.count("字か") + text.count("xx")


def _markdown(text: str) -> Parsed:
    return markdown.read(text.encode(), "page.md")


def _texts(parsed: Parsed, spans: list[Span]) -> list[str]:
    return [parsed.text[span.start : span.end] for span in spans]


def _chunks(text: str, tokens: int = 16, overlap: int = 0) -> list[str]:
    parsed = _markdown(text)
    return _texts(parsed, Chunker(Budget(tokens, overlap)).cut(parsed, word_count))


def check_spans(
    parsed: Parsed, budget: Budget, count: CountTokens, mode: ChunkMode = ChunkMode.AUTO, kind: str = "prose"
) -> None:
    spans = Chunker(budget, mode).cut(parsed, count, kind)
    covered = set(itertools.chain.from_iterable(range(span.start, span.end) for span in spans))
    assert all(index in covered or character.isspace() for index, character in enumerate(parsed.text))
    for span, piece in zip(spans, _texts(parsed, spans), strict=True):
        assert span.tokens == count(piece) <= budget.tokens
        assert piece.strip()
    for before, after in itertools.pairwise(spans):
        assert before.start < after.start
        assert before.end < after.end
        assert count is pair_count or count(parsed.text[after.start : before.end]) <= budget.overlap
    assert spans == Chunker(budget, mode).cut(parsed, count, kind)


@given(text=DOCUMENTS, budget=BUDGETS, count=st.sampled_from([word_count, byte_count, pair_count]))
def test_chunks_keep_every_character_within_the_budget_and_in_order(
    text: str, budget: Budget, count: CountTokens
) -> None:
    check_spans(_markdown(text), budget, count)


@pytest.fixture(scope="module")
def tiktoken_count() -> CountTokens:
    try:
        return load_counter(Settings.model_validate({})).count
    except ModelMissing as error:
        pytest.skip(str(error))


@given(text=DOCUMENTS | st.text(st.characters(codec="utf-8"), max_size=200), budget=BUDGETS)
def test_chunks_counted_with_tiktoken_keep_every_character_within_the_budget(
    tiktoken_count: CountTokens, text: str, budget: Budget
) -> None:
    check_spans(Parsed(DecodedText(text, "utf-8", 0), "x"), budget, tiktoken_count)


@pytest.mark.parametrize("text", ["", " \n\n\t\n", "\r\n"])
def test_blank_document_gives_no_chunks(text: str) -> None:
    assert _chunks(text) == []


def test_small_document_gives_one_chunk_without_blank_ends() -> None:
    assert _chunks("\n\n  # A\n\ntext\n\n") == ["  # A\n\ntext"]


def test_heading_stays_with_its_text() -> None:
    first, second = "word " * 12, "other " * 12
    assert _chunks(f"# A\n\n{first}\n\n# B\n\n{second}") == [f"# A\n\n{first.strip()}", f"# B\n\n{second.strip()}"]


@pytest.mark.parametrize(
    ("tokens", "first"), [(17, "# A\n\nSix words are"), (16, "# A")], ids=["below an eighth", "an eighth"]
)
def test_heading_below_an_eighth_of_the_budget_takes_in_the_start_of_a_paragraph(tokens: int, first: str) -> None:
    paragraph = "Six words are in this sentence. " * 2 + "Four more are here."
    chunk = _chunks(f"# A\n\n{paragraph}", tokens=tokens)[0]
    assert chunk[: len("# A\n\nSix words are")] == first


@pytest.mark.parametrize(("words", "is_joined"), [("b", True), ("b c", False)], ids=["below a quarter", "a quarter"])
def test_section_below_a_quarter_of_the_budget_takes_in_the_next(words: str, is_joined: bool) -> None:
    assert len(_chunks(f"# A\n\n{words}\n\n# D\n\ne f g\n", tokens=16)) == (1 if is_joined else 2)


def test_headings_without_text_join_the_text_below() -> None:
    long = "Six words are in this sentence. " * 20
    assert _chunks(f"# A\n\n## B\n\n{long}", tokens=64)[0].startswith("# A\n\n## B\n\nSix")


def test_heading_path_of_joined_sections_is_the_shared_part() -> None:
    parsed = _markdown("# A\n\nintro\n\n## B\n\nb\n\n## C\n\n" + "c " * 14)
    spans = Chunker(Budget(16, 0)).cut(parsed, word_count)
    assert [span.heading for span in spans] == [("A",), ("A", "C")]


def test_every_chunk_of_a_long_section_has_its_path() -> None:
    parsed = _markdown("# A\n\n## B\n\n" + "c " * 50)
    headings = [span.heading for span in Chunker(Budget(16, 4)).cut(parsed, word_count)]
    assert headings == [("A",)] + [("A", "B")] * (len(headings) - 1)
    assert len(headings) > 3


def test_functions_stay_whole_and_give_their_names() -> None:
    source = "import os\n\n\n" + "\n\n".join(f"def f{n}():\n    " + "x = 1\n    " * 4 + "\n" for n in range(3))
    parsed = python.read(source.encode(), "m.py")
    spans = Chunker(Budget(20, 4)).cut(parsed, word_count)
    assert [span.heading for span in spans] == [(), ("f1",), ("f2",)]
    assert [text.split()[0] for text in _texts(parsed, spans)] == ["import", "def", "def"]


def test_first_line_of_a_chunk_keeps_its_indentation() -> None:
    parsed = python.read(("class A:\n" + "    def f(self):\n        " + "x; " * 15 + "\n").encode() * 2, "m.py")
    assert any(text.startswith("    def") for text in _texts(parsed, Chunker(Budget(18, 0)).cut(parsed, word_count)))


def test_chunks_of_whole_paragraphs_do_not_overlap() -> None:
    paragraphs = [f"p{number} " * 10 for number in range(5)]
    assert _chunks("\n\n".join(paragraphs), overlap=8) == [paragraph.strip() for paragraph in paragraphs]


@pytest.mark.parametrize(
    ("before", "lead", "is_moved"),
    [
        pytest.param(50, "These are the parts:", True, id="short lead"),
        pytest.param(50, "これらは 部分 です：", True, id="wide colon"),
        pytest.param(50, "These are the parts.", False, id="no lead"),
        pytest.param(40, f"{'very ' * 12}long lead:", False, id="long lead"),
        pytest.param(0, "These are the parts:", False, id="nothing before it"),
    ],
)
def test_short_paragraph_that_introduces_the_next_one_goes_with_it(before: int, lead: str, is_moved: bool) -> None:
    text = f"{'word ' * before}\n\n{lead}\n\n" + "- one of them\n" * 14
    spans = Chunker(Budget(tokens=60, overlap=0)).cut(_markdown(text), word_count)
    first = next(span for span in spans if "- one of them" in text[span.start : span.end])
    assert (first.start == text.index(lead)) is (is_moved or not before)


def test_long_paragraph_is_cut_between_overlapping_sentences() -> None:
    sentences = [f"Sentence {number} has five words." for number in range(6)]
    chunks = _chunks(" ".join(sentences), overlap=5)
    assert chunks == [" ".join(sentences[:3]), " ".join(sentences[2:5]), " ".join(sentences[4:])]


def test_paragraph_after_a_cut_one_does_not_repeat_it() -> None:
    sentences = " ".join(f"Sentence {number} has five words." for number in range(4))
    following = "next " * 15
    assert _chunks(f"{sentences}\n\n{following}", overlap=5)[-1] == following.strip()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_windows_line_ends_change_no_chunk(newline: str) -> None:
    text = "# A\n\n" + "a line of five words\n" * 9 + "\nlast\n"
    assert [chunk.replace(newline, "\n") for chunk in _chunks(text.replace("\n", newline))] == _chunks(text)


def test_line_without_spaces_is_cut_between_characters() -> None:
    parsed = plain.read(("é" * 1000).encode(), "x")
    spans = Chunker(Budget(100, 0)).cut(parsed, byte_count)
    assert [(span.start, span.end) for span in spans] == [(start, start + 50) for start in range(0, 1000, 50)]


def test_leading_blank_lines_do_not_repeat_a_chunk() -> None:
    parsed = _markdown("\n\n \n" + "Abcd efg. " * 3 + "Ab. " * 3)
    starts = [span.start for span in Chunker(Budget(35, 34)).cut(parsed, byte_count)]
    assert len(starts) == len(set(starts)) > 1


def test_fingerprint_depends_on_budget_mode_and_encoding() -> None:
    budgets = [Budget(64, 8), Budget(64, 9), Budget(65, 8)]
    fingerprints = {
        Chunker(budget, mode, encoding).fingerprint for budget in budgets for mode in ChunkMode for encoding in "ab"
    }
    assert len(fingerprints) == 18


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        ("# One\n\nfirst\n\n# Two\n\nsecond\n", ["One; Two"]),
        ("# Guide\n\n## One\n\nfirst\n\n## Two\n\nsecond\n", ["Guide"]),
        ("# Guide\n\n" + "text " * 40 + "\n\n## One\n\nx\n\n## Two\n\n### A\n\ny\n", ["Guide", "Guide > One; Two"]),
        ("an introduction\n\n# One\n\nfirst\n", [""]),
        ("".join(f"# S{number}\n\n" for number in range(6)), ["S0; S1; S2; S3; S4; …"]),
    ],
)  # fmt: skip
def test_chunk_carries_the_headings_of_all_sections_that_it_joins(text: str, headings: list[str]) -> None:
    spans = Chunker(Budget(48, 0)).cut(_markdown(text), word_count)
    assert [heading_of(span) for span in spans] == headings
