"""Notices calls that bring nothing new, and says so to what decides instead of giving it the same text again."""

from collections.abc import Mapping

from omni_pipelines.agent.loop_state import Level, LoopState, paths_of, span_of


class ActionGuard:
    """Watches the calls of a task.

    It forbids no call: a repeat is made, because what it reads may have changed, and counts only if its output has
    not.
    """

    def __init__(self, state: LoopState) -> None:
        self.state = state

    def check(self, tool: str, arguments: Mapping[str, object], output: str) -> str:
        """What to say instead of an output that the agent has had already; "" if it is new to it."""
        span = span_of(arguments)
        repeated = [path for path in paths_of(arguments) if self.state.is_redundant_read(path, output, span)]
        if repeated:
            return f"you have read {', '.join(repeated)} already, and it has not changed; use what you know, and act"
        if any(seen.output == output for seen in self.state.calls):
            return f"this is the same result as before, and nothing has changed since; do something else than {tool}"
        return ""

    def update(
        self, tool: str, arguments: Mapping[str, object], output: str, *, is_read_only: bool, is_success: bool
    ) -> Level:
        """Take a call into account, and return what must be done about calls that bring nothing new."""
        if is_success and not is_read_only:
            for path in paths_of(arguments):
                self.state.mark_modified(path)
            self.state.mark_changed()
            return ""
        self.state.add(tool, arguments, output)
        if is_success:
            for path in paths_of(arguments):
                self.state.mark_read(path, output, span_of(arguments))
        return self.state.level

    def reason(self) -> str:
        """Why it says that the task makes no progress."""
        cycle = self.state.cycle
        if cycle > 1:
            return f"the last calls repeat in a cycle of {cycle}, and bring nothing new"
        return f"the last {self.state.stuck} calls brought nothing new"
