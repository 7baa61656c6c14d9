"""Answers are judged by what they quote of the gold ranges, in files as they are and in text extracted from HTML."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from omni_pipelines.cli.main import app
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.evaluation.answer_questions import AnswerQuestion, range_hash
from omni_pipelines.evaluation.answer_scores import (
    Outcome,
    QuestionResult,
    ask_questions,
    judge,
    report_answers,
)
from omni_pipelines.evaluation.gold_passages import QuotedTexts, find_gold
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation, Sentence
from omni_pipelines.testing.builders import KnowledgeBase

LEAVE = (
    "# Leave\n\nÜber all: everyone has 27 days of leave.\nUp to six days are carried over. They expire in March.\n"
)
PAGE = (
    "<html><body><ul><li>Home</li></ul><h1>Cameras</h1><p>The <b>Ospray</b> weighs 3 kg &amp; is green.</p>"
    "<ol><li>Open the box</li><li>Press <i>Start</i></li></ol>"
    "<table><tr><th>Price</th><td>14,250 euros</td></tr></table></body></html>"
)
OLD = "# Old\n\nEveryone has 20 days of leave.\n"
FILES = {"leave.md": LEAVE, "page.html": PAGE, "old.md": OLD}
DAYS = "everyone has 27 days of leave."


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    home = Home(tmp_path_factory.mktemp("scores") / HOME_NAME)
    return KnowledgeBase(home).with_files(FILES).build()


@pytest.fixture
def texts(base: KnowledgeBase) -> QuotedTexts:
    return QuotedTexts(base.snapshot())


def gold_range(path: str, words: str) -> dict[str, object]:
    raw = FILES[path].encode()
    start = raw.index(words.encode())
    end = start + len(words.encode())
    return {"path": path, "start": start, "end": end, "sha256": range_hash(raw[start:end])}


def question(*alternatives: list[dict[str, object]], missing: str = "") -> AnswerQuestion:
    return AnswerQuestion.model_validate(
        {"id": "q", "question": "How many days?", "kind": "fact", "gold": list(alternatives), "missing": missing}
    )


def answer(base: KnowledgeBase, *quotes: tuple[str, str], text: str = "") -> Answer:
    """An answer that quotes these words of these documents."""
    texts, sentences = QuotedTexts(base.snapshot()), []
    for path, quote in quotes:
        row = next(row for row in base.snapshot().document_names() if row["path"] == path)
        parsed = texts.document(row["uri"])
        start = parsed.text.index(quote)
        first, last = parsed.byte_offsets([start, start + len(quote)])
        cited = Citation(
            citation=f"docs/{path}:1",
            uri=row["uri"],
            path=path,
            start_byte=first,
            end_byte=last,
            start_line=1,
            end_line=1,
            quote=quote,
            chunk_id="c",
            encoding="utf-8",
            verbatim=parsed.verbatim,
        )
        sentences.append(Sentence(text=text or quote, citations=(cited,)))
    joined = " ".join(sentence.text for sentence in sentences)
    return Answer(release=1, abstained=not quotes, answer=joined, sentences=tuple(sentences), evidence=0.5)


def judged(base: KnowledgeBase, asked: AnswerQuestion, given: Answer) -> QuestionResult:
    texts = QuotedTexts(base.snapshot())
    gold, _ = find_gold(asked, texts)
    return judge(asked, gold, given, texts)


@pytest.mark.parametrize(
    ("quotes", "outcome"),
    [
        ([("leave.md", DAYS)], Outcome.RIGHT),
        ([("leave.md", "Über all: everyone has 27 days of leave.\nUp to six days are carried over.")], Outcome.RIGHT),
        ([("leave.md", "has 27 days of leave.")], Outcome.PARTLY),  # it starts in the middle of a sentence
        ([("leave.md", "all: everyone has 27")], Outcome.PARTLY),
        ([("leave.md", "They expire in March.")], Outcome.WRONG),
        ([("old.md", "Everyone has 20 days of leave.")], Outcome.WRONG),
        ([("leave.md", "They expire in March."), ("leave.md", DAYS)], Outcome.RIGHT),
        ([], Outcome.ABSTAINED),
    ],
)
def test_answer_is_worth_what_it_quotes(base: KnowledgeBase, quotes: list[tuple[str, str]], outcome: Outcome) -> None:
    assert judged(base, question([gold_range("leave.md", DAYS)]), answer(base, *quotes)).outcome is outcome


def test_two_quotes_cover_a_range_together(base: KnowledgeBase) -> None:
    gold = [gold_range("leave.md", "Up to six days are carried over. They expire in March.")]
    one, both = ("leave.md", "Up to six days are carried over."), ("leave.md", "They expire in March.")
    assert judged(base, question(gold), answer(base, one)).outcome is Outcome.PARTLY
    assert judged(base, question(gold), answer(base, one, both)).outcome is Outcome.RIGHT


def test_conflict_needs_both_sides_and_an_alternative_is_enough(base: KnowledgeBase) -> None:
    new, old = gold_range("leave.md", DAYS), gold_range("old.md", "Everyone has 20 days of leave.")
    only_new = answer(base, ("leave.md", DAYS))
    both = answer(base, ("leave.md", DAYS), ("old.md", "Everyone has 20 days of leave."))
    assert judged(base, question([new, old]), only_new).outcome is Outcome.PARTLY
    assert judged(base, question([new, old]), both).outcome is Outcome.RIGHT
    assert judged(base, question([new], [old]), only_new).outcome is Outcome.RIGHT


def test_range_of_html_is_compared_with_the_text_extracted_from_it(base: KnowledgeBase) -> None:
    asked = question([gold_range("page.html", "<b>Ospray</b> weighs 3 kg &amp; is green.")])
    assert (
        judged(base, asked, answer(base, ("page.html", "The Ospray weighs 3 kg & is green."))).outcome
        is Outcome.RIGHT
    )
    assert judged(base, asked, answer(base, ("page.html", "Home"), text="Home")).outcome is Outcome.WRONG


def test_numbers_that_extraction_adds_to_a_list_do_not_hide_the_range(base: KnowledgeBase) -> None:
    asked = question([gold_range("page.html", "Open the box</li><li>Press <i>Start</i>")])
    listed = base.snapshot().all_chunks(["text", "path"])
    (page,) = (row["text"] for row in listed if row["path"] == "page.html")
    both = page[page.index("Open") : page.index("Start") + len("Start")]
    assert judged(base, asked, answer(base, ("page.html", both))).outcome is Outcome.RIGHT
    assert judged(base, asked, answer(base, ("page.html", "Open the box"))).outcome is Outcome.PARTLY


def test_value_counts_only_under_its_heading(base: KnowledgeBase) -> None:
    asked = question([gold_range("page.html", "14,250 euros")])
    cell = ("page.html", "14,250 euros")
    assert judged(base, asked, answer(base, ("page.html", "Price | 14,250 euros"))).outcome is Outcome.RIGHT
    assert judged(base, asked, answer(base, cell, text="Ospray, price: 14,250 euros")).outcome is Outcome.RIGHT
    short = question([gold_range("page.html", "euros")])
    assert judged(base, short, answer(base, ("page.html", "euros"))).outcome is Outcome.PARTLY


def test_answer_to_a_question_without_one_is_invented(base: KnowledgeBase) -> None:
    asked = question(missing="fact")
    assert judged(base, asked, answer(base, ("leave.md", DAYS))).outcome is Outcome.INVENTED
    assert judged(base, asked, answer(base)).outcome is Outcome.ABSTAINED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"path": "gone.md"}, "gone.md is not in the release"),
        ({"sha256": "0" * 16}, "leave.md has other bytes there: it is another version"),
        ({"quote": "no such words"}, "leave.md has no such words"),
    ],
)
def test_question_whose_range_is_not_there_is_left_out_with_the_reason(
    base: KnowledgeBase, texts: QuotedTexts, change: dict[str, object], reason: str
) -> None:
    asked = question([{**gold_range("leave.md", DAYS), **change}])
    results, left_out = ask_questions([asked], texts, base.librarian().ask)
    assert (results, left_out) == ([], [f"q: {reason}"])


def test_report_counts_by_kind_and_by_what_is_missing(base: KnowledgeBase) -> None:
    right = answer(base, ("leave.md", DAYS)).model_copy(update={"evidence": 0.9})
    gold = question([gold_range("leave.md", DAYS)])
    results = [
        judged(base, gold, right),
        judged(base, gold, answer(base)),
        judged(base, question(missing="thing"), answer(base, ("leave.md", DAYS))),
        judged(base, question(missing="domain"), answer(base)),
    ]
    report = report_answers(results, ["q-9: gone"])
    everything, fact = report.answerable
    assert (everything.questions, everything.share(Outcome.RIGHT), fact.name) == (2, 0.5, "fact")
    assert [(each.name, each.share(Outcome.INVENTED)) for each in report.unanswerable] == [
        ("unanswerable", 0.5),
        ("domain", 0.0),
        ("thing", 1.0),
    ]
    assert (report.curve[0].risk, report.curve[-1].coverage, report.curve[-1].misleading) == (0.0, 0.5, 0.5)
    assert report.quoted_characters == len(DAYS)


def test_eval_command_refuses_a_folder_and_a_file_of_questions_at_once(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["eval", str(tmp_path), "--answers", str(tmp_path / "questions.jsonl")])
    assert isinstance(done.exception, ConfigurationError)
    assert done.exception.message == "name either a folder or --answers FILE"
