"""What the commands print that describe an installation: providers, model, schema, tokens, tool."""

import sys
from dataclasses import dataclass

import orjson

from omni_pipelines.cli.command import Fields, Rows
from omni_pipelines.cli.output import narrate, say, visible
from omni_pipelines.cli.text import say_table
from omni_pipelines.model_store import ModelStatus
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.problems import Problem
from omni_pipelines.variant_registry import Survey


@dataclass(frozen=True)
class CommandProviders:
    """The providers of a command, and which one is chosen."""

    command: str
    survey: Survey

    def as_json(self) -> Fields:
        """The command, and the fields of the survey."""
        return {"command": self.command, **vars(self.survey)}


def show_providers(commands: Rows[CommandProviders]) -> None:
    """Print the chosen provider of each command, and the state of all where there is a choice."""
    single = [each for each in commands.rows if each.survey.chosen and len(each.survey.variants) == 1]
    if single:
        say(f"the only provider: {', '.join(f'{each.command} {each.survey.chosen}' for each in single)}")
    for command in commands.rows:
        if command in single:
            continue
        survey = command.survey
        say(f"{command.command}: {survey.chosen or 'nothing'} ({survey.why})")
        for variant in survey.variants:
            mark = "*" if variant.name == survey.chosen else " "
            state = f"{variant.name:<16} {variant.status:<12} priority {variant.priority:<3}"
            say(f"  {mark} {state}  {variant.reason}".rstrip())


def show_models(models: Rows[ModelStatus]) -> None:
    """Print one line per model."""
    rows = [
        (
            model.name,
            model.kind,
            f"{model.bytes / 1e6:.1f} MB" if model.installed else "not installed",
            f"{model.purpose} ({model.licence})",
        )
        for model in models.rows
    ]
    say_table(("model", "kind", "size", "purpose"), rows)


def show_pulled_models(models: Rows[Fields]) -> None:
    """Print whether each model was fetched now."""
    for model in models.rows:
        narrate(
            f"{model['name']}: {'fetched, checked and ready' if model['new'] else 'already installed and undamaged'}"
        )


@dataclass(frozen=True)
class CheckedModel:
    """An installed model, and its files that differ from their checksums."""

    name: str
    whole: bool
    damaged: list[str]


def show_checked_models(models: Rows[CheckedModel]) -> None:
    """Print whether each model is undamaged."""
    for model in models.rows:
        say(f"{model.name}: {'undamaged' if model.whole else 'damaged: ' + ', '.join(model.damaged)}")


def show_shortened_text(shortened: Fields) -> None:
    """Print the text, without a line end of its own."""
    text = str(shortened["text"])
    sys.stdout.write(visible(text) if sys.stdout.isatty() else text)


def show_tools(tools: Rows[Fields]) -> None:
    """Print one line per tool."""
    rows = [(tool["fullName"], str(tool["description"]).splitlines()[0]) for tool in tools.rows]
    say_table(("tool", "description"), rows)


def show_document_check(problems: Rows[Problem]) -> None:
    """Print each problem of a tool document, with its place."""
    say(f"{problems.fields['file']}: {f'{len(problems.rows)} problems' if problems.rows else 'valid'}")
    for problem in problems.rows:
        say(f"  {problem}")


def show_response(response: ToolResponse) -> None:
    """Print the data of a response."""
    if isinstance(response.data, str):
        say(response.data)
    elif response.data is not None:
        say(orjson.dumps(response.data, option=orjson.OPT_INDENT_2).decode())
