"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from omni_pipelines.knowledge.state.access import Viewer

HomeOption = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads it at run time
    typer.Option("--home", help="The knowledge base; default: OMNI_HOME, or the nearest .omni folder."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document instead of text.")]
WhereOption = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--where",
        help="Narrow to FIELD=VALUE: source, path (or docs/**), language, kind, modified (2026-01-01..). Repeatable.",
    ),
]

ReaderOption = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--as",
        help="Read as somebody with this tag, who sees what has it or has none; repeatable. Default: the owner, who "
        "sees everything.",
        show_default=False,
    ),
]
FusionOption = Annotated[
    str,
    typer.Option("--fusion", help="How both lists become one: convex, rrf, weighted-rrf or adaptive-rrf."),
]
FeedbackOption = Annotated[
    Optional[bool],  # noqa: UP045
    typer.Option("--feedback/--no-feedback", help="Ask once more, near what was found first; default: as set."),
]


def reader_of(tags: list[str] | None) -> Viewer | None:
    """The reader that `--as` names; None, the owner, without it. `--as ""` is somebody without tags.

    Raises:
        ConfigurationError: one of them is no tag.
    """
    if tags is None:
        return None
    from omni_pipelines.knowledge.state.access import Viewer

    return Viewer.of(tag for given in tags for tag in given.split(",") if tag)


def filters(where: list[str] | None) -> dict[str, str]:
    """`field=value` options as a mapping.

    Raises:
        ConfigurationError: one without `=`, or a field given twice.
    """
    from omni_pipelines.errors import ConfigurationError

    found: dict[str, str] = {}
    for each in where or []:
        field, separator, value = each.partition("=")
        if not separator or not field:
            raise ConfigurationError(f"--where {each!r} has no '='", cure="write it as --where language=python")
        if field in found:
            raise ConfigurationError(f"--where {field} is given twice", cure="give it once")
        found[field] = value
    return found
