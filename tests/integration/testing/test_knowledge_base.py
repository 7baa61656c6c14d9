"""The builder and the fixtures provide a real knowledge base without a model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from omni_pipelines.configuration import find_home
from omni_pipelines.errors import ConfigurationError, DeletionRefused
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.testing.assertions import (
    assert_cited,
    assert_hit,
    assert_no_hit,
    assert_publishes,
    assert_release,
)
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.testing.fakes import FakeClock, FakeEmbedder, ScriptedModel, WordCounter


def test_knowledge_base_can_be_searched_and_asked(tiny_knowledge_base: KnowledgeBase) -> None:
    librarian = tiny_knowledge_base.librarian()
    for mode in Mode:
        assert_hit(librarian.search("when do backups run", mode=mode), "backup.md", text="every night", within=1)
    assert_cited(librarian.ask("How are keys rotated?"))


def test_build_publishes_a_release_only_after_a_change(home: Home) -> None:
    base = KnowledgeBase(home).with_files({"a.md": "old words", "b.md": "other"}).build()
    assert_release(home, 1, documents=2)
    with assert_publishes(home, 0):
        base.build()
    with assert_publishes(home):
        base.with_files({"a.md": "fresh words"}).without("b.md").build()
    assert_release(home, 2, documents=1)
    assert_hit(base.librarian().search("fresh"), "a.md", text="fresh")
    assert_no_hit(base.librarian().search("other"), "b.md")


def test_build_embeds_only_changed_texts(home: Home) -> None:
    embedder = FakeEmbedder()
    base = KnowledgeBase(home, embedder=embedder).with_files({"a.md": "one", "b.md": "two"}).build()
    base.with_files({"b.md": "three"}).build()
    assert sorted(embedder.embedded) == ["one", "three", "two"]


def test_build_refuses_to_delete_everything_unless_allowed(home: Home) -> None:
    base = KnowledgeBase(home).with_files({"a.md": "text"}).build().without("a.md")
    with pytest.raises(DeletionRefused):
        base.build()
    assert base.build(allow_delete=True).release.counts["documents"] == 0


def test_reading_a_knowledge_base_before_its_build_is_refused(home: Home) -> None:
    with pytest.raises(ConfigurationError, match=r"was not built; call build\(\)"):
        KnowledgeBase(home).librarian()


def test_make_knowledge_base_builds_a_new_one_with_each_call(
    make_knowledge_base: Callable[..., KnowledgeBase],
) -> None:
    one, other = make_knowledge_base({"a.md": "apples"}), make_knowledge_base({"b.md": "pears"})
    assert [hit.path for base in (one, other) for hit in base.librarian().search("apples pears")] == ["a.md", "b.md"]


def test_omni_home_is_used_by_the_command_line(omni_home: Home) -> None:
    assert find_home() == omni_home
    KnowledgeBase(omni_home).with_files({"a.md": "text"}).build()
    code = "from omni_pipelines.cli.main import run; run()"
    command = [sys.executable, "-c", code, "status", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert str(omni_home.root) in result.stdout


def test_clean_settings_hides_and_restores_environment_variables(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile(
        "import os\n"
        "def test_hidden(omni_home):\n"
        "    names = {name for name in os.environ if name.startswith(('OMNI_', 'DAGSTER_'))}\n"
        "    assert names - {'OMNI_CACHE'} == {'OMNI_HOME'}\n"
        "def test_back(): assert os.environ['OMNI_CHUNK_TOKENS'] == '99'\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMNI_CHUNK_TOKENS", "99")
        patch.setenv("DAGSTER_HOME", str(tmp_path))
        pytester.runpytest("-p", "omni_test_kit").assert_outcomes(passed=2)
    assert "OMNI_CHUNK_TOKENS" not in os.environ


def test_fakes_are_available_as_fixtures(
    fake_clock: FakeClock, fake_embedder: FakeEmbedder, word_counter: WordCounter, scripted_model: ScriptedModel
) -> None:
    scripted_model.will_say("hello")
    assert scripted_model.complete(["hi"]).text == "hello"
    assert fake_embedder.embed(["a"]).shape == (1, 384)
    assert (fake_clock(), word_counter("two words")) == (0.0, 2)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("try: scripted_model.complete(['x'])\n    except AssertionError: pass", "*no reply for 1 of 1 calls*"),
        ("scripted_model.will_say('unused')", "*1 replies were not used, first 'unused'*"),
    ],
)
def test_scripted_model_fixture_fails_the_test_when_the_script_does_not_match(
    empty_project: pytest.Pytester, body: str, message: str
) -> None:
    empty_project.makepyfile(f"def test_it(scripted_model):\n    {body}\n")
    result = empty_project.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([message])


def test_importing_the_plugin_imports_no_engine() -> None:
    code = (
        "import sys, omni_pipelines.testing.plugin, omni_pipelines.testing.fixtures\n"
        "heavy = {'pyarrow', 'lance', 'lancedb', 'dagster', 'tantivy', 'numpy', 'pydantic', 'onnxruntime', 'yaml'}\n"
        "ours = {name for name in sys.modules if name.startswith('omni_pipelines') and 'testing' not in name}\n"
        "print(sorted(heavy & sys.modules.keys()), sorted(ours))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[] ['omni_pipelines']"


def test_run_without_the_setting_imports_no_engine(plain_project: pytest.Pytester) -> None:
    plain_project.makeconftest(
        "import sys\ndef pytest_unconfigure():\n"
        "    print('LOADED', sorted({'pyarrow', 'lance', 'dagster', 'numpy', 'tantivy'} & sys.modules.keys()))\n"
    )
    plain_project.runpytest_subprocess("-s").stdout.fnmatch_lines(["LOADED []"])
