"""The draft of a skill: its files before they are verified, and drafts that need no language model."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.permissions.capabilities import check_capability, names
from omni_pipelines.skills.fields import skill_name
from omni_pipelines.skills.frontmatter import FILE
from omni_pipelines.skills.generation.recipe_table import FALLBACK, RECIPES, Recipe

MAX_DESCRIPTION = 300
"""Characters, so that the line in the catalogue stays short."""
MAX_KEYWORDS, MAX_NAME_WORDS, MAX_INTENT_WORDS = 5, 3, 12
COMMANDS, TESTS = "scripts/commands.py", "tests/test_commands.py"
AUTHOR = "omni skill generate"
_STOP_WORDS = frozenset(
    "the and for with from that this into its our are all any use when when each not but can has have which".split()
)


@dataclass(frozen=True)
class SkillRequest:
    """What a person asks for."""

    name: str
    description: str
    """On one line."""
    permissions: tuple[str, ...] | None = None
    """Patterns that cover all that the skill may declare; None if the person does not say."""

    @classmethod
    def of(cls, name: str, description: str, permissions: Sequence[str] | None = None) -> "SkillRequest":
        """A request; without a name, it is made of the first words of the description.

        Raises:
            ConfigurationError: the description is empty or too long, or no name can be made of it.
        """
        text = " ".join(description.split()).replace("](", "] (")
        if not text:
            raise ConfigurationError(
                "there is no description", cure="say what the skill does: -d 'Convert CSV files'"
            )
        if len(text) > MAX_DESCRIPTION:
            message = f"the description has {len(text):,} characters"
            raise ConfigurationError(message, cure=f"use at most {MAX_DESCRIPTION}; details belong in SKILL.md")
        return cls(skill_name(name or " ".join(_words(text)[:MAX_NAME_WORDS])), text, _patterns(permissions))

    def allows(self, permission: str) -> bool:
        """Whether the skill may declare a permission."""
        return self.permissions is None or any(names(each, permission) for each in self.permissions)


def _patterns(permissions: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(map(check_capability, permissions)) if permissions else None


@dataclass(frozen=True)
class SkillDraft:
    """The files of a skill: path → content."""

    files: dict[str, str]
    origin: str
    """The recipe, or the language model, that it comes from."""

    def write(self, folder: Path) -> None:
        """Write all files into a new folder."""
        for path, content in self.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, "utf-8")


def offline_draft(request: SkillRequest) -> SkillDraft:
    """The draft of the recipe that fits a description best; the same for the same request.

    Raises:
        ConfigurationError: that recipe needs a permission that the person does not allow.
    """
    recipe = _best(request)
    values = {**_head_values(request, recipe), **recipe.values(request.description)}
    instructions = _render(f"{recipe.name}.md.j2", values)
    files = {FILE: skill_file(request, instructions, recipe.use, recipe.permissions)}
    files |= {COMMANDS: _render(f"{recipe.name}.py.j2", values), TESTS: _render(f"{recipe.name}.test.py.j2", values)}
    if (_TEMPLATES / f"{recipe.name}.text.txt.j2").is_file():
        files["references/text.txt"] = _render(f"{recipe.name}.text.txt.j2", values)
    return SkillDraft(files, f"the recipe {recipe.name}")


def skill_file(
    request: SkillRequest,
    instructions: str,
    use: str,
    permissions: Sequence[str],
    keywords: Sequence[str] = (),
    intents: Sequence[str] = (),
) -> str:
    """The SKILL.md of a request. `use` says when to use the skill, after "Use when "."""
    sentence = request.description.rstrip(".!? ")
    values: dict[str, object] = {
        "name": request.name,
        "title": request.name.replace("-", " ").capitalize(),
        "summary": f"{sentence[0].upper()}{sentence[1:]}. Use when {use}.",
        "author": AUTHOR,
        "keywords": keywords or _keywords(request),
        "intents": intents or [" ".join(sentence.replace(",", "").split()[:MAX_INTENT_WORDS])],
        "permissions": permissions,
        "instructions": instructions.strip(),
    }
    return _render("SKILL.md.j2", values)


def _best(request: SkillRequest) -> Recipe:
    best = max(RECIPES, key=lambda each: each.fit(request.description))  # the first one of equals
    if not best.fit(request.description):
        best = next(each for each in RECIPES if each.name == FALLBACK)
    if refused := [each for each in best.permissions if not request.allows(each)]:
        message = f"the recipe that fits, {best.name}, needs {', '.join(refused)}, which is not allowed"
        raise ConfigurationError(message, cure=f"add -p {' -p '.join(refused)}; or set a language model")
    return best


def _head_values(request: SkillRequest, recipe: Recipe) -> dict[str, object]:
    sentence = request.description.rstrip(".!? ")
    return {"name": request.name, "task": f"{sentence}.", "recipe": recipe.name}


def _words(text: str) -> list[str]:
    found = re.findall(r"[a-z0-9]{2,}", text.lower())
    return [word for word in found if len(word) > 2 and word not in _STOP_WORDS] or found


def _keywords(request: SkillRequest) -> list[str]:
    words = [request.name.replace("-", " "), *_words(request.description)]
    return list(dict.fromkeys(words))[: MAX_KEYWORDS + 1]


_TEMPLATES = Path(__file__).parent / "recipes"


def _render(template: str, values: Mapping[str, object]) -> str:
    return _ENVIRONMENT.get_template(template).render(values)


def _as_yaml(text: str) -> str:
    """A text as a value of YAML: plain where nothing in it can mean something else, else in JSON's form."""
    is_plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*( [A-Za-z0-9,.()-]+)+", text) is not None
    return text if is_plain or re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", text) else json.dumps(text, ensure_ascii=False)


def _as_python(value: object) -> str:
    """A value as Python, texts in double quotes."""
    if isinstance(value, list):
        return f"[{', '.join(map(_as_python, value))}]"
    if not isinstance(value, str):
        return repr(value)
    if "\\" in value and '"' not in value and value.isprintable() and not value.endswith("\\"):
        return f'r"{value}"'
    return json.dumps(value, ensure_ascii=False)


def _as_docstring(text: str) -> str:
    return repr(text) if "\\" in text or '"' in text else f'"""{text}"""'


_ENVIRONMENT = ImmutableSandboxedEnvironment(
    loader=jinja2.FileSystemLoader(_TEMPLATES),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
    autoescape=False,  # the results are Markdown and Python, never HTML
)
_ENVIRONMENT.filters |= {"as_yaml": _as_yaml, "as_python": _as_python, "as_docstring": _as_docstring}
