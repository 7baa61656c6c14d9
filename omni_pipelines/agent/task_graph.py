"""The graph of a task in LangGraph, with a checkpoint in SQLite after each node.

A checkpoint is JSON, so reading one runs no code, and whatever else is found in it is an error. LangGraph takes more
than a second to import; this is the only module that does, and it is imported when the first node runs.
"""

import sqlite3
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Protocol, cast

import orjson
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langsmith import tracing_context

from omni_pipelines.agent.journal import TaskJournal
from omni_pipelines.agent.person import TaskWaits
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.spending import Spending
from omni_pipelines.agent.task_events import NodeEnded, NodeStarted, Phase
from omni_pipelines.agent.task_nodes import LAST, TaskNodes
from omni_pipelines.agent.task_state import TaskProblem, TaskState
from omni_pipelines.errors import ConfigurationError, OmniError, RetryableError
from omni_pipelines.threads import current_cancellation

MAX_NODES = 100_000
"""More than any task runs: what limits a task is its budget."""
PHASES = {
    "discover": Phase.SNIFFING,
    "recall": Phase.RECALL,
    "clarify": Phase.PLAN,
    "plan": Phase.PLAN,
    "review": Phase.PLAN,
    "act": Phase.ACT,
    "validate": Phase.REFLECT,
    "reflect": Phase.REFLECT,
    "summarize": Phase.REFLECT,
}
FOLLOWING = {
    "discover": ("recall",),
    "recall": ("clarify",),
    "clarify": ("plan",),
    "plan": ("review",),
    "review": ("act", "plan"),
    "act": ("act", "validate", "reflect"),
    "validate": ("reflect",),
    "reflect": ("plan",),
}
"""Node → the nodes that may follow it. After an error, every node is followed by the summary."""
_CONFIG: RunnableConfig = {"configurable": {"thread_id": "task"}, "recursion_limit": MAX_NODES}


class StrictJson:
    """Writes and reads checkpoints as JSON. It knows no other type, so a forged checkpoint can load none."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """A value as JSON; an exception, which LangGraph notes, as its text."""
        return "json", orjson.dumps(obj, default=_as_text)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """The value.

        Raises:
            ConfigurationError: it is not JSON.
        """
        kind, content = data
        if kind != "json":
            raise ConfigurationError(f"a checkpoint of kind {kind!r} is not read", cure="delete the session")
        return orjson.loads(content)


def _as_text(value: object) -> str:
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    raise TypeError(f"{type(value).__name__} does not belong into the state of a task")


@contextmanager
def opened_checkpoints(session: TaskSession) -> Iterator[SqliteSaver]:
    """The checkpoints of a session. After a power cut the last ones may be gone; then their nodes run again."""
    with closing(sqlite3.connect(session.checkpoints_file, check_same_thread=False)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        yield SqliteSaver(connection, serde=StrictJson())


def last_state(checkpoints: SqliteSaver) -> TaskState:
    """The state after the last node that ended; {} if none was begun.

    The changes of that node may have been written before a crash, and the checkpoint that has them not.
    """
    found = checkpoints.get_tuple(_CONFIG)
    if found is None:
        return {}
    written = {channel: value for _, channel, value in found.pending_writes or ()}
    values = {**found.checkpoint["channel_values"], **written}
    return cast(TaskState, {name: value for name, value in values.items() if name in TaskState.__annotations__})


def run_graph(checkpoints: SqliteSaver, nodes: TaskNodes) -> TaskState:
    """Run the nodes from the last checkpoint to the end, and return the last state.

    No trace of it is sent anywhere, whatever the environment asks for.
    """
    graph = StateGraph(TaskState)
    for name in PHASES:
        graph.add_node(name, _node(name, getattr(nodes, name), nodes.journal, nodes.spending))
        targets: dict[Hashable, str] = {target: target for target in (*FOLLOWING.get(name, ()), "summarize")}
        graph.add_conditional_edges(name, _following, {**targets, LAST: END})
    graph.add_edge(START, "discover")
    compiled = graph.compile(checkpointer=checkpoints)
    before = last_state(checkpoints)
    if before.get("following") == LAST:
        return before
    begin: TaskState | None = None if before else {"following": "discover", "sequence": nodes.journal.sequence}
    with tracing_context(enabled=False):
        return cast(TaskState, compiled.invoke(begin, _CONFIG, durability="sync"))


def _following(state: TaskState) -> str:
    return state["following"]


class _Node(Protocol):
    def __call__(self, state: TaskState) -> TaskState: ...


def _node(name: str, function: Callable[[TaskState], TaskState], journal: TaskJournal, spending: Spending) -> _Node:
    """A node that publishes its start and its end, and turns an error into the problem of the task."""

    def run(state: TaskState) -> TaskState:
        current_cancellation().check()  # the task stays at its last checkpoint, and can be resumed
        journal.enter(PHASES[name])
        with journal.span(name):
            journal.publish(NodeStarted(node=name))
            try:
                changes = function(state)
            except (RetryableError, TaskWaits):
                raise  # the task stays at its last checkpoint, and can be resumed
            except OmniError as error:
                following = LAST if name == "summarize" else "summarize"
                changes = {"following": following, "problem": TaskProblem.of(error).model_dump()}
            following = changes.get("following", name)
            if spending.tokens != state.get("tokens", 0):
                changes = {**changes, "tokens": spending.tokens, "dollars": spending.dollars}
            changed = tuple(sorted(changes.keys() - {"following"}))
            journal.publish(NodeEnded(node=name, following=following, changed=changed))
        return {**changes, "following": following, "sequence": journal.sequence}

    return run
