"""Columns are compared and hashed as rows in Python are."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.columns import differing, lacking, text_hashes, unmatched
from omni_pipelines.ids import text_hash

SCHEMA = pa.schema(
    [("key", pa.string()), ("text", pa.string()), ("page", pa.int64()), ("tags", pa.list_(pa.string()))]
)
rows = st.fixed_dictionaries(
    {
        "key": st.sampled_from("abcdef"),
        "text": st.sampled_from(["", "x", "y"]),
        "page": st.none() | st.integers(0, 1),
        "tags": st.lists(st.sampled_from(["", "t", "u"]), max_size=2),
    }
)
tables = st.lists(rows, unique_by=lambda row: str(row["key"]), max_size=6)


def table(values: list[dict[str, Any]]) -> pa.Table:
    """The rows in two chunks, as a table with two fragments is read."""
    parts = [values[: len(values) // 2], values[len(values) // 2 :]]
    return pa.concat_tables(pa.Table.from_pylist(part, SCHEMA) for part in parts)


@given(st.lists(rows, max_size=8), tables)
def test_rows_differ_whose_key_is_lacking_or_has_other_values(
    values: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    known = {row["key"]: row for row in others}
    assert differing(table(values), table(others), "key").to_pylist() == [
        row for row in values if known.get(row["key"]) != row
    ]


@given(tables, tables)
def test_keys_are_lacking_that_the_other_table_does_not_have(
    values: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    lacks = {row["key"] for row in values} - {row["key"] for row in others}
    assert lacking(table(values)["key"], table(others)["key"]) == sorted(lacks)


@given(st.lists(rows, max_size=8), st.lists(rows, max_size=8))
def test_unmatched_keys_are_those_that_only_one_of_two_columns_has(
    values: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    keys, other_keys = ({row["key"] for row in each} for each in (values, others))
    found = unmatched(table(values)["key"], table(others)["key"])
    assert found == (sorted(keys - other_keys), sorted(other_keys - keys))


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_hashes_of_columns_are_those_of_their_rows(values: list[tuple[str, str]]) -> None:
    columns = [pa.array([value[place] for value in values], pa.string()) for place in (0, 1)]
    assert text_hashes(columns) == [text_hash(*value) for value in values]
