"""Asks a home questions whose answers are known, and judges what it answers."""

from collections.abc import Sequence
from functools import partial

from omni_pipelines.evaluation.answer_questions import AnswerQuestion
from omni_pipelines.evaluation.answer_scores import QuestionResult, ask_questions
from omni_pipelines.evaluation.gold_passages import QuotedTexts
from omni_pipelines.home import Home
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.state.snapshot import Snapshot


def evaluate_answers(
    home: Home, questions: Sequence[AnswerQuestion], *, generate: bool = False
) -> tuple[list[QuestionResult], list[str]]:
    """Ask the newest release of a home; see `ask_questions`. The questions are not added to the journal.

    Raises:
        ConfigurationError: there is no release, or `generate` is true and the settings name no language model.
        ModelMissing: the embedding model was never pulled.
    """
    librarian = Librarian.open(home)
    librarian.search("warm up", 1)  # so that the first question does not load the model
    texts = QuotedTexts(Snapshot.open(home, librarian.release))
    return ask_questions(questions, texts, partial(librarian.ask, generate=generate, keep=False))
