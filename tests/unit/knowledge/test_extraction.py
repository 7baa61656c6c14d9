"""Extractive answers: verbatim units in a readable order, without repeats, or an abstention with what is near."""

from __future__ import annotations

import pytest

from omni_pipelines.knowledge.answers.evidence import answer_probability
from tests.unit.knowledge.answering import ask, asked, hit

OTTERS = "Otters sleep in the kelp. They eat nine kilos a day.\n\nOtters sleep holding hands, so that none drifts.\n"
HANDS = "How do otters sleep holding hands?"


def quoted(*texts: str, question: str = HANDS) -> str:
    """The answer of documents with these texts."""
    return ask(question, [hit(text, f"{number}.md") for number, text in enumerate(texts)]).answer


def test_units_of_one_document_keep_its_order() -> None:
    text = "Otters sleep in kelp beds at night.\n\n# More\n\n" + "Filler text stands here. " * 40 + "\n\n"
    text += "Otters sleep holding hands, so that none drifts."
    answer = ask("How do otters sleep?", [hit(text)])
    starts = [sentence.citations[0].start_byte for sentence in answer.sentences]
    assert len(starts) > 1
    assert starts == sorted(starts)


def test_document_with_the_best_unit_comes_first() -> None:
    good = hit("Some say that otters sleep well.", "far.md")
    best = hit("Here is more to say. Otters sleep holding hands.", "near.md", start_byte=500)
    assert ask(HANDS, [good, best]).sentences[0].citations[0].path == "near.md"


def test_best_unit_comes_first_and_the_others_keep_the_order_of_their_document() -> None:
    best = hit("Otters sleep holding hands with their pups in the cold season.", start_byte=500)
    later = hit("Otters sleep holding their hands wherever a wide bay has strong currents.", start_byte=700)
    earlier = hit("While holding stones with both hands, many otters never sleep.", start_byte=5)
    answer = ask(HANDS, [best, later, earlier])
    assert [sentence.citations[0].start_byte for sentence in answer.sentences] == [500, 5, 700]


@pytest.mark.parametrize(
    "repeat", ["Otters sleep holding hands.", "otters sleep HOLDING hands!", "Otters sleep,  holding hands."]
)
def test_unit_with_the_same_words_is_left_out(repeat: str) -> None:
    answer = ask(HANDS, [hit("Otters sleep holding hands."), hit(repeat, "b.md")])
    assert len(answer.sentences) == 1


def test_code_between_fences_is_not_quoted_for_a_sentence_that_answers() -> None:
    answer = quoted(
        "Otters sleep holding hands.\n\n```python\nfor each in range(9):\n    count(each)\n```\n\nThat is all."
    )
    assert "Otters sleep holding hands." in answer
    assert "count" not in answer


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("What does the count of otters on the ice do in winter?", "def census"),
        ("How do I count the otters on the ice in winter?", "ice = sorted"),
    ],
)
def test_statements_of_source_code_come_after_words_unless_steps_are_asked_for(question: str, first: str) -> None:
    code = "def gather(otters):\n    ice = sorted(otters)\n    count(ice, otters, winter)\n"
    described = 'def census(animals):\n    """Otters are counted on the ice, one bay at a time."""\n'
    answer = ask(question, [hit(code, "a.py", kind="code"), hit(described, "b.py", kind="code")])
    assert len(answer.sentences) == 2
    assert answer.answer.startswith(first)


def test_document_that_fits_nearly_as_well_comes_before_source_code() -> None:
    code = 'def census(animals):\n    """Print the count of otters for callers."""\n'
    document = "The count of otters says where they sleep in winter.\n"
    answer = ask("What is the count of otters for?", [hit(document, "b.md"), hit(code, "a.py", kind="code")])
    assert [each.citations[0].path for each in answer.sentences] == ["b.md", "a.py"]


def test_code_is_quoted_with_its_lines_and_the_sentence_that_introduces_it() -> None:
    text = "To rotate the keys, run this:\n\n```sh\nomni keys rotate\nomni keys list\n```\n"
    answer = quoted(text, question="How do I rotate the keys?")
    assert "To rotate the keys, run this:" in answer
    assert "omni keys rotate\nomni keys list" in answer


def test_paragraph_is_quoted_with_the_code_that_it_introduces() -> None:
    text = f"Rotate the keys each month.{' Seals rest upon the ice.' * 15} Run this:\n\n```sh\nomni keys list\n```\n"
    assert quoted(text, question="How do I rotate the keys each month?").endswith("omni keys list\n```")


def test_whole_list_is_quoted_where_a_question_asks_for_steps() -> None:
    text = "To rotate the keys, do these steps:\n\n1. Stop the server.\n2. Rotate the keys.\n3. Start the server.\n"
    answer = quoted(text, question="What are the steps to rotate the keys?")
    assert [line for line in answer.splitlines() if line] == [line for line in text.splitlines() if line]


def test_sentence_that_introduces_a_list_is_quoted_with_the_list() -> None:
    items = "".join(f"- seals upon rock number {number} of the bay\n" for number in range(25))
    text = f"Otters sleep in many places, as follows.\n\n{items}"
    assert quoted(text, question="Otters sleep in many places?") == text.strip()


@pytest.mark.parametrize(
    ("question", "is_whole"),
    [
        ("How many hours do otters sleep?", False),
        ("How do otters sleep?", True),
        ("Otters sleep for which hours, and for how many?", True),
    ],
)
def test_section_is_quoted_as_a_whole_unless_one_sentence_answers(question: str, is_whole: bool) -> None:
    first, second = "Otters sleep for eleven hours.", "Seals rest upon the ice."
    assert (second in quoted(f"{first}\n\n{second}\n", question=question)) == is_whole


def test_table_row_is_quoted_with_its_header() -> None:
    text = "| animal | sleeps |\n|---|---|\n| otters | holding hands in kelp |\n| seals | on the ice of the north |\n"
    (sentence,) = ask("Where do otters sleep holding hands?", [hit(text)]).sentences
    assert sentence.text.startswith("| animal | sleeps |")
    assert "| otters | holding hands in kelp |" in sentence.text


def test_sentence_that_depends_on_the_one_before_is_quoted_with_it() -> None:
    text = "Sea otters live in cold water. They sleep holding hands, so that none drifts."
    assert "Sea otters live in cold water." in quoted(text, question="Why do they sleep holding hands?")


@pytest.mark.parametrize("text", ["otters = sleep(holding[0]) / hands[1] + 7", "otters 12 99% {x} [y] <z> = / |"])
def test_lines_full_of_symbols_are_not_quoted(text: str) -> None:
    assert ask(HANDS, [hit(text)]).abstained


@pytest.mark.parametrize("text", ["东大寺位于日本奈良。", "ปลาโลมานอนหลับในทะเลลึก", "ऊदबिलाव हाथ पकड़कर सोते हैं।"])
def test_text_in_any_script_is_quoted(text: str) -> None:
    assert ask(text, [hit(text)]).answer == text


def test_weak_evidence_gives_an_abstention_with_the_nearest_passages() -> None:
    answer = ask("What does the treaty say on customs?", [hit(OTTERS, "otters.md")])
    assert (answer.abstained, answer.answer, answer.sentences) == (True, "", ())
    assert 0 < answer.evidence < 0.5
    assert [cited.path for cited in answer.nearest] == ["otters.md"]
    assert answer.nearest[0].quote in OTTERS


def test_abstention_names_the_words_that_no_source_has() -> None:
    answer = ask("Which treaty do otters sign?", [hit(OTTERS)])
    assert answer.abstained
    assert "treaty" in answer.missing
    assert "otters" not in answer.missing


def test_abstention_without_passages_has_no_evidence() -> None:
    answer = ask(HANDS, [])
    assert (answer.abstained, answer.evidence, answer.nearest, answer.missing) == (True, 0.0, (), ())


def test_answer_has_no_nearest_passages_and_no_missing_words() -> None:
    answer = ask(HANDS, [hit(OTTERS)])
    assert not answer.abstained
    assert (answer.nearest, answer.missing) == ((), ())


def test_evidence_is_the_probability_of_the_best_unit() -> None:
    question = asked(HANDS, [hit(OTTERS)])
    answer = ask(HANDS, [hit(OTTERS)])
    probabilities = [round(answer_probability(features, question.calibration), 4) for features in question.features]
    assert answer.evidence in probabilities


@pytest.mark.parametrize(
    "entry",
    [
        "keep.days (integer)\n\nHow old a log may be. Sized by hand. The default is 6700.\n\nAnother line.",
        "keep.days\n    How old a log may be. The default value is 6700.\n",
        "``keep.days``\n~~~~~~~~~~~~~\n\nDefault: 6700.\n\nHow old a log may be.\n",
        "| Setting | Default |\n|---|---|\n| `max.size` | 64 |\n| `keep.days` | 6700 |\n",
    ],
)
def test_default_value_of_a_setting_is_quoted_from_its_own_entry_first(entry: str) -> None:
    longer = hit(
        "keep.daysPerFile\n    The default value is 50. Setting keep.days to 0 also disables this.\n", "a.md"
    )
    other = hit(
        "The default value of max.size is a tenth of the default value of keep.days, but at least 64.", "b.md"
    )
    answer = ask("What is the default value of keep.days?", [longer, other, hit(entry, "c.md")])
    assert "6700" in answer.sentences[0].text


def test_short_question_that_fits_several_things_names_them() -> None:
    one = hit("The default timeout is 30 seconds.", "a.md", title="Billing service")
    other = hit("The default timeout is 90 seconds.", "b.md", title="Storage service")
    answer = ask("What is the default timeout?", [one, other])
    assert len(answer.sentences) == 2
    assert answer.subjects == ("Billing service", "Storage service")


def test_source_code_among_several_things_has_the_name_of_its_file() -> None:
    code = 'def timeout(self):\n    """The timeout of a boat is thirty seconds."""\n'
    prose = hit("The timeout is sixty seconds here, and no more.", "quay.md", title="Quays")
    answer = ask("timeout seconds?", [hit(code, "boats/__init__.py", kind="code", title="All about boats."), prose])
    assert set(answer.subjects) == {"boats/__init__.py", "Quays"}


def test_question_that_names_one_of_several_things_fits_only_that() -> None:
    one = hit("The default timeout is 30 seconds.", "a.md", title="Billing service")
    other = hit("The default timeout is 90 seconds.", "b.md", title="Storage service")
    assert ask("What is the billing timeout?", [one, other]).subjects == ()


def test_label_is_the_heading_that_the_text_does_not_name() -> None:
    text = "They sleep holding hands, so that none drifts."
    (sentence,) = ask(HANDS, [hit(text, heading="Animals > Otters")]).sentences
    assert (sentence.label, sentence.text) == ("Animals > Otters", text)
    (named,) = ask(HANDS, [hit("Otters sleep holding hands.", heading="Sleeping otters")]).sentences
    assert named.label == ""


def test_citation_has_the_bytes_of_its_quote() -> None:
    answer = ask(HANDS, [hit("# Ä\n\nOtters sleep holding hands.", start_byte=100)])
    cited = answer.sentences[-1].citations[0]
    assert cited.quote == "Otters sleep holding hands."
    assert (cited.start_byte, cited.end_byte) == (106, 133)
    assert (cited.start_line, cited.end_line) == (3, 3)


def test_question_of_stop_words_alone_gets_no_answer() -> None:
    assert ask("who is the?", [hit("The treaty says who is the one.")]).abstained


TABLE = (
    "| place | keeper | fee |\n|---|---|---|\n"
    "| north quay | Ann Lee | 30 |\n| south quay | Bo Dahl | 40 |\n| old mole | Cy Young | 50 |\n"
)


def test_further_row_without_a_word_of_the_question_is_left_out() -> None:
    answer = quoted(TABLE, question="Who is the keeper of the north quay?")
    assert "Ann Lee" in answer
    assert "Bo Dahl" not in answer
    assert "Cy Young" not in answer


def test_rows_that_the_question_names_are_all_quoted() -> None:
    answer = quoted(TABLE, question="Who are the keepers of the north quay and the south quay?")
    assert "north" in answer
    assert "south" in answer


def test_question_about_a_sign_is_answered_by_what_has_it() -> None:
    append = "Moor redirects the log and appends with >> to the file."
    other = "Moor redirects the log to the file always."
    assert quoted(other, append, question="How does moor redirect with >>?") == append


def test_question_about_a_sign_that_no_passage_has_names_it_as_missing() -> None:
    answer = ask("How does moor redirect with >>?", [hit("Moor redirects the log to a file > always.")])
    assert (answer.abstained, answer.missing) == (True, (">>",))


def test_list_of_names_is_quoted_as_a_whole() -> None:
    text = "# Otter events\n\n* `otter.born`\n* `otter.fed`\n* `otter.lost`\n"
    assert "`otter.fed`" in quoted(text, question="What otter events are there?")


def test_document_that_says_it_is_superseded_comes_last_with_what_says_so() -> None:
    notice = "Superseded by [2](new.md)."
    old = f"# Old nests\n\n## Status\n\n{notice}\n\n## Decision\n\nOtters sleep in nests of driftwood.\n"
    new = "Since last May most otters sleep far out upon kelp."
    sentences = ask("Where do otters sleep?", [hit(old, "old.md"), hit(new, "new.md")]).sentences
    assert [each.citations[0].path for each in sentences] == ["new.md", "old.md", "old.md"]
    assert notice in [each.text for each in sentences]


def test_unit_below_another_version_is_about_another_thing() -> None:
    text = "## 2.1\n\n- Otters sleep in the new kelp.\n\n## 2.0\n\n- Otters sleep upon wide ice.\n"
    question = asked("Where do otters sleep in 2.1?", [hit(text)])
    new, old = sorted(question.candidates, key=lambda each: each.unit.ranges)
    assert question.is_about_another(old, new)
    assert not question.is_about_another(new, new)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            "[moor]\n; After this many hours a boat must leave.\nlimit = 72\n; Their quay.\nquay = north\n",
            "a.ini",
        ),
        ("// After this many hours a boat must leave.\nconst Limit = 72\n\nfunc Moor() {\n}\n", "a.go"),
    ],
)
def test_comment_above_a_setting_or_a_constant_is_quoted_with_the_value(text: str, path: str) -> None:
    answer = ask("after how many hours must a boat leave?", [hit(text, path, kind="code")])
    assert answer.sentences[0].text.endswith("imit = 72\nAfter this many hours a boat must leave.")


def test_item_with_the_name_that_a_question_asks_about_is_quoted_as_a_whole() -> None:
    text = (
        "rules:\n  - alert: BoatsSink\n    expr: boats < 3\n    for: 10m\n  - alert: QuayFull\n    expr: boats > 90\n"
    )
    answer = ask("what is the alert BoatsSink?", [hit(text, "a.yaml", kind="code")])
    assert answer.sentences[0].text == "- alert: BoatsSink\n  expr: boats < 3\n  for: 10m"


def test_setting_that_answers_comes_before_prose_about_something_else() -> None:
    prose = hit("The harbour lies in the north of the bay.", "notes.md")
    setting = hit("harbour:\n  memory_limit: 24Gi\n", "values.yaml", kind="code")
    answer = ask("What is the memory limit of the harbour?", [prose, setting])
    assert answer.sentences[0].text == "memory_limit: 24Gi"


def test_reason_of_a_setting_is_in_the_comment_of_the_object_around_it() -> None:
    guard = "  # losing the quay would strand all boats\n  guard {\n    prevent_loss = true\n  }\n"
    text = f'resource "quay" "north" {{\n{guard}}}\n'
    answer = ask("Why prevent_loss of the north quay?", [hit(text, "main.tf", kind="code")])
    assert "# losing the quay would strand all boats\nguard {\n  prevent_loss = true\n}" in answer.answer
    answer = ask("Is there prevent_loss of the north quay?", [hit(text, "main.tf", kind="code")])
    assert "losing" not in answer.answer
