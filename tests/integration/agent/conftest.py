"""Tasks of the agent."""

from tests.unit.agent.conftest import new_task  # noqa: F401
