"""Start and resume tasks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from omni_pipelines.agent.adaptive_planner import AdaptivePlanner
from omni_pipelines.agent.effects import TaskEffects
from omni_pipelines.agent.journal import Clock, Listener, TaskJournal, to_current_bus
from omni_pipelines.agent.person import Person
from omni_pipelines.agent.reasoner import Reasoner, TaskReport
from omni_pipelines.agent.session import ENDED, TaskRecord, TaskSession
from omni_pipelines.agent.spending import Spending
from omni_pipelines.agent.task_approver import TaskApprover
from omni_pipelines.agent.task_events import TaskEnded, TaskResumed, TaskStarted
from omni_pipelines.agent.task_nodes import TaskNodes, TaskTools
from omni_pipelines.agent.task_state import TaskProblem, TaskState, TaskStep, steps_of
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.record_fields import now
from omni_pipelines.records import Record


class TaskResult(Record):
    """What came of a task."""

    session: str
    task: str
    release: int | None
    model: str
    outcome: Literal["done", "failed"]
    report: TaskReport
    steps: tuple[TaskStep, ...]
    calls: int
    tokens: int
    dollars: float
    problem: TaskProblem | None = None
    receipt: str = ""
    """The file with the proof of the answer; "" if there is none."""


@dataclass(frozen=True)
class TaskRunner:
    """Carries out tasks; the tools and what decides are opened after the first event."""

    open_tools: Callable[[TaskSession, TaskApprover], TaskTools]
    open_reasoner: Callable[[TaskSession, TaskJournal, Spending], Reasoner]
    prove: Callable[[TaskSession, TaskReport], None]
    """Writes the receipt of a report into the session."""
    person: Person
    clock: Clock = now
    open_journal: type[TaskJournal] | Callable[..., TaskJournal] = TaskJournal
    listener: Listener = to_current_bus

    def run(self, session: TaskSession) -> TaskResult:
        """Carry out the task of a session, from its last checkpoint if it was begun.

        Raises:
            ConfigurationError: the task has ended.
            TaskWaits: it needs an answer of the person, and can be resumed.
            RetryableError: it failed for the moment, and can be resumed; or another process carries it out.
        """
        if session.state in ENDED:
            cure = f"see what came of it: omni sessions show {session.id}"
            raise ConfigurationError(f"session {session.id} has ended", cure=cure)
        with session.owned():
            record, before = session.record, _last_state(session)
            journal = self.open_journal(session, before.get("sequence", 0), clock=self.clock, listener=self.listener)
            if before:
                journal.publish(TaskResumed())
            else:
                journal.publish(TaskStarted(task=record.task, release=record.release, model=record.model))
            spending = Spending(record.tokens, before.get("tokens", 0), before.get("dollars", 0.0))
            return self._run(session, record, journal, spending)

    def _run(self, session: TaskSession, record: TaskRecord, journal: TaskJournal, spending: Spending) -> TaskResult:
        from omni_pipelines.agent.task_graph import opened_checkpoints, run_graph  # a second: after the first event

        effects = TaskEffects(session, journal)
        approver = TaskApprover(record.approvals, self.person, effects)
        nodes = TaskNodes(
            session=session,
            record=record,
            journal=journal,
            tools=self.open_tools(session, approver),
            reasoner=self.open_reasoner(session, journal, spending),
            person=self.person,
            effects=effects,
            approver=approver,
            spending=spending,
            planner=AdaptivePlanner(),
            prove=lambda report: self.prove(session, report),
        )
        with opened_checkpoints(session) as checkpoints:
            state = run_graph(checkpoints, nodes)
        result = result_of(session, state)
        problem = result.problem
        fields = problem.model_dump() if problem else {}
        journal.publish(TaskEnded(outcome=result.outcome, report=state.get("report", ""), **fields))
        return result


def _last_state(session: TaskSession) -> TaskState:
    """The state after the last node that ended; {} if the task was not begun."""
    if not session.checkpoints_file.exists():
        return {}
    from omni_pipelines.agent.task_graph import last_state, opened_checkpoints

    with opened_checkpoints(session) as checkpoints:
        return last_state(checkpoints)


def result_of(session: TaskSession, state: TaskState) -> TaskResult:
    """The result of a task whose last state this is."""
    record, problem = session.record, state.get("problem")
    report = session.text(state["report"]) if "report" in state else ""
    return TaskResult(
        session=session.id,
        task=record.task,
        release=record.release,
        model=record.model,
        outcome="failed" if problem else "done",
        report=TaskReport.model_validate_json(report) if report else TaskReport(text=""),
        steps=steps_of(state),
        calls=state.get("calls", 0),
        tokens=state.get("tokens", 0),
        dollars=round(state.get("dollars", 0.0), 6),
        problem=TaskProblem.model_validate(problem) if problem else None,
        receipt=str(session.receipt_file) if session.receipt_file.exists() else "",
    )
