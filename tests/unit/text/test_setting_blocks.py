"""Blocks of settings: entries with their values, comments, and the keys and sections around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.text.blocks import BlockKind
from omni_pipelines.text.setting_blocks import MAX_VALUE_LENGTH, SettingBlocks, setting_blocks
from tests.unit.text.test_blocks import any_document, check_ranges

WRITINGS = {
    "yaml": "moor:\n  # Minutes until a boat must leave.\n  limit: 30\n",
    "ini": "[moor]\n; Minutes until a boat must leave.\nlimit = 30\n",
    "toml": "[moor]\n# Minutes until a boat must leave.\nlimit = 30\n",
    "json": '{\n  "moor": {\n    // Minutes until a boat must leave.\n    "limit": 30\n  }\n}\n',
    "systemd": "[moor]\n# Minutes until a boat must leave.\nlimit=30\n",
}
any_lines = st.lists(
    st.sampled_from(
        (
            "", "a: 1", "  b: x", "  - name: y", "    c: |", "      text # more", "# note", "; note", "[s]", "k = 3",
            '"q": {', "},", '  "r": [1,', "2],", "- z", "t = '''", "'''", "plain words", "---", "\tu=\\", "#v = 1",
        )
    ),
    max_size=25,
).map("\n".join)  # fmt: skip


def found(text: str) -> SettingBlocks:
    """The blocks of a text that is settings."""
    settings = setting_blocks(text)
    assert settings is not None
    return settings


def entries(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Each entry, and what is around it."""
    settings = found(text)
    pairs = zip(settings.blocks, settings.paths, strict=True)
    return [(text[block.start : block.end], path) for block, path in pairs if block.kind is BlockKind.SIGNATURE]


@given(st.one_of(any_document, any_lines))
def test_setting_blocks_of_any_text_are_ordered_ranges_of_it(text: str) -> None:
    settings = setting_blocks(text)
    if settings is not None:
        check_ranges(text, settings.blocks)
        assert len(settings.paths) == len(settings.blocks)
        for group in settings.groups:
            assert text[group.start : group.end].strip() == text[group.start : group.end] != ""


@pytest.mark.parametrize("writing", WRITINGS)
def test_entry_has_the_section_around_it_in_every_format(writing: str) -> None:
    text = WRITINGS[writing]
    [(entry, path)] = entries(text)
    assert entry.replace('"', "").replace(": ", "=").replace(" ", "") == "limit=30"
    assert path == ("moor",)
    comment = next(block for block in found(text).blocks if block.kind is BlockKind.PARAGRAPH)
    assert text[comment.start : comment.end].endswith("Minutes until a boat must leave.")
    assert found(text).paths[0] == ("moor",)


def test_value_goes_on_in_deeper_lines_in_open_brackets_and_in_quotes() -> None:
    assert entries("fees:\n  - north\n  - south\nopen: [6,\n22]\n") == [
        ("fees:\n  - north\n  - south", ()),
        ("open: [6,\n22]", ()),
    ]
    assert entries("notes: |\n  # no comment\n\n  Boats leave.\nnext: 1\n") == [
        ("notes: |\n  # no comment\n\n  Boats leave.", ()),
        ("next: 1", ()),
    ]
    assert entries('about = """\nBoats leave.\n"""\nnext = 1\n') == [
        ('about = """\nBoats leave.\n"""', ()),
        ("next = 1", ()),
    ]
    assert entries("command=moor \\\n--all\nnext=1\n") == [("command=moor \\\n--all", ()), ("next=1", ())]


def test_list_at_the_indentation_of_its_key_belongs_to_it() -> None:
    assert entries("quays:\n- name: north\n  fee: 3\n- name: south\n  fee: 4\nopen: 6\n") == [
        ("name: north", ("north",)),
        ("fee: 3", ("north",)),
        ("name: south", ("south",)),
        ("fee: 4", ("south",)),
        ("open: 6", ()),
    ]


def test_object_of_a_list_is_called_by_its_name_wherever_that_stands() -> None:
    text = '{\n  "quays": [\n    {\n      "name": "north",\n      "fee": 3\n    }\n  ]\n}\n'
    assert entries(text)[-1] == ('"fee": 3', ("north",))


def test_named_item_is_a_group_with_its_comment_and_all_its_entries() -> None:
    text = "quays:\n  # The old one.\n  - name: north\n    fee: 3\n"
    item = next(group for group in found(text).groups if group.named_by is not None)
    assert item.named_by == text.index("name:")
    assert text[item.start : item.end] == "# The old one.\n  - name: north\n    fee: 3"
    assert item.path == ("quays",)


def test_object_in_braces_is_a_group_up_to_its_closing_brace() -> None:
    text = '{\n  "moor": {\n    "limit": 30,\n    "fee": 3\n  },\n  "open": 6\n}\n'
    assert [text[group.start : group.end] for group in found(text).groups] == [
        '"moor": {\n    "limit": 30,\n    "fee": 3\n  }'
    ]


def test_setting_that_is_not_in_force_is_an_entry() -> None:
    text = "# Port of the quay.\n#port = 8090\nlimit = 30\n"
    assert [entry for entry, _ in entries(text)] == ["#port = 8090", "limit = 30"]


def test_description_goes_on_from_the_summary_above_it() -> None:
    text = "get:\n  summary: Moor a boat\n  description: It may stay for 30 days.\n  fee: 3\n"
    assert entries(text)[0] == ("summary: Moor a boat\n  description: It may stay for 30 days.", ("get",))


def test_long_value_is_divided_like_a_text() -> None:
    text = f"about: |\n  Boats leave at six.\n\n  {'They come back at night. ' * (MAX_VALUE_LENGTH // 20)}\nopen: 6\n"
    settings = found(text)
    assert [block.kind for block in settings.blocks] == [*[BlockKind.PARAGRAPH] * 2, BlockKind.SIGNATURE]
    assert settings.paths[:2] == [("about",)] * 2


@pytest.mark.parametrize(
    "text", ["", "# note\n", "listen 443 ssl;\nserver {\n  root /srv;\n}\n", "Boats leave at six.\n"]
)
def test_text_that_is_no_list_of_settings_has_none(text: str) -> None:
    assert setting_blocks(text) is None


def test_entries_of_a_manifest_are_below_its_kind_and_name() -> None:
    first = "kind: Quay\nmetadata:\n  labels:\n    sea: north\n  name: old\nspec:\n  boats: 3\n"
    text = f"{first}---\nkind: Quay\nmetadata:\n  name: new\nspec:\n  boats: 4\n---\nspec:\n  boats: 5\n"
    assert [path for entry, path in entries(text) if entry.startswith("boats")] == [
        ("Quay old", "spec"),
        ("Quay new", "spec"),
        ("spec",),
    ]


def test_blocks_of_hcl_are_around_their_entries() -> None:
    text = 'resource "bucket" "lake" {\n  fee = 3\n\n  # Loses all boats.\n  lifecycle {\n    keep = true\n  }\n}\n'
    assert entries(text) == [
        ("fee = 3", ("resource bucket.lake",)),
        ("keep = true", ("resource bucket.lake", "lifecycle")),
    ]
    found = setting_blocks(text)
    assert found is not None
    assert text[found.groups[-1].start : found.groups[-1].end] == text.rstrip("\n")


def test_blanks_part_a_dotted_key_from_its_value() -> None:
    assert entries("# For boats.\nquay.north.fee   30 euros\nquay.south  4\n") == [
        ("quay.north.fee   30 euros", ()),
        ("quay.south  4", ()),
    ]
