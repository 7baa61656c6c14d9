"""`omni skill eval`."""

from omni_pipelines.cli.command import Result, Rows, command
from omni_pipelines.cli.commands.skill import NameArgument
from omni_pipelines.cli.dependencies import AnyHome, HomeSettings
from omni_pipelines.cli.output import narrate, say
from omni_pipelines.cli.text import say_table
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.skills.comparison import ComparedTask, compare
from omni_pipelines.skills.generation.model_draft import asking
from omni_pipelines.skills.library import SkillLibrary


def _show(result: Rows[ComparedTask]) -> None:
    marks = {True: "right", False: "wrong"}
    rows = [(marks[each.without], marks[each.with_skill], each.task[:60]) for each in result.rows]
    say_table(("without", "with", "task"), rows)
    fields = result.fields
    say(f"{fields['skill']}: {fields['without']} of {len(rows)} right without it, {fields['with_skill']} with it")


@command(_show)
def eval_(home: AnyHome, settings: HomeSettings, name: NameArgument) -> Result[Rows[ComparedTask]]:
    """Compare the answers of the language model with and without a skill.

    The tasks are in evals/tasks.jsonl of the skill. The exit code is 1 unless more answers are right with the skill.
    """
    if not (settings.llm or settings.llm_model or settings.llm_url):
        cure = "set llm in omni.toml; see: omni model list"
        raise ConfigurationError("comparing answers needs a language model", cure=cure)
    library = SkillLibrary(home)
    skill = library.skill(name)
    if skill.problem or not library.is_trusted(skill):
        reason = skill.problem or f"read its files, then run: omni skill trust {name}"
        raise ConfigurationError(f"the skill {name} cannot be used", cure=reason)
    ask = asking(settings)
    narrate("the model does each task twice")
    rows = compare(skill.folder, lambda messages: ask(messages, None).text)
    without, with_skill = (sum(getattr(each, way) for each in rows) for way in ("without", "with_skill"))
    helps = with_skill > without
    return Result(
        Rows("tasks", rows, skill=name, without=without, with_skill=with_skill, helps=helps),
        exit_code=0 if helps else 1,
    )
