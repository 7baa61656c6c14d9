"""`omni ask`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from native.durable import write_whole
from omni_pipelines.cli.claims_view import showing_claims
from omni_pipelines.cli.command import Result, command
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.search_options import Filters, OpenLibrarian, tell_vector_share
from omni_pipelines.cli.stdin import words_or_stdin
from omni_pipelines.cli.views.search import show_answer
from omni_pipelines.errors import NoAnswer
from omni_pipelines.knowledge.answers.cited_answer import Answer
from omni_pipelines.knowledge.answers.receipts import receipt_bytes


class AnswerMode(StrEnum):
    """Whose words an answer has."""

    AUTO = "auto"
    EXTRACTIVE = "extractive"
    GENERATIVE = "generative"


_GENERATE = {AnswerMode.AUTO: None, AnswerMode.EXTRACTIVE: False, AnswerMode.GENERATIVE: True}
ModeOption = Annotated[
    AnswerMode,
    Option(
        help="extractive: quotes from the sources. generative: claims of a language model, each supported by a "
        "quote. auto: generative if the setting llm or llm_url is set, else extractive."
    ),
]


@command(show_answer, around=showing_claims)
def ask(
    filters: Filters,
    librarian: OpenLibrarian,
    question: Annotated[list[str], Argument(metavar="QUESTION", help="A question, or - for standard input.")],
    mode: ModeOption = AnswerMode.AUTO,
    receipt: Annotated[
        Path | None, Option(metavar="FILE", help="Write the proof of the answer to this file.")
    ] = None,
) -> Result[Answer]:
    """Answer a question with citations, or say that there is no answer."""
    words = words_or_stdin(question)
    tell_vector_share(librarian)
    answer = librarian.ask(words, filters, generate=_GENERATE[mode])
    if receipt is not None:
        write_whole(receipt, receipt_bytes(librarian.receipt(answer)))
        narrate(f"receipt: {receipt}")
    if answer.note:
        narrate(f"note: {answer.note}")
    cure = f'see what the sources say about it: omni search "{words[:60]}"'
    return Result(answer, error=NoAnswer(_no_answer(answer), cure=cure) if answer.abstained else None)


def _no_answer(answer: Answer) -> str:
    """Why there is no answer, as far as that is known."""
    missing = ", ".join(f'"{word}"' for word in answer.missing)
    if missing and not any(map(str.isalnum, "".join(answer.missing))):
        return f"no passage that was found has {missing}; signs are not searched, so name them in words"
    return "the sources do not answer this" + (f"; nothing in them mentions {missing}" if missing else "")
