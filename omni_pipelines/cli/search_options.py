"""Options of the commands that search."""

from typing import Annotated

from typer import Option

from omni_pipelines.cli.command import Depends
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.release_options import RefreshedHome, ReleaseNumber, ViewerOrOwner
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.search.options import Fusion

HitsOption = Annotated[int, Option("-k", metavar="COUNT", help="How many hits at most.")]
FusionOption = Annotated[Fusion, Option(help="How the keyword list and the vector list are combined.")]
FeedbackOption = Annotated[
    bool | None,
    Option(help="Search again with a vector that is moved towards the best hits. Default: as in the settings."),
]
WhereOption = Annotated[
    list[str] | None,
    Option(
        metavar="FIELD=VALUE",
        help="Only passages with this value. Fields: source, path (also docs/**), language, kind, "
        "modified (2026-01-01..). Repeatable.",
    ),
]


def filters_of(where: WhereOption = None) -> dict[str, str]:
    """Fields and their values.

    Raises:
        ConfigurationError: an option without `=`, or a field that is given twice.
    """
    filters: dict[str, str] = {}
    for option in where or []:
        field, separator, value = option.partition("=")
        if not separator or not field:
            raise ConfigurationError(f"--where {option!r} has no '='", cure="write it as --where language=python")
        if field in filters:
            raise ConfigurationError(f"--where {field} is given twice", cure="give it once")
        filters[field] = value
    return filters


def open_librarian(home: RefreshedHome, release: ReleaseNumber, viewer: ViewerOrOwner) -> Librarian:
    """The librarian of the chosen release, for the viewer."""
    return Librarian.open(home, release, viewer=viewer)


def tell_vector_share(librarian: Librarian) -> None:
    """Say so if the passages cannot all be found by meaning yet."""
    if librarian.vector_share < 1:
        share = f"{librarian.vector_share:.0%}"
        narrate(f"note: all passages can be found by words, {share} by meaning so far; the rest follows: omni status")


Filters = Annotated[dict[str, str], Depends(filters_of)]
OpenLibrarian = Annotated[Librarian, Depends(open_librarian)]
