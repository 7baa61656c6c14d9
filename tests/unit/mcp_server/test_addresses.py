"""Addresses of resources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.errors import CitationNotFound
from omni_pipelines.mcp_server.addresses import (
    Address,
    ByteRange,
    document_uri,
    parse_address,
    quote_uri,
    release_uri,
)

NAMES = st.text("aZ/ %?#:&=.äß漢\x00\udcff", min_size=1, max_size=12)
NUMBERS = st.integers(0, 10**15 - 1)


@given(release=st.integers(1, 10**12 - 1), name=NAMES, range_=st.none() | st.builds(ByteRange, NUMBERS, NUMBERS))
def test_an_address_names_what_it_was_made_of(release: int, name: str, range_: ByteRange | None) -> None:
    uri = document_uri(release, name, range_)
    assert uri.isascii()
    assert parse_address(uri) == Address(release, name, range_)


def test_the_address_of_a_quote_has_the_document_without_the_lines() -> None:
    uri = quote_uri(7, "docs/a b.md:3-9", ByteRange(10, 20))
    assert uri == "omni://release/7/document/docs/a%20b.md?bytes=10-20"


def test_an_address_without_a_number_is_the_newest_release() -> None:
    assert parse_address("omni://release") == Address(None)
    assert parse_address(release_uri(3)) == Address(3)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "omni://",
        "omni://release/",
        "omni://release/0",
        "omni://release/x",
        "omni://release/1/document/",
        "omni://release/1?bytes=0-1",
        "omni://release/1/document/a?bytes=1",
        "omni://release/1/document/a?bytes=-1-2",
        "omni://release/1/document/a?other=1",
        "omni://release/1/document/a#bytes=0-1",
        "omni://elsewhere/1",
        "file:///etc/passwd",
        "omni://release/1/document/a?bytes=" + "9" * 400 + "-1",
        "omni://[",
    ],
)
def test_anything_else_is_refused_with_the_forms_that_exist(uri: str) -> None:
    with pytest.raises(CitationNotFound) as refused:
        parse_address(uri)
    assert "omni://release/{release}" in refused.value.cure
    assert len(refused.value.message) < 300
