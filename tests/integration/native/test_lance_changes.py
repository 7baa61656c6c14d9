"""What changed between two versions of a table is found as if all rows were compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lance
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from native import lance_maintenance
from native.filters import is_in
from native.lance_changes import MAX_CHANGES, changed_values
from native.lance_tables import IDENTITY_KEY, LanceTable, TableVersion

SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])
KEYS = st.sampled_from("abcdef")
CHANGES = st.one_of(
    st.tuples(st.just("write"), st.dictionaries(KEYS, st.sampled_from("xyz"), min_size=1)),
    st.tuples(st.just("delete"), st.sets(KEYS, min_size=1)),
    st.tuples(st.just("merge"), st.none()),
    st.tuples(st.just("restore"), st.none()),
)


def write(table: LanceTable, texts: dict[str, str]) -> None:
    table.upsert("id", pa.table({"id": list(texts), "text": list(texts.values())}, schema=SCHEMA))


def new_table(path: Path) -> LanceTable:
    table = LanceTable(path)
    table.create(SCHEMA)
    return table


def content(table: LanceTable, version: int) -> dict[str, str]:
    return {row["id"]: row["text"] for row in table.read(version=version).to_pylist()}


@settings(max_examples=25)
@given(before=st.dictionaries(KEYS, st.just("x")), changes=st.lists(CHANGES, max_size=5))
def test_each_changed_row_is_among_those_found_and_rows_that_were_not_touched_are_not(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, str], changes: list[tuple[str, Any]]
) -> None:
    table = new_table(tmp_path_factory.mktemp("changes") / "t.lance")
    write(table, before or {"a": "x"})
    since, touched = table.head(), set[str]()
    for kind, what in changes:
        if kind == "write":
            write(table, what)
            touched |= what.keys()
        elif kind == "delete":
            table.delete(is_in("id", sorted(what)))
            touched |= what
        elif kind == "merge":
            lance_maintenance.merge_fragments(table)
        else:
            lance_maintenance.restore(table, since.version)
    now = table.head().version
    old, new = content(table, since.version), content(table, now)
    found = changed_values(table, "id", since, now)
    assert found is not None
    assert {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)} <= set(found) <= touched


def test_too_many_changes_are_not_listed(tmp_path: Path) -> None:
    table = new_table(tmp_path / "t.lance")
    empty = table.head()
    write(table, {str(number): "x" for number in range(MAX_CHANGES)})
    assert len(changed_values(table, "id", empty, table.head().version) or ()) == MAX_CHANGES
    write(table, {"one more": "x"})
    assert changed_values(table, "id", empty, table.head().version) is None


def test_a_version_that_was_cleaned_up_and_another_table_tell_nothing(tmp_path: Path) -> None:
    table = new_table(tmp_path / "t.lance")
    first = table.head()
    write(table, {"a": "x"})
    assert changed_values(table, "id", TableVersion("other", first.version), table.head().version) is None
    lance_maintenance.clean_up(table)
    assert changed_values(table, "id", first, table.head().version) is None


def test_a_table_whose_rows_have_no_ids_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.lance"
    rows = pa.table({"id": ["a"], "text": ["x"]}, schema=SCHEMA.with_metadata({IDENTITY_KEY: b"old"}))
    lance.write_dataset(rows, path)
    table = LanceTable(path)
    assert changed_values(table, "id", table.head(), table.head().version) is None
