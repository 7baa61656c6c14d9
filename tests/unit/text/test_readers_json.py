"""The reader of JSON and JSON Lines: records stay whole and carry their keys."""

from __future__ import annotations

import json

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.packing import Budget
from omni_pipelines.text.readers.records import geojson, json_records

RECORDS = [{"name": f"Valve {n}", "sold by": f"Firm {n}", "price": {"EUR": n + 0.5}} for n in range(60)]
HEADER = "name | sold by | price.EUR"


def _chunks(parsed: Parsed) -> list[tuple[str, str]]:
    spans = Chunker(Budget(60, 8)).cut(parsed, lambda text: len(text) // 4, "code")
    return [(span.context, parsed.text[span.start : span.end]) for span in spans]


FORMS = {
    "list": json.dumps(RECORDS, indent=1),
    "list on one line": json.dumps(RECORDS),
    "lines": "\n".join(map(json.dumps, RECORDS)) + "\n",
    "values on several lines": "\n".join(json.dumps(each, indent=2) for each in RECORDS),
    "with comments": "// made by hand\n" + json.dumps(RECORDS, indent=1).replace("},\n {", "}, // next\n {"),
    "cut off": json.dumps(RECORDS, indent=1)[:-2],
}


@pytest.mark.parametrize("form", FORMS)
def test_record_is_whole_in_a_chunk_that_has_its_keys(form: str) -> None:
    parsed = json_records.read(FORMS[form].encode(), "a.json")
    assert parsed.text == FORMS[form]
    chunks = _chunks(parsed)
    assert 10 < len(chunks) < 60
    assert {context for context, _ in chunks} == {HEADER}
    for record in RECORDS:
        holders = [text for context, text in chunks if f'"{record["name"]}"' in text and context == HEADER]
        assert any(
            f'"{record["sold by"]}"' in text and "}" in text.split(f'"{record["name"]}"')[1] for text in holders
        )


@pytest.mark.parametrize(
    ("value", "header"),
    [
        ({"made": "today", "parts": RECORDS}, f"parts > {HEADER}"),
        ({"shop": {"parts": RECORDS}}, f"shop > parts > {HEADER}"),
        ({f"v{n}": each for n, each in enumerate(RECORDS)}, HEADER),
        ([["name", "kg"], ["otter", 7], ["heron", 2], ["crane", 4]], "name | kg"),
    ],
)
def test_records_are_found_at_any_place(value: object, header: str) -> None:
    parsed = json_records.read(json.dumps(value, indent=1).encode(), "a.json")
    assert [table.header for table in parsed.tables] == [header]


ROWS_OF_VALVES = [[each["name"], n / 4, n] for n, each in enumerate(RECORDS)]


@pytest.mark.parametrize(
    ("value", "header"),
    [
        ({"columns": ["name", "kg", "pieces"], "index": list(range(60)), "data": ROWS_OF_VALVES}, "data"),
        ({"rows": ROWS_OF_VALVES, "took": 3, "fields": ["name", "kg", "pieces"]}, "rows"),
        ({"result": {"data": ROWS_OF_VALVES, "columns": ["name", "kg", "pieces"]}}, "result > data"),
    ],
)
def test_rows_in_lists_have_the_names_of_columns_that_stand_beside_them(value: object, header: str) -> None:
    parsed = json_records.read(json.dumps(value).encode(), "a.json")
    assert parsed.verbatim
    assert [table.header for table in parsed.tables] == [f"{header} > name | kg | pieces"]
    with_rows = [context for context, text in _chunks(parsed) if "Valve" in text]
    assert len(with_rows) > 5
    assert set(with_rows) == {f"{header} > name | kg | pieces"}


def test_table_stored_by_columns_is_read_row_by_row() -> None:
    columns = {key: {str(n): each[key] for n, each in enumerate(RECORDS)} for key in ("name", "sold by")}
    parsed = json_records.read(json.dumps(columns).encode(), "a.json")
    assert parsed.text.split("\n")[:3] == ["name | sold by", "Valve 0 | Firm 0", "Valve 1 | Firm 1"]
    assert {context for context, text in _chunks(parsed) if not text.startswith("name")} == {"name | sold by"}


@pytest.mark.parametrize("second", ['{"0": 1}', '{"0": 1, "2": 3}', "7", '{"0": 1, "1": 2', '["0", "1"]'])
def test_columns_of_different_length_are_no_table(second: str) -> None:
    text = f'{{"a": {{"0": 1, "1": 2}}, "b": {second}}}'
    assert json_records.read(text.encode(), "a.json").text == text


@pytest.mark.parametrize(
    "text",
    ['{"name": "x", "scripts": {"a": "b"}, "more": {"c": [1, 2, 3]}}', "[1, 2, 3]", "7", "", "{", "]", '"', "[{}]"],
)
def test_settings_and_damaged_files_have_no_records(text: str) -> None:
    parsed = json_records.read(text.encode(), "a.json")
    assert (parsed.text, parsed.tables) == (text, ())


def test_keys_of_settings_are_sections() -> None:
    parsed = json_records.read(b'{\n "server": {\n  "port": 80\n }\n}', "a.json")
    assert parsed.sections[0].path == ("server",)


def test_escapes_are_the_characters_that_they_stand_for() -> None:
    raw = rb'{"a": "M\u00fcnster \ud83d\udc19", "b": "\\u00fc \u0041 \n \ud83d \u0000"}'
    parsed = json_records.read(raw, "a.json")
    assert parsed.text == '{"a": "Münster 🐙", "b": "\\\\u00fc \\u0041 \\n \\ud83d \\u0000"}'


# --- GeoJSON

LAKE = {"type": "Polygon", "coordinates": [[[11.1, 48.0], [11.3, 48.2], [11.2, 48.1], [11.1, 48.0]]]}
FEATURES = [
    {"type": "Feature", "id": 7, "properties": {"name": "Wörthsee", "km2": 4.34}, "geometry": LAKE},
    {
        "type": "Feature",
        "properties": {"name": "Pier", "tags": ["old"]},
        "geometry": {"type": "Point", "coordinates": [11.2, 48.1]},
    },
    {"type": "Feature", "properties": None, "geometry": None},
]
ROWS = [
    "id | name | km2 | tags | geometry",
    "7 | Wörthsee | 4.34 |  | Polygon 11.1, 48.0 to 11.3, 48.2",
    ' | Pier |  | ["old"] | Point 11.2, 48.1',
]


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps({"type": "FeatureCollection", "features": FEATURES}),
        "\n".join(map(json.dumps, FEATURES)),
        "\n".join(f"\x1e{json.dumps(each)}" for each in FEATURES),
    ],
)
def test_features_are_rows_with_the_names_of_their_properties(raw: str) -> None:
    parsed = geojson.read(raw.encode(), "a.geojson")
    assert parsed.text.split("\n") == ROWS
    assert parsed.tables[0].header == ROWS[0]


def test_collection_has_its_name_and_a_geometry_is_a_feature() -> None:
    named = geojson.read(b'{"type": "FeatureCollection", "name": "Lakes", "features": []}', "a.geojson")
    assert (named.title, named.text.split("\n")[0]) == ("Lakes", "name: Lakes")
    assert geojson.read(json.dumps(LAKE).encode(), "a").text.endswith("Polygon 11.1, 48.0 to 11.3, 48.2")


@pytest.mark.parametrize("raw", [b"{", b"", b'{"type": 1}\n{'])
def test_what_is_no_geojson_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable, match="E_PARSE"):
        geojson.read(raw, "a.geojson")
