"""`omni ask`, `omni show` and `omni verify`."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from native.durable import write_whole
from omni_pipelines.cli.claims_view import showing_claims
from omni_pipelines.cli.command import Result, command
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.release_options import RefreshedHome, ViewerOrOwner
from omni_pipelines.cli.search_options import Filters, OpenLibrarian, tell_vector_share
from omni_pipelines.cli.stdin import STDIN, words_or_stdin
from omni_pipelines.cli.views.search import show_answer, show_citation, show_verification
from omni_pipelines.errors import ConfigurationError, NoAnswer, NotChecked, NotVerified, OmniError
from omni_pipelines.knowledge.answers.cited_answer import Answer
from omni_pipelines.knowledge.answers.receipts import receipt_bytes
from omni_pipelines.knowledge.answers.verification import ReceiptOutcome, Verification, verify_receipt
from omni_pipelines.knowledge.search.citations import Passage


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
    return "the sources do not answer this" + (f"; nothing in them mentions {missing}" if missing else "")


@command(show_citation)
def show(
    librarian: OpenLibrarian,
    citation: Annotated[
        str, Argument(help="What omni ask and omni search print: PATH:LINE, PATH:LINE-LINE, PATH:pPAGE.")
    ],
) -> Passage:
    """Print exactly the text that a citation names."""
    return librarian.show(citation)


@command(show_verification)
def verify(
    viewer: ViewerOrOwner,
    home: RefreshedHome,
    receipt: Annotated[Path, Argument(help="A file that omni ask --receipt wrote, or - for standard input.")],
) -> Result[Verification]:
    """Check a receipt against this home and the release it names, offline.

    Every field is checked. The exit code is 0 if all checks pass, 1 if one fails, and 2 if none fails but one cannot
    be made: the release is gone, something cannot be read, or another home sealed the receipt.
    """
    try:
        content = sys.stdin.buffer.read() if str(receipt) == STDIN else receipt.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{receipt} cannot be read: {error.strerror}", cure="name a receipt") from error
    verification = verify_receipt(home, content, viewer)
    for note in verification.notes:
        narrate(f"note: {note}")
    return Result(verification, error=_refusal(verification))


def _refusal(verification: Verification) -> OmniError | None:
    if verification.outcome is ReceiptOutcome.WRONG:
        failed = f"{len(verification.failures)} of {verification.checks} checks failed"
        return NotVerified(failed, cure="trust the sources, not this receipt")
    if verification.outcome is ReceiptOutcome.UNCHECKED:
        problem = "no check failed, but not all of this receipt could be checked here"
        return NotChecked(problem, cure="see what is not proven, and why; verify it in the home that answered")
    return None
