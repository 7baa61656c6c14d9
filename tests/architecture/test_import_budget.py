"""What imports may load: every process of the code location pays for them, and so does `omni --help`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ENGINES = {
    "lancedb",
    "lance",
    "onnxruntime",
    "onnx",
    "duckdb",
    "pandera",
    "tantivy",
    "tokenizers",
    "tiktoken",
    "gcld3",
    "pandas",
}
FRAMEWORKS = {"dagster", "langgraph", "textual", "pyarrow", "numpy"}


def modules_after_each(*parts: str) -> list[set[str]]:
    """Return the top-level modules that a new interpreter has imported after each part of its code."""
    report = "\nimport sys\nprint('\\nloaded', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    code = "".join(part + report for part in parts)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return [set(line.split()[1:]) for line in done.stdout.splitlines() if line.startswith("loaded ")]


def modules_after(code: str) -> set[str]:
    (loaded,) = modules_after_each(code)
    return loaded


def test_code_location_and_a_sensor_with_nothing_to_do_load_no_slow_engine(tmp_path: Path) -> None:
    """Sensors tick every 15 seconds; LanceDB, pandera and the model take seconds to import."""
    home = str(tmp_path / ".omni")
    ticks = f"""
import dagster as dg
from resources.knowledge import KnowledgeHome
from sensors.changes import index_sensor, source_sensor
from omni_pipelines.home import Home
from pathlib import Path
Home(Path({home!r})).create()
with dg.DagsterInstance.ephemeral() as instance:
    for sensor in (source_sensor, index_sensor):
        sensor(dg.build_sensor_context(instance=instance, resources={{"knowledge": KnowledgeHome(path={home!r})}}))
"""
    location, sensors = modules_after_each("import omni_pipelines.definitions", ticks)
    assert "dagster" in location
    assert not location & (ENGINES | {"lxml", "markdown_it", "obstore"})
    assert not sensors & {"lancedb", "pandera", "onnxruntime", "duckdb", "pandas"}


def modules_after_omni(*arguments: str) -> set[str]:
    loaded = modules_after(f"from omni_pipelines.cli.main import execute\nassert execute({arguments!r}) == 0")
    assert "typer" in loaded
    return loaded


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["db", "--help"]], ids=str)
def test_help_of_omni_and_its_groups_loads_neither_engines_nor_frameworks(arguments: list[str]) -> None:
    assert not modules_after_omni(*arguments) & (ENGINES | FRAMEWORKS | {"pydantic"})


@pytest.mark.parametrize("command", ["search", "ingest"])
def test_help_of_a_command_loads_neither_engines_nor_dagster(command: str) -> None:
    assert not modules_after_omni(command, "--help") & (ENGINES | {"dagster"})


@pytest.mark.parametrize(
    ("command", "unused"),
    [
        ("search", ("omni_pipelines.text.engines", "omni_pipelines.variant_registry", "rich")),
        ("show", ("omni_pipelines.knowledge.answers", "omni_pipelines.text.engines", "rich")),
        ("ask", ("omni_pipelines.knowledge.answers.generation", "omni_pipelines.language_models", "rich")),
    ],
)
def test_command_loads_what_it_rarely_needs_only_when_it_needs_it(command: str, unused: tuple[str, ...]) -> None:
    code = f"import sys, omni_pipelines.cli.commands.{command}\nprint(*sys.modules, sep='\\n')"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in loaded if f"{name}.".startswith(tuple(f"{module}." for module in unused))]


def test_agent_loads_neither_dagster_nor_a_writer_nor_a_terminal_page() -> None:
    loaded = modules_after("import omni_pipelines.agent.task_graph, omni_pipelines.knowledge.librarian_tools")
    assert "langgraph" in loaded
    assert not loaded & {"dagster", "lancedb", "textual"}


def test_task_begins_before_its_graph_and_the_knowledge_base_are_loaded() -> None:
    assert not modules_after("import omni_pipelines.cli.commands.run") & (
        ENGINES | {"dagster", "langgraph", "textual"}
    )


def test_run_loads_neither_answers_nor_searches_nor_a_store_before_one_is_needed() -> None:
    """Most homes have no golden question and share no store, and a run with one changed file is mostly imports."""
    loaded = modules_after(
        "import sys, omni_pipelines.pipeline.run\n"
        "assert not [name for name in sys.modules if name.startswith('omni_pipelines.knowledge.answers')]\n"
        "assert 'omni_pipelines.knowledge.librarian' not in sys.modules"
    )
    assert not loaded & (ENGINES | {"obstore"})


def test_parser_process_starts_without_engines_and_frameworks() -> None:
    """It has 1 GiB of addresses for one document, and NumPy alone takes 120 MiB of them."""
    assert not modules_after("import omni_pipelines.text.readers.parser_worker") & (ENGINES | FRAMEWORKS)
