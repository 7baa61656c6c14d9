"""The nodes of the task graph: each takes the state, does one thing, and returns what it changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson

from omni_pipelines.agent.effects import TaskEffects, effect_key
from omni_pipelines.agent.journal import TaskJournal
from omni_pipelines.agent.person import Inquiry, Person, TaskWaits
from omni_pipelines.agent.reasoner import NextCall, Reasoner, StepResult, TaskBrief, TaskReport
from omni_pipelines.agent.session import TaskRecord, TaskSession
from omni_pipelines.agent.task_events import PersonAnswered, PersonAsked, PlanMade, StepEnded, ToolEnded, ToolStarted
from omni_pipelines.agent.task_state import (
    MadeCall,
    StepStatus,
    TaskProblem,
    TaskState,
    TaskStep,
    as_fields,
    next_step,
    steps_of,
    with_skipped,
    with_step,
)
from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import OmniError
from omni_pipelines.responses import ToolResponse
from omni_pipelines.tools.definition import ToolAnnotations, ToolDefinition

MAX_ROUNDS = 3
"""How often a plan is made again."""
MAX_ATTEMPTS = 3
"""How often a call is made that fails for the moment."""
LAST = "end"
"""What follows the last node."""
YES, NO = ("y", "yes"), ("n", "no")


class TaskTools(Protocol):
    """The tools of a task; each call is checked, and answered by a response."""

    @property
    def tools(self) -> Sequence[ToolDefinition]:
        """All tools."""

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolResponse:
        """Check a call and make it."""


@dataclass
class TaskNodes:
    """The nodes, and what they work with."""

    session: TaskSession
    record: TaskRecord
    journal: TaskJournal
    tools: TaskTools
    reasoner: Reasoner
    person: Person
    effects: TaskEffects
    prove: Callable[[TaskReport], None]
    """Writes the receipt of a report."""

    def discover(self, state: TaskState) -> TaskState:
        """Find out which tools there are."""
        if not self.tools.tools:
            raise OmniError("the agent may use no tool", cure="see: omni permissions list")
        return {"following": "recall"}

    def recall(self, state: TaskState) -> TaskState:
        """Find what is known about the task."""
        return {"following": "clarify"}

    def clarify(self, state: TaskState) -> TaskState:
        """Ask the person what the task does not say."""
        question = self.reasoner.clarify(self._brief(state))
        if question is None:
            return {"following": "plan"}
        answer = self._ask(Inquiry("clarify", question))
        return {"following": "plan", "answers": [*state.get("answers", []), f"{question} {answer}"]}

    def plan(self, state: TaskState) -> TaskState:
        """Make a plan."""
        steps = tuple(self.reasoner.plan(self._brief(state)))
        fields = as_fields(steps)
        shown = tuple({name: step[name] for name in ("id", "description", "tool", "needs")} for step in fields)
        self.journal.publish(PlanMade(round=state.get("round", 0), steps=shown))
        return {"following": "review", "steps": fields}

    def review(self, state: TaskState) -> TaskState:
        """Let the person review a plan that has side effects, before anything is done."""
        risky = [step for step in steps_of(state) if not self._annotations(step.tool).read_only_hint]
        if not risky:
            return {"following": "act"}
        lines = [f"{step.id}. {step.description} [{step.tool}]" for step in steps_of(state)]
        text = "\n".join(["carry out this plan? y, n, or what to change", *lines])
        answer = self._ask(Inquiry("review", text)).strip()
        if answer.lower() in YES:
            return {"following": "act"}
        if answer.lower() in NO:
            rejected = OmniError("the plan was rejected", code=CoreErrorCode.AGENT_PLAN_REJECTED)
            return {"following": "summarize", "problem": TaskProblem.of(rejected).model_dump()}
        return {"following": "plan", "notes": [*state.get("notes", []), answer]}

    def act(self, state: TaskState) -> TaskState:
        """Make one call of the step that is next, or end that step."""
        steps = steps_of(state)
        step = next_step(steps)
        if step is None:
            return {"following": "validate", "steps": as_fields(with_skipped(steps))}
        decision = self.reasoner.act(self._brief(state), step)
        if isinstance(decision, StepResult):
            return {"steps": as_fields(with_step(steps, self._ended(step, decision)))}
        made = self._call(state, step, decision)
        changed = step.model_copy(update={"calls": (*step.calls, made)})
        return {"steps": as_fields(with_step(steps, changed)), "calls": state.get("calls", 0) + 1}

    def validate(self, state: TaskState) -> TaskState:
        """Check whether the results fulfil the task. No step that failed is taken for a success."""
        judgement = self.reasoner.judge(self._brief(state))
        if judgement.is_fulfilled:
            return {"following": "summarize"}
        if judgement.error is None and state.get("round", 0) < MAX_ROUNDS:
            return {"following": "reflect", "notes": [*state.get("notes", []), judgement.message]}
        error = judgement.error or OmniError(f"the task was not fulfilled: {judgement.message}")
        return {"following": "summarize", "problem": TaskProblem.of(error).model_dump()}

    def reflect(self, state: TaskState) -> TaskState:
        """Learn from a failure, for the next plan."""
        learned = self.reasoner.reflect(self._brief(state), state["notes"][-1])
        notes = [*state["notes"], learned] if learned else state["notes"]
        return {"following": "plan", "notes": notes, "round": state.get("round", 0) + 1}

    def summarize(self, state: TaskState) -> TaskState:
        """Write the report and its receipt, whatever came of the task."""
        report = self.reasoner.report(self._brief(state))
        self.prove(report)
        return {"following": LAST, "report": self.session.keep(report.model_dump_json())}

    def _brief(self, state: TaskState) -> TaskBrief:
        return TaskBrief(
            task=self.record.task,
            answers=tuple(state.get("answers", [])),
            notes=tuple(state.get("notes", [])),
            tools=self.tools.tools,
            steps=steps_of(state),
            text=self.session.text,
        )

    def _annotations(self, tool: str) -> ToolAnnotations:
        return next((known.annotations for known in self.tools.tools if known.name == tool), ToolAnnotations())

    def _ask(self, inquiry: Inquiry) -> str:
        self.journal.publish(PersonAsked(kind=inquiry.kind, question=inquiry.text))
        answer = self.person.answer(inquiry)
        if answer is None:
            raise TaskWaits(inquiry, self.session.id)
        self.journal.publish(PersonAnswered(kind=inquiry.kind, answer=answer))
        return answer

    def _ended(self, step: TaskStep, result: StepResult) -> TaskStep:
        status = StepStatus.COMPLETED if result.is_completed else StepStatus.FAILED
        self.journal.publish(StepEnded(step=step.id, status=status, message=result.message))
        return step.model_copy(update={"status": status, "message": result.message})

    def _call(self, state: TaskState, step: TaskStep, call: NextCall) -> MadeCall:
        with self.journal.span("tool"):
            self.journal.publish(ToolStarted(step=step.id, tool=call.tool, arguments=call.arguments))
            place = (state.get("round", 0), step.id, len(step.calls))
            response, output = self.effects.once(
                effect_key(*place, call.tool, call.arguments),
                self._annotations(call.tool),
                lambda: self._attempts(call),
                lambda: self._ask(Inquiry("uncertain", _uncertain(call))),
            )
            ended = ToolEnded(
                step=step.id,
                tool=call.tool,
                status=response.status,
                output=output,
                code=response.error_code or "",
                message=response.error_message or "",
            )
            self.journal.publish(ended)
        arguments = self.session.keep(orjson.dumps(call.arguments).decode())
        return MadeCall(tool=call.tool, arguments=arguments, output=output, status=response.status, code=ended.code)

    def _attempts(self, call: NextCall) -> ToolResponse:
        """The response to a call, which is made again while it fails only for the moment."""
        for _ in range(MAX_ATTEMPTS - 1):
            response = self.tools.call(call.tool, call.arguments)
            if not response.retryable:
                return response
        return self.tools.call(call.tool, call.arguments)


def _uncertain(call: NextCall) -> str:
    arguments = orjson.dumps(call.arguments).decode()
    return (
        f"the process ended while {call.tool} ran with {arguments}; look whether it had its effect, "
        "and answer: happened, or again to run it once more"
    )
