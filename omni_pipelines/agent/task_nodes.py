"""The nodes of the task graph: each takes the state, does one thing, and returns what it changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson

from omni_pipelines.agent.action_guard import ActionGuard
from omni_pipelines.agent.adaptive_planner import AdaptivePlanner
from omni_pipelines.agent.effects import TaskEffects, effect_key
from omni_pipelines.agent.journal import TaskJournal
from omni_pipelines.agent.loop_state import Level, LoopState
from omni_pipelines.agent.person import NO, YES, Inquiry, Person, TaskWaits
from omni_pipelines.agent.reasoner import NextCall, Reasoner, StepResult, TaskBrief, TaskReport
from omni_pipelines.agent.session import TaskRecord, TaskSession
from omni_pipelines.agent.spending import Spending
from omni_pipelines.agent.task_approver import TaskApprover
from omni_pipelines.agent.task_events import (
    BudgetExtended,
    LoopNoticed,
    PersonAnswered,
    PersonAsked,
    PlanMade,
    StepEnded,
    ToolEnded,
    ToolStarted,
)
from omni_pipelines.agent.task_state import (
    SUCCESSES,
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
RECALL = "notes.find"
MAX_RECALLED = 500
"""Characters of a task by which notes are found."""
MAX_ATTEMPTS = 3
"""How often a call is made that fails for the moment."""
LAST = "end"
"""What follows the last node."""


class TaskTools(Protocol):
    """The tools of a task; each call is checked, and answered by a response."""

    @property
    def tools(self) -> Sequence[ToolDefinition]:
        """All tools."""

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolResponse:
        """Check a call and make it."""

    def capability(self, name: str) -> str:
        """The capability that a tool needs."""


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
    approver: TaskApprover
    spending: Spending
    planner: AdaptivePlanner
    prove: Callable[[TaskReport], None]
    """Writes the receipt of a report."""

    def discover(self, state: TaskState) -> TaskState:
        """Find out which tools there are."""
        if not self.tools.tools:
            raise OmniError("the agent may use no tool", cure="see: omni permissions list")
        return {"following": "recall"}

    def recall(self, state: TaskState) -> TaskState:
        """Find the notes of earlier sessions.

        They may quote what somebody else wrote, so whatever writes needs an approval from then on. A task that was
        given approvals beforehand does without them.
        """
        is_there = any(tool.name == RECALL for tool in self.tools.tools)
        if not is_there or not self.reasoner.recalls or self.record.approvals:
            return {"following": "clarify"}
        step = TaskStep(id="recall", description="find notes", tool=RECALL)
        made = self._call(state, step, NextCall(RECALL, {"query": self.record.task[:MAX_RECALLED]}))
        return {"following": "clarify", "recalled": made.output if made.status in SUCCESSES else ""}

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
        risky = [step.tool for step in steps_of(state) if not self._annotations(step.tool).read_only_hint]
        if all(self.approver.covers(self.tools.capability(tool)) for tool in risky):
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
        limited = self._limited(state, steps)
        guard = ActionGuard(LoopState.model_validate(state.get("loop", {})))
        made, level = self._guarded(guard, self._call(state, step, decision), decision)
        changed = step.model_copy(update={"calls": (*step.calls, made)})
        return {
            **limited,
            **self._progress(state, guard, level),
            "steps": as_fields(with_step(steps, changed)),
            "calls": state.get("calls", 0) + 1,
            "loop": guard.state.model_dump(mode="json"),
        }

    def _guarded(self, guard: ActionGuard, made: MadeCall, call: NextCall) -> tuple[MadeCall, Level]:
        """A call with a hint if it brought nothing new, and what must be done about that."""
        hint = guard.check(call.tool, call.arguments, made.output)
        is_reading = self._annotations(call.tool).read_only_hint
        is_success = made.status in SUCCESSES
        level = guard.update(call.tool, call.arguments, made.output, is_read_only=is_reading, is_success=is_success)
        return made.model_copy(update={"hint": hint if level else ""}), level

    def _progress(self, state: TaskState, guard: ActionGuard, level: Level) -> TaskState:
        """What follows from calls that bring nothing new: a hint, a new plan, or the end of the task."""
        if not level:
            return {}
        reason = guard.reason()
        self.journal.publish(LoopNoticed(level=level, reason=reason))
        if level == "hint":
            return {}
        if level == "replan" and state.get("round", 0) < MAX_ROUNDS:
            return {"following": "reflect", "notes": [*state.get("notes", []), reason]}
        if level == "stop":
            stopped = OmniError(f"the agent was stopped: {reason}", code=CoreErrorCode.AGENT_LOOP_DETECTED)
            return {"following": "summarize", "problem": TaskProblem.of(stopped).model_dump()}
        return {}

    def _limited(self, state: TaskState, steps: Sequence[TaskStep]) -> TaskState:
        """The limit of the calls, extended if the task makes progress.

        Raises:
            OmniError: the task may make no further call.
        """
        calls, estimate = state.get("calls", 0), self.planner.estimate_steps(self.record.task)
        limit = self.record.steps or state.get("max_calls") or max(estimate, 2 * len(steps))
        if calls < limit:
            return {"max_calls": limit}
        loop = LoopState.model_validate(state.get("loop", {}))
        longer = self.planner.extended(self.record.task, limit)
        if self.record.steps or loop.stuck or longer == limit:
            raise OmniError(
                f"all {limit} calls of the task are made",
                code=CoreErrorCode.AGENT_BUDGET_EXCEEDED,
                cure="allow more with --steps N, or make the task smaller",
            )
        self.journal.publish(BudgetExtended(calls=longer, reason=f"{calls} calls are made, and the last one helped"))
        return {"max_calls": longer}

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
        past = [*state.get("past", []), *state["steps"]]
        return {"following": "plan", "notes": notes, "past": past, "round": state.get("round", 0) + 1}

    def summarize(self, state: TaskState) -> TaskState:
        """Write the report and its receipt, whatever came of the task."""
        report = self.reasoner.report(self._brief(state))
        self.prove(report)
        return {"following": LAST, "report": self.session.keep(report.model_dump_json())}

    def _brief(self, state: TaskState) -> TaskBrief:
        return TaskBrief(
            task=self.record.task,
            release=self.record.release,
            answers=tuple(state.get("answers", [])),
            notes=tuple(state.get("notes", [])),
            tools=self.tools.tools,
            steps=steps_of(state),
            past=tuple(TaskStep.model_validate(fields) for fields in state.get("past", [])),
            text=self.session.text,
            recalled=state.get("recalled", ""),
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
                lambda: self._attempts(call) if self._is_allowed(call, step) else _not_planned(call, step),
                lambda: self._ask_about(call),
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

    def _ask_about(self, call: NextCall) -> str:
        """What the person says became of a call that a crash interrupted."""
        question = _uncertain(call)
        answer = self.effects.ask(self.person, "uncertain", question)
        if answer is None:
            raise TaskWaits(Inquiry("uncertain", question), self.session.id)
        return answer

    def _is_allowed(self, call: NextCall, step: TaskStep) -> bool:
        """Whether a call is one that the person has seen in the plan, or changes nothing."""
        known = {tool.name: tool.annotations.read_only_hint for tool in self.tools.tools}
        return call.tool == step.tool or known.get(call.tool, True)

    def _attempts(self, call: NextCall) -> ToolResponse:
        """The response to a call, which is made again while it fails only for the moment."""
        for _ in range(MAX_ATTEMPTS - 1):
            response = self.tools.call(call.tool, call.arguments)
            if self.approver.waiting is not None:
                raise TaskWaits(self.approver.waiting, self.session.id)
            if not response.retryable:
                return response
        return self.tools.call(call.tool, call.arguments)


def _not_planned(call: NextCall, step: TaskStep) -> ToolResponse:
    message = f"step {step.id} was planned with {step.tool}, and {call.tool} may change something"
    return ToolResponse.blocked(message, metadata={"cure": "finish the step, or let it be planned again"})


def _uncertain(call: NextCall) -> str:
    arguments = orjson.dumps(call.arguments).decode()
    return (
        f"the process ended while {call.tool} ran with {arguments}; look whether it had its effect, "
        "and answer: happened, or again to run it once more"
    )
