"""Write the reference pages that are made from the code: `make docs`.

A test compares the pages on disk with what this module makes, so they cannot fall behind the code.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from enum import EnumType
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

import typer.main
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from omni_pipelines.cli.examples import EXAMPLES
from omni_pipelines.cli.main import app
from omni_pipelines.settings import AlertSettings, Settings, SourceSettings

REFERENCE = Path(__file__).parent / "reference"
COMMON = 10
"""An option that this many commands share is described once, at the top of the page."""
_DEFAULTS = {"cache": "`~/.cache/omni_pipelines`", "workers": "one for each processor"}
"""What to print for defaults that depend on the machine."""
_MORE = {
    "store": "../how-to/sharing.md#several-machines",
    "chunk_mode": "../explanation/chunking.md",
    "feedback": "../explanation/search-quality.md",
    "fold_near_duplicates": "../explanation/chunking.md#duplicates",
    "max_file_bytes": "formats.md#what-is-refused",
    "mask_secrets": "../explanation/masking.md",
    "mask_personal": "../explanation/masking.md",
    "delete_guard": "../how-to/sources.md",
    "alerts": "../how-to/operations.md#alerts",
    "keep_releases": "../how-to/releases.md",
    "gate_floor": "../how-to/quality-gate.md",
    "keep_questions": "../how-to/quality-gate.md#gaps",
    "sources": "../how-to/sources.md#sources-in-omnitoml",
    "acl": "../how-to/sharing.md#several-people",
    "allow_private": "../how-to/sources.md#pages-of-a-website",
}
"""Where the documentation says more about a setting."""
_MEBIBYTE = 1 << 20
_TYPES = {str: "text", int: "whole number", float: "number", Path: "path", bool: "`true` or `false`"}
_NOTE = "<!-- Written by `make docs` (docs/generate.py) from the code; do not edit. -->"

COMMANDS_HEAD = f"""# Commands

{_NOTE}

`omni COMMAND --help` prints the same on the command line.

- Data goes to stdout. Progress and warnings go to stderr.
- A failed command prints one line with the [number of the error](errors.md) and one line with the cure. With `--json`
  it also writes the error as a JSON document to stdout.
- The knowledge base is the `.omni` folder in the current folder or in the nearest folder above it. `--home` or the
  variable `OMNI_HOME` names another one.

| exit code | meaning |
|---|---|
| 0 | success |
| 1 | a negative result (no answer, a failed check, a refused change), or an error that has no other exit code |
| 2 | wrong usage or configuration |
| 3 | temporary failure: try again |
| 130 | interrupted with Ctrl+C |
"""

SETTINGS_HEAD = f"""# Settings

{_NOTE}

Settings are read from `omni.toml`, beside the `.omni` folder, and from environment variables. An option of
the command line overrides a variable, a variable overrides the file, and the file overrides the default.

```toml
chunk_tokens = 512

[sources.handbook]
acl = ["hr"]
```

The variable of a setting is its name in capitals after `OMNI_`: `OMNI_CHUNK_TOKENS=512`. Lists and tables are written
with commas: `OMNI_MASK_PERSONAL=card,iban,email`, `OMNI_CODECS=chunks.text=zstd:9,documents.text=lz4`.

An `omni.toml` may come from somebody else. Therefore omni names some of its settings and ignores them until you run
`omni trust`: `store`, `llm_url`, `rerank_url`, `ray_address`, `cache`, `dagster_home`, `alerts`, and of a source
`allow`, `allow_private` and a location that is a URL or outside the folder. If one of them changes, `omni trust` is
needed again. Variables need no trust.

"""

ALERTS = "They are in the table `[alerts]` of `omni.toml`; `OMNI_ALERTS` takes the same as a JSON object.\n\n"

VARIABLES = """
## Variables that are not settings

| variable | meaning |
|---|---|
| `OMNI_HOME` | the knowledge base to use; `--home` overrides it |
| `OMNI_LLM_KEY` | the key for `llm_url`; it is used only if `OMNI_LLM_URL` is set in the environment too |
| `OMNI_ALERTS_SECRET` | the secret that signs messages to `alerts.webhook` |
| `OMNI_ALERTS_PASSWORD` | the password for `alerts.smtp` |
| `XDG_CACHE_HOME` | the folder that holds `omni_pipelines`, the default of `cache` |
| `AWS_*`, `GOOGLE_*`, `AZURE_*` | credentials and addresses of buckets, as the drivers of each provider read them |
"""


def main() -> int:
    """Write every page."""
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, "utf-8")
    return 0


def pages() -> dict[str, str]:
    """Return the text of each generated page by its file name."""
    return {"commands.md": commands_page(), "settings.md": settings_page()}


def commands(command: Any, name: str = "omni") -> Iterator[tuple[str, Any]]:
    """Yield the full name and the Click object of a group and of every visible command below it, sorted by name."""
    yield name, command
    if hasattr(command, "list_commands"):
        context = command.context_class(command, info_name=name)
        for word in sorted(command.list_commands(context)):
            child = command.get_command(context, word)
            if not child.hidden:
                yield from commands(child, f"{name} {word}")


def commands_page() -> str:
    """Describe every command with its arguments and options."""
    found = list(commands(typer.main.get_command(app)))[1:]
    leaves = [(name, command) for name, command in found if not hasattr(command, "list_commands")]
    uses = Counter(_option_row(option) for _, command in leaves for option in _options(command))
    common = [row for row, count in uses.most_common() if count >= COMMON]
    parts = [COMMANDS_HEAD, "\n## Options that many commands take\n\n", _table(("option", "meaning"), common)]
    parts += ["\n## Overview\n\n", _table(("command", "what it does"), map(_overview_row, leaves))]
    for name, command in found:
        parts.append(f"\n## {name}\n\n{_text(command.help)}\n" if name.count(" ") == 1 else f"\n### {name}\n\n")
        if name.count(" ") > 1:
            parts.append(f"{_text(command.help)}\n")
        if not hasattr(command, "list_commands"):
            parts.append(_usage(name, command, common))
    return "".join(parts)


def settings_page() -> str:
    """Describe every setting, and every setting of a single source."""
    header = ("setting", "value", "default", "meaning")
    parts = [SETTINGS_HEAD, "## All settings\n\n", _table(header, _setting_rows(Settings))]
    parts.append(
        "\n## Settings of one source\n\nThey are in the table `[sources.NAME]` of `omni.toml`. "
        "A setting that is not given there has the value that holds for all sources.\n\n"
    )
    parts += [_table(header, _setting_rows(SourceSettings)), "\n## Settings of alerts\n\n", ALERTS]
    parts += [_table(header, _setting_rows(AlertSettings)), VARIABLES]
    return "".join(parts)


def _usage(name: str, command: Any, common: Collection[tuple[str, str]]) -> str:
    options = [_option_row(option) for option in _options(command)]
    arguments = [_argument_row(param) for param in command.params if param.param_type_name == "argument"]
    words = [name, *(row[0].strip("`") for row in arguments), *(["[OPTIONS]"] if options else [])]
    rows = [*(row for row in arguments if row[1]), *(row for row in options if row not in common)]
    shared = ", ".join(row[0].split(",")[0] for row in options if row in common)
    examples = EXAMPLES.get(name.removeprefix("omni "), ())
    text = f"\n```\n{' '.join(words)}\n```\n"
    if rows:
        text += "\n" + _table(("argument or option", "meaning"), rows)
    text += f"\nAlso: {shared}.\n" if shared else ""
    return text + "\n```sh\n" + "\n".join(examples) + "\n```\n"


def _options(command: Any) -> list[Any]:
    return [param for param in command.params if param.param_type_name == "option" and not param.hidden]


def _overview_row(item: tuple[str, Any]) -> tuple[str, str]:
    name, command = item
    return f"[`{name}`](#{name.replace(' ', '-')})", _text(command.help).split("\n\n")[0].replace("\n", " ")


def _argument_row(argument: Any) -> tuple[str, str]:
    name = (argument.metavar or argument.name.upper()).strip("[]")
    name += "..." if argument.nargs == -1 else ""
    choices = ", ".join(f"`{choice}`" for choice in getattr(argument.type, "choices", ()))
    meaning = _text(argument.help) + (f" One of: {choices}." if choices else "")
    return f"`{name}`" if argument.required else f"`[{name}]`", meaning


def _option_row(option: Any) -> tuple[str, str]:
    names = [*sorted(option.opts, key=len, reverse=True), *option.secondary_opts]
    value = "" if option.is_flag else f" {_value(option)}"
    default = option.default
    is_plain = isinstance(default, str | int | float) and not isinstance(default, bool) and default != ""
    shown = f" Default: `{default}`." if is_plain and option.show_default is not False else ""
    return ", ".join(f"`{name}{value}`" for name in names), _text(option.help).rstrip(".") + "." + shown


def _value(option: Any) -> str:
    choices = getattr(option.type, "choices", None)
    return "|".join(map(str, choices)) if choices else option.metavar or option.name.upper().replace("_", "-")


def _setting_rows(model: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    described = descriptions(model)
    for name, field in model.model_fields.items():
        more = f" [More]({_MORE[name]})" if name in _MORE else ""
        yield f"`{name}`", _allowed(field), _default(name, field), _text(described[name]) + more


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """The text below each field of a model. Pydantic can read it, which takes a tenth of the time of a question."""
    found: dict[str, str] = {}
    for origin in model.__mro__[: model.__mro__.index(BaseModel)]:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(origin))).body
        assert isinstance(definition, ast.ClassDef)
        for field, text in pairwise(definition.body):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(description))):
                    found.setdefault(name, inspect.cleandoc(description))
    return found


def _allowed(field: FieldInfo) -> str:
    bounds = {
        word: getattr(bound, attribute)
        for bound in field.metadata
        for attribute, word in (("ge", "from"), ("gt", "above"), ("le", "to"))
        if hasattr(bound, attribute)
    }
    return " ".join([_type(field.annotation), *(f"{word} {bound:,}" for word, bound in bounds.items())])


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{argument}`" for argument in arguments if argument)
    if isinstance(annotation, EnumType):
        return ", ".join(f"`{member.value}`" for member in annotation)  # type: ignore[var-annotated]
    if origin is UnionType:
        return _type(next(argument for argument in arguments if argument is not NoneType))
    if origin is tuple:
        inner = _type(arguments[0])
        return "list" if inner == "text" else f"list of {inner}"
    is_table = origin is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel))
    return "table" if is_table else _TYPES[annotation]


def _default(name: str, field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return _DEFAULTS[name]
    default = field.default
    if default in (None, "", (), {}) or isinstance(default, BaseModel):
        return ""
    if isinstance(default, int) and default >= _MEBIBYTE:
        return f"`{default}` ({default // _MEBIBYTE} MiB)"
    if isinstance(default, tuple):
        return ", ".join(f"`{item}`" for item in default)
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _text(text: str | None) -> str:
    return inspect.cleandoc(text or "")


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
