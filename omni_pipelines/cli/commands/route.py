"""`omni route`."""

from typing import Annotated

from typer import Argument, Option

from omni_pipelines.agent_tools.routing import Confidence, Route, Router, entries_of
from omni_pipelines.agent_tools.shipped import shipped_tools
from omni_pipelines.cli.command import Rows, command
from omni_pipelines.cli.dependencies import AnyHome, HomeSettings
from omni_pipelines.cli.output import narrate
from omni_pipelines.cli.stdin import words_or_stdin
from omni_pipelines.cli.text import say_table
from omni_pipelines.errors import ConfigurationError, ModelMissing
from omni_pipelines.settings import Settings
from omni_pipelines.skills.library import SkillLibrary
from omni_pipelines.text.embedding import Embedder


def _show(result: Rows[Route]) -> None:
    rows = [(each.name, each.kind, each.confidence, f"{each.score:.2f}", each.reason) for each in result.rows]
    say_table(("name", "is", "confidence", "score", "why"), rows)
    if not result.rows or result.rows[0].confidence is Confidence.LOW:
        narrate("note: nothing fits well; see: omni skill list, omni tool list")


@command(_show)
def route(
    home: AnyHome,
    settings: HomeSettings,
    query: Annotated[list[str], Argument(metavar="QUERY", help="A request, or - for standard input.")],
    count: Annotated[int, Option("--count", "-n", min=1, max=50, help="How many to list.")] = 5,
) -> Rows[Route]:
    """Find the skill or tool for a request, with a confidence and the reasons."""
    text = words_or_stdin(query).strip()
    if not text:
        raise ConfigurationError("the request is empty", cure="say what you want to do: omni route QUERY")
    entries = entries_of(SkillLibrary(home).skills().values(), shipped_tools(home).catalog.tools)
    return Rows("routes", Router(entries, _embedder(settings)).route(text, count))


def _embedder(settings: Settings) -> Embedder | None:
    from omni_pipelines.text.engines import load_embedder

    try:
        return load_embedder(settings)
    except ModelMissing as error:
        narrate(f"note: only words are compared, not meanings: {error.message}; {error.cure}")
        return None
