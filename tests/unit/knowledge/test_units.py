"""Answer units: what can be quoted from a passage and understood alone."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omni_pipelines.ids import text_hash
from omni_pipelines.knowledge.answers.composing import CONTAINERS, MAX_LENGTH, UnitKind
from omni_pipelines.knowledge.answers.units import SPLITTER, Unit, answer_units, headings_of, label_of
from tests.unit.knowledge.answering import hit
from tests.unit.text.test_blocks import any_document

LIST = "To rotate the keys, do these steps:\n\n1. Stop the server.\n2. Rotate.\n"


def units(text: str, kind: UnitKind, *, source: str = "prose", heading: str = "") -> list[tuple[str, ...]]:
    """The quotes of the units of one kind."""
    return [unit.quotes for unit in answer_units(hit(text, kind=source, heading=heading)) if unit.kind is kind]


@given(any_document, st.sampled_from(("prose", "code")), st.booleans())
@example("# 0\ndef 0", "code", False)
def test_units_of_any_text_quote_ordered_ranges_of_it(text: str, kind: str, licences: bool) -> None:
    for unit in answer_units(hit(text, kind=kind), licences=licences):
        previous = 0
        assert unit.ranges
        assert sum(end - start for start, end in unit.ranges) <= MAX_LENGTH
        is_below_its_comment = unit.kind is UnitKind.SIGNATURE and kind == "code"
        for start, end in sorted(unit.ranges) if is_below_its_comment else unit.ranges:
            assert previous <= start < end <= len(text)
            assert not text[start].isspace()
            assert not text[end - 1].isspace()
            previous = end
        assert unit.text.strip()


@given(any_document, st.sampled_from(("prose", "code")))
def test_units_begin_and_end_at_whole_words(text: str, kind: str) -> None:
    for unit in answer_units(hit(text, kind=kind)):
        for start, end in unit.ranges:
            assert not (text[:start][-1:].isalnum() and text[start].isalnum() and text[start].isascii())
            assert not (text[end - 1].isalnum() and text[end : end + 1].isalnum() and text[end].isascii())


def test_sentences_and_their_paragraph_are_units() -> None:
    text = "Otters sleep in the kelp. Seals rest upon the ice."
    assert units(text, UnitKind.SENTENCE) == [("Otters sleep in the kelp.",), ("Seals rest upon the ice.",)]
    assert units(text, UnitKind.PARAGRAPH) == [(text,)]


def test_dependent_sentence_begins_with_the_one_before() -> None:
    text = "Otters sleep in the kelp. It keeps them in place. Seals rest upon the ice."
    assert ("Otters sleep in the kelp. It keeps them in place.",) in units(text, UnitKind.SENTENCE)


@pytest.mark.parametrize("text", ["Too short.", "Do it like this:", "x = y[0] / z[1] + {2} # 3 4 5 6"])
def test_what_says_nothing_alone_is_no_sentence(text: str) -> None:
    assert units(text, UnitKind.SENTENCE) == []


def test_short_sentence_of_a_script_without_spaces_is_a_unit() -> None:
    assert units("东大寺位于日本奈良。", UnitKind.SENTENCE) == [("东大寺位于日本奈良。",)]


def test_item_has_the_sentence_that_introduces_its_list() -> None:
    lead = "To rotate the keys, do these steps:"
    assert units(LIST, UnitKind.ITEM) == [(lead, "1. Stop the server."), (lead, "2. Rotate.")]
    assert units(LIST, UnitKind.LIST) == [(LIST.strip(),)]


@pytest.mark.parametrize(
    ("lead", "quoted"),
    [
        ("There are two ways to sleep.", "There are two ways to sleep."),
        ("Otters rest as follows.", "Otters rest as follows."),
        ("請準備以下物品。", "請準備以下物品。"),
        ("Seals are loud. Otters need the following.", "Otters need the following."),
        ("Otters need a bed. It must be one of these:", "Otters need a bed. It must be one of these:"),
    ],
)
def test_sentence_that_announces_a_list_introduces_it(lead: str, quoted: str) -> None:
    text = f"{lead}\n\n- in the kelp of the bay\n- upon the ice of the sea\n"
    assert units(text, UnitKind.ITEM)[0] == (quoted, "- in the kelp of the bay")
    assert units(text, UnitKind.LIST)[0][0].startswith(quoted)


def test_sentence_about_something_else_introduces_no_list() -> None:
    text = "Otters sleep well.\n\n- Seals rest upon the ice.\n"
    assert units(text, UnitKind.ITEM) == [("- Seals rest upon the ice.",)]


@pytest.mark.parametrize("between", ["It takes a minute.", "```sh\n   stop server\n   ```"])
def test_list_goes_on_behind_what_is_indented_below_an_item(between: str) -> None:
    text = f"Do these steps:\n\n1. Stop the server.\n\n   {between}\n\n2. Rotate the keys.\n"
    assert units(text, UnitKind.ITEM)[-1] == ("Do these steps:", "2. Rotate the keys.")
    assert units(text, UnitKind.LIST) == [(text.strip(),)]


def test_list_ends_where_a_paragraph_begins_further_left() -> None:
    text = "Do these steps:\n\n1. Stop the server.\n\nSeals are loud.\n\n2. Rotate the other keys.\n"
    assert units(text, UnitKind.ITEM)[-1] == ("2. Rotate the other keys.",)


def test_nested_item_has_the_item_that_it_stands_below() -> None:
    text = "- Otters sleep:\n  - in the kelp\n  - on a rock\n- Seals rest upon the ice.\n"
    assert units(text, UnitKind.ITEM) == [
        ("- Otters sleep:", "- in the kelp"),
        ("- Otters sleep:", "- on a rock"),
        ("- Seals rest upon the ice.",),
    ]


def test_row_has_the_sentence_that_introduces_its_table() -> None:
    text = "In winter the fees are:\n\n| harbour | fee |\n|---|---|\n| north | 30 |\n"
    assert units(text, UnitKind.ROW) == [("In winter the fees are:", "| harbour | fee |", "| north | 30 |")]
    assert units(text, UnitKind.LIST) == [(text.strip(),)]


def test_item_contains_no_other_item_of_its_list() -> None:
    first, second = (unit for unit in answer_units(hit(LIST)) if unit.kind is UnitKind.ITEM)
    assert not second.contains(first)


def test_row_below_the_header_of_its_table_is_labelled_with_the_column_names() -> None:
    text = "Otter | river\nHeron | lake\nCrane | marsh"
    for unit in answer_units(hit(text, heading="Animals > Name | Lives in")):
        assert (len(unit.ranges), unit.label) == (1, "Name | Lives in")
    assert units(text, UnitKind.ROW, heading="Animals > Name | Lives in")[0] == ("Otter | river",)


def test_rows_of_a_file_with_delimiters_are_units() -> None:
    rows = units('Otter;river\nHeron;"lake\nand sea"\n', UnitKind.ROW, source="data", heading="Name | Lives in")
    assert rows == [("Otter;river",), ('Heron;"lake\nand sea"',)]
    assert units("Name;Lives in\nOtter;river\n", UnitKind.ROW, source="data") == [("Name;Lives in", "Otter;river")]


def test_row_has_its_header_and_the_table_is_a_list() -> None:
    text = "| part | price |\n|---|---|\n| bolt | 3 |\n| nut | 2 |"
    assert units(text, UnitKind.ROW) == [("| part | price |", "| bolt | 3 |"), ("| part | price |", "| nut | 2 |")]
    assert units(text, UnitKind.LIST) == [(text,)]


def test_code_has_the_sentence_before_it_and_both_fences() -> None:
    text = "Rotate them like this:\n\n```sh\nomni keys rotate\n```\n"
    ((quote,),) = units(text, UnitKind.CODE)
    assert quote.startswith("Rotate them like this:")
    assert quote.endswith("omni keys rotate\n```")


def test_definition_is_a_term_with_its_description() -> None:
    text = "timeout\n    Seconds until the client gives up.\n"
    assert units(text, UnitKind.DEFINITION) == [("timeout\n    Seconds until the client gives up.",)]


def test_signature_has_the_first_paragraph_of_its_docstring() -> None:
    text = 'def wait(seconds: int = 3) -> None:\n    """Wait for a fish to come."""\n    sleep(seconds)\n'
    assert units(text, UnitKind.SIGNATURE, source="code") == [
        ("def wait(seconds: int = 3) -> None:", "Wait for a fish to come.")
    ]


def test_comment_is_quoted_without_its_signs() -> None:
    (sentence,) = (
        unit.text
        for unit in answer_units(hit("# Herons wait for\n# fish in the morning.\nwait()\n", kind="code"))
        if unit.kind is UnitKind.SENTENCE
    )
    assert sentence == "Herons wait for fish in the morning."


@pytest.mark.parametrize("heading", ["Contents", "Guide > Table of contents", "目次"])
def test_table_of_contents_gives_no_units(heading: str) -> None:
    text = "- Rotating the keys of servers\n- Stopping the servers again\n"
    assert units(text, UnitKind.ITEM)
    assert units(text, UnitKind.ITEM, heading=heading) == []


def test_navigation_before_another_section_gives_no_units() -> None:
    text = (
        "# Navigation\n\n- Rotating the keys of servers\n- Stopping the servers\n\n# Keys\n\nKeys rotate at noon.\n"
    )
    found = {unit.text for unit in answer_units(hit(text, heading="Navigation; Keys"))}
    assert found == {"Keys rotate at noon."}


def test_list_of_links_gives_no_units() -> None:
    text = "- [Rotating the keys](keys.md)\n- [Stopping the servers](stop.md)\n"
    assert units(text, UnitKind.ITEM) == []


def test_traceback_gives_no_units() -> None:
    assert answer_units(hit('Traceback (most recent call last):\n  File "a.py", line 3, in main\n')) == []


@pytest.mark.parametrize(
    "licence",
    [
        "This file is licensed under the terms of the Apache licence.",
        "Permission to use this file for any purpose and without fee is hereby granted.",
    ],
)
def test_licence_gives_units_only_if_it_is_wanted(licence: str) -> None:
    text = hit(licence)
    assert answer_units(text) == []
    assert answer_units(text, licences=True)


def test_every_sentence_lies_in_its_section() -> None:
    text = "Otters sleep in the kelp.\n\n- They hold hands at night.\n- They eat nine kilos a day.\n"
    found = answer_units(hit(text))
    (section,) = (unit for unit in found if unit.kind is UnitKind.SECTION)
    assert section.quotes == (text.strip(),)
    assert all(section.contains(unit) for unit in found)
    assert any(unit.kind not in CONTAINERS for unit in found)


def test_unit_contains_nothing_of_another_passage() -> None:
    one, other = hit("Otters sleep in the kelp."), hit("Otters sleep in the kelp.", "b.md")
    assert not Unit(one, UnitKind.PARAGRAPH, ((0, 25),)).contains(Unit(other, UnitKind.SENTENCE, ((0, 25),)))


def test_label_is_the_innermost_heading_or_else_the_title() -> None:
    assert label_of(hit("x", heading="Animals > Otters")) == "Otters"
    assert label_of(hit("x", title="Animals")) == "Animals"
    assert len(label_of(hit("x", heading="long " * 50))) <= 90
    signature = f"def moor( boat: str | None = None, {'quay: int, ' * 20})"
    assert label_of(hit("x", kind="code", heading=f"class Harbour > {signature}")) == "moor"
    assert label_of(hit("x", "quay/__init__.py", kind="code", title="Where boats moor.")) == "quay/__init__.py"


def test_units_below_a_heading_of_their_passage_have_it_as_their_label() -> None:
    text = (
        "Otters live in the sea.\n\nWhat they eat\n\nThey eat nine kilos a day.\n\n## Nights\n\nThey sleep in kelp.\n"
    )
    found = answer_units(hit(text, heading="Animals > Otters; What they eat; Nights"))
    assert {unit.text: unit.label for unit in found} == {
        "Otters live in the sea.": "Animals > Otters",
        "They eat nine kilos a day.": "What they eat",
        "They sleep in kelp.": "Animals > Nights",
    }
    assert [headings_of(unit) for unit in found][1:] == ["Animals > What they eat", "Animals > Nights"]


def test_a_heading_without_a_mark_is_no_answer_and_ends_a_section() -> None:
    text = "The harbour\n\nGates open at five.\n\nThey close at nine.\n\nBefore the flood comes\n\nCall us.\n"
    assert [unit.text for unit in answer_units(hit(text)) if unit.kind is UnitKind.SENTENCE] == [
        "Gates open at five.",
        "Gates open at five. They close at nine.",
    ]
    (section,) = (unit for unit in answer_units(hit(text)) if unit.kind is UnitKind.SECTION)
    assert section.quotes == ("Gates open at five.\n\nThey close at nine.",)


@pytest.mark.parametrize("number", ["8.14.{}.", "2.{}", "A.{}."])
def test_numbered_titles_below_each_other_are_no_answer(number: str) -> None:
    titles = "\n".join(f"{number.format(at)} How seals sleep upon the ice" for at in (1, 2, 3))
    assert answer_units(hit(f"{titles}\n\nSeals sleep upon the ice.\n"))[0].text == "Seals sleep upon the ice."


def test_numbered_clauses_are_answers() -> None:
    clauses = "2.1 Seals sleep upon the ice.\n2.2 Otters sleep in the kelp.\n"
    assert {"Otters sleep in the kelp."} <= {unit.text.removeprefix("2.2 ") for unit in answer_units(hit(clauses))}


@pytest.mark.parametrize(
    "text",
    [
        "**Impact:** nobody could pay for 40 minutes.",
        "The keys are rotated *every thirty days*",
        "--force removes the files that are not known.",
        "/etc/otters lists the names of all otters.",
        "~/.otters holds the passwords of the servers.",
        '"Stale" means that a file changed after the run.',
        "Give the list of revisions by --revs-file <file>",
        ">=3.11 is the version of Python that it needs.",
    ],
)
def test_signs_that_belong_to_a_sentence_are_quoted(text: str) -> None:
    assert text in {unit.text for unit in answer_units(hit(text))}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("/**\n * Opens the gate before the flood.\n */\nint open();", "code"),
        ("# Opens the gate before the flood.\ngate = 1\n", "code"),
        ('def lock():\n    """Opens the gate before the flood."""\n', "code"),
        ('"Opens the gate before the flood."', "code"),
        ("> Opens the gate before the flood.", "prose"),
        ("Opens the gate before the flood. ------", "prose"),
    ],
)
def test_signs_of_comments_and_rules_are_not_quoted(text: str, kind: str) -> None:
    assert "Opens the gate before the flood." in {unit.text for unit in answer_units(hit(text, kind=kind))}


def test_lines_with_bold_names_are_answers_of_their_own() -> None:
    notes = "**Date:** 2026-03-02\n**Impact:** nobody could pay\nfor 40 minutes.\n**Fix:** more sockets in a pool.\n"
    assert {
        "**Impact:** nobody could pay\nfor 40 minutes.",
        "**Fix:** more sockets in a pool.",
        notes.rstrip(),
    } <= {unit.text for unit in answer_units(hit(notes))}


def test_section_begins_with_the_sign_of_its_first_item() -> None:
    items = "- Otters sleep in the kelp.\n- Seals sleep upon the ice.\n"
    sections = [unit.text for unit in answer_units(hit(items)) if unit.kind is UnitKind.SECTION]
    assert all(text.startswith("- ") for text in sections)


def test_docstring_is_not_quoted_with_the_first_statements_below_it() -> None:
    code = (
        'def lock(gate):\n    """Close the gate.\n\n    The flood may come at night.\n    """\n    gate.close()\n'
        "    # Nobody may open it now.\n    gate.bolt()\n"
    )
    fragments = [unit.text for unit in answer_units(hit(code, kind="code")) if unit.kind is UnitKind.CODE]
    assert fragments == ["gate.close()", "# Nobody may open it now.\ngate.bolt()"]


_BODY = "   Boats that leave at once.\n\n   One leaves by default.\n\nBoats are always grey.\n"
DESCRIPTIONS = {
    "reStructuredText": f".. option:: -j <n>\n\n{_BODY}",
    "a domain": f".. py:function:: -j <n>\n\n{_BODY}",
    "a definition": f"-j <n>\n{_BODY}",
    "AsciiDoc": "-j <n>::\n\tBoats that leave at once.\n+\nOne leaves by default.\n\nBoats are always grey.\n",
    "a manual": "-j <n>\n\nBoats that leave at once.\n\nOne leaves by default.\n\n-k\n\nBoats are always grey.\n",
}


@pytest.mark.parametrize("text", DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_each_paragraph_of_a_description_is_labelled_by_what_it_describes(text: str) -> None:
    labels = {unit.text: unit.label for unit in answer_units(hit(text)) if unit.kind is UnitKind.SENTENCE}
    assert labels["One leaves by default."] == "-j <n>"
    assert labels["Boats are always grey."] != "-j <n>"


def test_headings_that_a_reader_found_are_labels_however_many_short_lines_there_are() -> None:
    text = "-a\n\nshow all of the boats\n\n-r\n\nreverse order while sorting\n\n-S\n\nsort boats by their size\n"
    found = answer_units(hit(text, heading="OPTIONS > -a; -r; -S"))
    labels = {unit.text: unit.label for unit in found if unit.kind is UnitKind.SENTENCE}
    assert labels == {
        "show all of the boats": "-a",
        "reverse order while sorting": "-r",
        "sort boats by their size": "-S",
    }


def test_sentence_that_goes_on_from_the_paragraph_above_is_quoted_with_its_last_sentence() -> None:
    text = (
        "Boats are grey. Gulls sit upon them.\n\nThey leave at noon.\n\n"
        "It is often possible to see them.\n\n## Fees\n\nThis is free for gulls.\n"
    )
    assert {unit.text for unit in answer_units(hit(text)) if unit.kind is UnitKind.SENTENCE} >= {
        "Gulls sit upon them. They leave at noon.",
        "It is often possible to see them.",
        "This is free for gulls.",
    }
    code = "Forgets a boat.\n\nIt is removed from every list.\n\n```\nforget boat\n```\n"
    assert units(code, UnitKind.CODE) == [(code.rstrip(),)]


def test_terms_above_one_description_are_one_label() -> None:
    [unit] = answer_units(hit("-j <n>::\n`--jobs=<n>`::\n  Boats that leave at once.\n"))
    assert (unit.label, unit.text) == ("-j <n>, --jobs=<n>", "Boats that leave at once.")


def test_section_ends_with_the_description_that_it_is_in() -> None:
    text = (
        ".. envvar:: QUAY\n\n   The quay of it.\n\n   It has a number.\n\nBoats are grey.\n\nSome boats are green.\n"
    )
    sections = [unit.text for unit in answer_units(hit(text)) if unit.kind is UnitKind.SECTION]
    assert sections == ["The quay of it.\n\nIt has a number.", "Boats are grey.\n\nSome boats are green."]


HIDDEN = {
    "comment of HTML": "<!-- Boats are\nalways very grey. -->",
    "rest of a comment": "always very grey.\n-->",
    "comment of reStructuredText": ".. Boats are\n   always very grey.",
    "navigation": ".. toctree::\n   :maxdepth: 2\n\n   Boats are always very grey.",
    "menu of Info": "* Boats: Boats are always very grey. (line 12)\n* Grey boats::  Boats are always very grey.",
    "target of links": "[boats are always grey]: https://boats.example/grey 'Boats are very grey'",
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_what_a_page_does_not_show_is_no_answer(text: str) -> None:
    found = {unit.text for unit in answer_units(hit(f"{text}\n\nSeals sleep upon the ice.\n"))}
    assert found == {"Seals sleep upon the ice."}


def test_section_does_not_go_on_behind_a_directive() -> None:
    text = "Boats are grey.\n\n.. include:: fees.txt\n\nThey float on water.\n\nThey are made of wood.\n"
    sections = [unit.text for unit in answer_units(hit(text)) if unit.kind is UnitKind.SECTION]
    assert sections == ["They float on water.\n\nThey are made of wood."]


def test_code_of_a_directive_is_code_however_it_reads() -> None:
    text = "Moor it like this.\n\n.. code-block:: sh\n   :caption: x\n\n   moor the boat\n   at the quay\n"
    assert units(text, UnitKind.CODE) == [
        ("Moor it like this.\n\n.. code-block:: sh\n   :caption: x\n\n   moor the boat\n   at the quay",)
    ]
    assert not units(text, UnitKind.PARAGRAPH)


def test_quoted_line_is_no_heading_of_what_follows() -> None:
    [first, *_] = [unit for unit in answer_units(hit("> Stable\n\nSeals sleep upon the ice.\n", heading="Seals"))]
    assert first.heading != "> Stable"


@pytest.mark.parametrize("mark", ["* Boats", "== Boats ==", "== Boats", "## Boats"])
def test_heading_of_any_markup_is_a_label_without_its_marks(mark: str) -> None:
    [unit] = answer_units(hit(f"{mark}\n- They sleep upon the ice.\n", heading="Harbour > Boats"))
    assert (unit.heading, unit.text) == ("Boats", "- They sleep upon the ice.")


def test_lines_of_a_glossary_are_definitions() -> None:
    assert units("; quay : Where boats are moored.\n; fee\n: What a boat pays.\n", UnitKind.DEFINITION) == [
        ("; quay : Where boats are moored.",),
        ("; fee\n: What a boat pays.",),
    ]
    assert units("quay:: Where boats are moored.\n", UnitKind.DEFINITION) == [("quay:: Where boats are moored.",)]


def test_other_units_need_another_version_of_the_splitter() -> None:
    """Otherwise the honest receipts of an older version would be wrong: raise SPLITTER, then write its units here."""
    text = (
        "# Keys\n\nOtters sleep in the kelp. It keeps them in place. Seals rest upon the ice (e.g. in May).\n\n"
        f"{LIST}\nRun this:\n\n```sh\nomni ingest docs\n```\n\n| harbour | fee |\n|---|---|\n| north | 30 |\n\n"
        "-v, --verbose\n    Print more words than before.\n\nWhere harbours lie\n\nThe north one lies in the bay.\n"
    )
    nested = (
        "There are two ways to moor.\n\n- By day:\n  - at the north quay\n\n    The fees are:\n\n"
        "    | quay | fee |\n    |---|---|\n    | north | 30 |\n\n- By night, call the harbour.\n"
    )
    settings = (
        "Seals sleep upon the ice.\n\n``page_size``\n~~~~~~~~~~~~~\n\nDefault: 40.\n\nHow many lines a page has.\n"
    )
    described = (
        ".. option:: -j <n>\n\n   How many boats leave at once.\n\n.. toctree::\n\n   quays\n\n"
        "<!-- lint\nof quays -->\n\n"
        "--fee=<n>::\n\tWhat a boat pays for a night.\n+\nThe fee is paid in advance.\n\n[quay]: https://quay.example\n"
    )
    code = 'def lock(gate: str) -> None:\n    """Close the gate before the flood."""\n    gate.close()\n'
    found = [
        *answer_units(hit(text)),
        *answer_units(hit(nested)),
        *answer_units(hit(settings)),
        *answer_units(hit(described)),
        *answer_units(hit(code, kind="code")),
        *answer_units(hit("a,b\n1,2\n", kind="data")),
        *answer_units(hit("moor:\n  # Minutes.\n  limit: 3\n", "a.yaml", kind="code")),
    ]
    assert (SPLITTER, text_hash(*(repr((unit.kind, unit.label, unit.quotes, unit.text)) for unit in found))) == (
        "9",
        "7935304a58276674fa9c6a4b10d662b3",
    )


def test_description_on_the_line_below_its_term_is_a_definition() -> None:
    text = "`moor_port`\n: Port of the quay. Default: 8090.\n\n-f, --follow\n: Keep on printing.\n"
    assert units(text, UnitKind.DEFINITION) == [
        ("`moor_port`\n: Port of the quay. Default: 8090.",),
        ("-f, --follow\n: Keep on printing.",),
    ]


def test_word_that_is_all_below_a_heading_is_a_unit() -> None:
    assert units("# Moor\n\n## Licence\n\nMIT\n\n## More\n\nBoats are grey today.\n", UnitKind.SENTENCE)[0] == (
        "MIT",
    )


@pytest.mark.parametrize("after", ["will moor the boat.", "This moors the boat."])
def test_sentence_that_goes_on_below_code_is_quoted_with_the_code(after: str) -> None:
    text = f"Say the following:\n\n```sh\nmoor boat\n```\n\n{after}\n"
    assert (text.strip(),) in units(text, UnitKind.CODE)
    assert not units(text, UnitKind.SENTENCE)


def test_pointer_to_other_places_is_no_unit() -> None:
    assert not units("See also: [The quay of the north][0]\n", UnitKind.SENTENCE)


def test_label_has_no_emphasis_and_no_full_stop() -> None:
    for heading in ("**Actions**", "**Actions.**", "__Actions:__", "## *Actions*"):
        [unit, *_] = answer_units(hit(f"{heading}\n\nWe move the boats to the north quay every night.\n"))
        assert unit.label == "Actions"


def test_section_does_not_begin_with_the_end_of_an_item() -> None:
    code = "   ```sh\n   moor\n   ```\n\n   Boats must never drift.\n"
    text = (
        f"1. Look at the quay.\n2. If it is free, moor once:\n\n{code}3. Leave the boat to us.\n\nIt takes an hour.\n"
    )
    sections = [unit.text for unit in answer_units(hit(text)) if unit.kind is UnitKind.SECTION]
    assert "3. Leave the boat to us.\n\nIt takes an hour." in sections
    assert not any("drift" in section for section in sections)
