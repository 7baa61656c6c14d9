"""Tasks of the agent."""

from __future__ import annotations

from typing import Any

import pytest

from omni_pipelines.agent.task_nodes import TaskTools
from omni_pipelines.home import Home
from tests.agent_task import NewTask, Task


@pytest.fixture
def new_task(home: Home) -> NewTask:
    """Make a task in a home of its own."""
    number = 0

    def make(tools: TaskTools, text: str, **fields: Any) -> Task:
        nonlocal number
        number += 1
        return Task(Home(home.root / str(number)), tools, text, **fields)

    return make
