"""`omni verify`."""

import sys
from pathlib import Path
from typing import Annotated

from typer import Argument

from omni_pipelines.cli.command import Result, command
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.release_options import RefreshedHome, ViewerOrOwner
from omni_pipelines.cli.stdin import STDIN
from omni_pipelines.cli.views.search import show_verification
from omni_pipelines.errors import ConfigurationError, NotChecked, NotVerified, OmniError
from omni_pipelines.knowledge.answers.verification import ReceiptOutcome, Verification, verify_receipt


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
