"""Ids and hashes of content."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.ids import chunk_id, content_hash, document_id, text_hash


@given(first=st.lists(st.text(max_size=4), max_size=4), second=st.lists(st.text(max_size=4), max_size=4))
def test_hashes_are_equal_only_for_equal_parts(first: list[str], second: list[str]) -> None:
    assert (text_hash(*first) == text_hash(*second)) == (first == second)


def test_a_hash_depends_on_where_a_part_ends() -> None:
    assert text_hash("ab", "c") != text_hash("a", "bc")


def test_a_lone_surrogate_has_a_hash() -> None:
    assert text_hash("\ud800") != text_hash("\ud801")


def test_ids_are_the_same_on_every_machine() -> None:
    assert content_hash(b"") == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    assert len(document_id("docs", "a/b.md")) == 32
    assert document_id("docs", "a/b.md") == text_hash("document", "docs", "a/b.md")


def test_a_chunk_id_depends_on_document_ordinal_text_and_chunker() -> None:
    ids = {
        chunk_id("d", 0, "t", "c"),
        chunk_id("e", 0, "t", "c"),
        chunk_id("d", 1, "t", "c"),
        chunk_id("d", 0, "u", "c"),
        chunk_id("d", 0, "t", "b"),
    }
    assert len(ids) == 5
