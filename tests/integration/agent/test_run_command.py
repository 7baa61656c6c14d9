"""`omni run`, `omni sessions` and `omni replay`, run in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from omni_pipelines.cli.main import execute
from omni_pipelines.home import Home
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.testing.builders import KnowledgeBase


@pytest.fixture
def base(make_knowledge_base: object) -> KnowledgeBase:
    assert callable(make_knowledge_base)
    made: KnowledgeBase = make_knowledge_base({"keys.md": "# Keys\n\nKeys are rotated with the rotate command.\n"})
    return made


def test_task_that_needs_a_model_is_recorded_shown_and_deleted(
    base: KnowledgeBase, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", str(base.home.root))
    assert execute(["run", "fix the keys", "--json", *home]) == 2
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert (events[-1]["topic"], events[-1]["payload"]["code"]) == ("agent/task/ended", "3006")
    session = events[0]["run_id"]
    assert execute(["sessions", "list", "--json", *home]) == 0
    [listed] = json.loads(capsys.readouterr().out)["sessions"]
    assert execute(["sessions", "show", session, "--context", *home]) == 0
    assert "no conversation was too long" in capsys.readouterr().err
    assert (listed["id"], listed["state"], listed["task"]) == (session, "failed", "fix the keys")
    assert execute(["replay", session, *home]) == 0
    assert "bit for bit" in capsys.readouterr().out
    assert execute(["sessions", "delete", session, *home]) == 0
    assert not any(Path(base.home.sessions).iterdir())


def test_replay_with_another_release_says_what_it_finds_and_answers_otherwise(
    home: Home, engines: LoadedEngines, capsys: pytest.CaptureFixture[str]
) -> None:
    base = KnowledgeBase(home, embedder=engines.embedder, embedder_fingerprint=engines.model)
    base.with_files({"keys.md": "# Keys\n\nKeys are rotated with the rotate command.\n"}).build()
    home_option = ("--home", str(home.root))
    assert execute(["run", "How are keys rotated?", "--json", *home_option]) == 0
    session = json.loads(capsys.readouterr().out.splitlines()[0])["run_id"]
    base.with_files({"keys.md": "# Keys\n\nKeys are rotated by the vault every night.\n"}).build()
    compared = []
    for release in ("1", "2"):
        assert execute(["replay", session, "--release", release, "--json", *home_option]) == 0
        [call] = json.loads(capsys.readouterr().out)["calls"]
        compared.append(call)
    assert [call["is_same"] for call in compared] == [True, False]
    then, now = compared[1]["answer"]
    assert "rotate command" in then
    assert "every night" in now
    assert execute(["replay", session, "--release", "2", *home_option]) == 0
    assert "every night" in capsys.readouterr().out
    assert execute(["replay", session, "--release", "9", *home_option]) == 2


def test_clumsy_calls_are_usage_errors_and_begin_no_session(
    base: KnowledgeBase, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ["run"],
        ["run", "a task", "--resume", "x"],
        ["run", "--resume", "x"],
        ["run", " "],
        ["run", "a task", "--tui", "--answer", "y"],
        ["replay", "x"],
    ):
        assert execute([*words, "--home", str(base.home.root)]) == 2, words
        assert "cure:" in capsys.readouterr().err, words
    assert not base.home.sessions.exists()
