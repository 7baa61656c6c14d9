"""Tasks of the agent."""

from __future__ import annotations

from typing import Any

import pytest

from omni_pipelines.home import Home
from omni_pipelines.testing.fakes import ScriptedModel
from omni_pipelines.tools.catalog import ToolCatalog
from tests.agent_task import NewTask, OpenTools, Task
from tests.scripted_tasks import reasoning


@pytest.fixture
def new_task(home: Home) -> NewTask:
    """Make a task in a home of its own."""
    number = 0

    def make(catalog: ToolCatalog, text: str, model: ScriptedModel | None = None, **fields: Any) -> Task:
        nonlocal number
        number += 1
        if model is not None:
            fields["make_reasoner"] = reasoning(model)
        return Task(Home(home.root / str(number)), lambda session, approver: OpenTools(catalog), text, **fields)

    return make
