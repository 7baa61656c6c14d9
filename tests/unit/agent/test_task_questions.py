"""What a task asks: its questions, and work that needs more than searching."""

import pytest

from omni_pipelines.agent.task_questions import questions_of, work_asked_for


@pytest.mark.parametrize(
    ("task", "questions"),
    [
        ("How are keys rotated?", ["How are keys rotated?"]),
        ("How are keys rotated? And who may do it?", ["How are keys rotated?", "who may do it?"]),
        ("Find out how long it waits, and how disks are named.", ["how long it waits", "how disks are named"]),
        ("When are keys rotated, and who may do it?", ["When are keys rotated and who may do it?"]),
        ("Please tell me who may rotate keys.", ["who may rotate keys"]),
        ("I need to know when asyncio.run fails.", ["when asyncio.run fails"]),
        ("Compare copy with copy2.", ["What is the difference between copy and copy2?"]),
        ("We use 3.11. Which mode fails? Thanks!", ["We use 3.11. Which mode fails?"]),
        ("Show the signature of rmtree.", ["the signature of rmtree"]),
        ("鍵はいつ変えますか？ 誰が？", ["鍵はいつ変えますか？", "誰が？"]),
        ("Rotate", ["Rotate"]),
        ("?", ["?"]),
    ],
)
def test_a_task_is_split_into_its_questions(task: str, questions: list[str]) -> None:
    assert questions_of(task) == questions


@pytest.mark.parametrize(
    "task",
    [
        "Fix the typo in README.md",
        "Find all TODOs and fix them",
        "Look at keys.md. Then write a page.",
        "please send it",
    ],
)
def test_a_task_that_changes_something_asks_for_work(task: str) -> None:
    assert work_asked_for(task)


@pytest.mark.parametrize(
    "task",
    ["When does subprocess.run fail?", "Find out when subprocess.run raises it, and why.", "Compare run with Popen"],
)
def test_names_of_functions_are_no_work(task: str) -> None:
    assert not work_asked_for(task)
