"""What a question asks for: its kind, the names in it, and its words weighted by how rare they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.knowledge.answers.question import (
    Asked,
    answers_kind,
    asked_kind,
    content,
    defined_names,
    figures,
    is_negated,
    mentions,
    names,
    symbols,
    wants_list,
)


@pytest.mark.parametrize(
    ("asked", "questions"),
    [
        (Asked.PERSON, ["Who maintains the parser?", "Wer pflegt den Parser?", "誰が担当ですか"]),
        (
            Asked.YEAR,
            ["In which year was it founded?", "In welchem Jahr wurde es gegründet?", "何年に設立されましたか"],
        ),
        (Asked.TIME, ["When does the office close?", "Wann schließt das Büro?", "いつ閉まりますか"]),
        (Asked.DURATION, ["How long are logs kept?", "Wie lange werden Logs behalten?", "何日保存されますか"]),
        (Asked.NUMBER, ["How many keys are there?", "Wie viele Schlüssel gibt es?", "いくつありますか"]),
        (Asked.PLACE, ["Where are the logs?", "Wo liegen die Logs?", "ログはどこですか"]),
        (Asked.REASON, ["Why does it stop?", "Warum hält es an?", "なぜ止まりますか"]),
        (
            Asked.STEPS,
            [
                "How do I rotate keys?",
                "How to restrict who can see a page?",
                "Wie kann ich Schlüssel tauschen?",
                "どうやって回しますか",
            ],
        ),
        (Asked.DEFAULT, ["What is the default of timeout?", "Was ist der Standardwert?", "デフォルトは何ですか"]),
        (Asked.DEFINED, ["Where is open_index defined?", "Wo ist open_index definiert?"]),
        (Asked.SIGNATURE, ["What are the parameters of open?", "Welche Argumente hat open?", "引数は何ですか"]),
        (
            Asked.VERSION,
            ["In which version was it added?", "In welcher Version kam es dazu?", "どのバージョンですか"],
        ),
        (Asked.MONEY, ["How much does it cost?", "Was kostet es?", "いくらですか"]),
        (Asked.ANY, ["Tell me about otters", "Otter", ""]),
    ],
)
def test_words_of_a_question_tell_what_it_asks_for(asked: Asked, questions: list[str]) -> None:
    assert {question: asked_kind(question) for question in questions} == dict.fromkeys(questions, asked)


@pytest.mark.parametrize(
    ("asked", "answer", "other"),
    [
        (Asked.PERSON, "Ada Lovelace wrote it.", "it was written slowly."),
        (Asked.YEAR, "It was founded in 1986.", "It was founded long ago."),
        (Asked.VERSION, "Added in version 3.2", "Added some time ago"),
        (Asked.TIME, "It closes at 18:30.", "It closes, says the sign."),
        (Asked.DURATION, "Logs are kept for 30 days.", "Logs are kept."),
        (Asked.TIME, 'cron: "30 2 * * 1-5"', 'name: "nightly"'),
        (Asked.DURATION, "retention_period = 21", "instances = 21"),
        (Asked.DURATION, "RETRY = timedelta(minutes=5)", "RETRY = 5"),
        (Asked.MONEY, "It costs 30 euros.", "It costs too much."),
        (Asked.NUMBER, "There are nine of them.", "There are lots of them."),
        (Asked.PLACE, "See /var/log for them.", "See there."),
        (Asked.DEFAULT, "timeout=30", "The timeout is long."),
        (Asked.REASON, "It stops because it is full.", "It stops."),
    ],
)
def test_text_has_something_of_the_asked_kind_or_not(asked: Asked, answer: str, other: str) -> None:
    assert (answers_kind(asked, answer), answers_kind(asked, other)) == (1.0, -1.0)


def test_any_text_may_answer_a_question_of_no_kind() -> None:
    assert answers_kind(Asked.ANY, "Otters sleep.") == 0.0


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What does `open_index` do?", ["open_index"]),
        ("What does os.path.join return?", ["os.path.join"]),
        ("What does --force do?", ["--force"]),
        ("What is new in Python 3.12?", ["Python 3.12"]),
        ("How does parseHeader work?", ["parseHeader"]),
        ("When was the Ospray founded?", ["Ospray"]),
        ("What is HTTP for?", ["HTTP"]),
        ("Where is docs/keys.md?", ["docs/keys.md"]),
        ("What does main() do?", ["main"]),
        ("how do otters sleep", []),
        ("Wie lange ist die Garantie für das Gerät?", []),
    ],
)
def test_names_are_identifiers_and_proper_names(question: str, found: list[str]) -> None:
    assert names(question) == found


def test_defined_names_are_identifiers_and_what_a_declaration_may_declare() -> None:
    assert defined_names("What are the parameters of os.path.join?") == ["os.path.join"]
    assert defined_names("Where is the class LanceTable defined?") == ["LanceTable"]
    assert defined_names("Where is the scheduler defined?") == ["scheduler"]
    assert defined_names("How do otters sleep?") == []


@pytest.mark.parametrize(
    ("text", "is_mentioned"),
    [("Use Open_Index here", True), ("open_indexes", False), ("reopen_index", False), ("open_index.", True)],
)
def test_name_is_mentioned_as_whole_words_in_any_case(text: str, is_mentioned: bool) -> None:
    assert mentions(text, "open_index") is is_mentioned


def test_acronym_is_mentioned_in_the_plural_too() -> None:
    assert names("Are PDFs read?") == ["PDF"]
    assert mentions("two PDFs", "PDF")
    assert not mentions("two Keys", "Key")


@given(st.text(), st.text(min_size=1))
def test_any_name_may_be_looked_for(text: str, name: str) -> None:
    mentions(text, name)


@given(st.text())
def test_any_text_may_be_a_question(text: str) -> None:
    assert asked_kind(text) in Asked
    assert all(name in text for name in names(text))
    assert all(name.strip() for name in names(text))
    defined_names(text)


@pytest.mark.parametrize(
    ("question", "is_list"),
    [
        ("What are the steps to rotate keys?", True),
        ("Which options does it have?", True),
        ("Welche Schritte sind nötig?", True),
        ("どのような方法がありますか", True),
        ("What options are there?", True),
        ("How long is the guarantee?", False),
        ("What is the fee of the harbour?", False),
        ("What does the parser return?", False),
    ],
)
def test_some_questions_want_a_list(question: str, is_list: bool) -> None:
    assert wants_list(question) is is_list


def test_figures_and_negations_are_seen() -> None:
    assert figures("B9 has 1,000 or 3.5 of 7") == {"1,000", "3.5", "7"}
    assert is_negated("It doesn't stop.")
    assert is_negated("Es stoppt nicht.")
    assert not is_negated("It stops, notably.")


def test_content_leaves_out_how_much_is_asked() -> None:
    assert content("How often are keys rotated?").split() == ["are", "keys", "rotated?"]
    assert content("Wie viele Tage?").split() == ["Tage?"]


@pytest.mark.parametrize("question", ["Which status is it?", "which class moors?", "What process runs here?"])
def test_singular_that_ends_with_s_asks_for_no_list(question: str) -> None:
    assert not wants_list(question)


@pytest.mark.parametrize(
    ("question", "signs"),
    [
        ("difference between > and >>", [">", ">>"]),
        ("What is $? in bash", ["$?"]),
        ("What does `|` do?", ["|"]),
        ("Where is Settings > Keys?", []),
        ("How do I find files > 1 GB", []),
        ("Q & A, and more / less?", []),
    ],
)
def test_signs_that_a_question_asks_about(question: str, signs: list[str]) -> None:
    assert symbols(question) == signs


@pytest.mark.parametrize("question", ["What is the ???", "The ???? number", "why ??", "what ?! is it", "is it !!!"])
def test_question_marks_are_no_signs_that_a_question_asks_about(question: str) -> None:
    assert symbols(question) == []
