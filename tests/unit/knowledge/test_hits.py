"""The citation of a whole chunk."""

from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.knowledge.search.hits import ChunkLayout

_TEXTS = st.text(st.sampled_from("ab \t\r\n\u3000\x0c"), max_size=30)
_LAYOUTS = st.builds(ChunkLayout, start_column=st.integers(1, 3), ends_line=st.booleans())


@given(text=_TEXTS, layout=_LAYOUTS, start_line=st.integers(1, 5))
def test_place_of_a_whole_chunk_is_that_of_its_lines(text: str, layout: ChunkLayout, start_line: int) -> None:
    assert layout.cite(text, start_line) == layout.lines(text, start_line).cite(0, len(text))


def test_place_of_a_chunk_with_marked_lines_is_that_of_its_marks() -> None:
    layout = ChunkLayout(line_marks=((0, 7), (4, 20)))
    assert layout.cite("one\ntwo", 7) == "7-20"
