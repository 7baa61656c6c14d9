"""What a task has read and changed, so that it notices when a call brings nothing new."""

import posixpath
from collections.abc import Mapping, Sequence
from typing import Literal

import orjson
from pydantic import BaseModel, Field

from omni_pipelines.ids import text_hash

WHOLE = "whole"
_PATHS = ("path", "file_path", "paths", "citation")
_RANGE = ("start", "end", "offset", "limit", "start_line", "end_line", "first_line", "last_line")
HINT_AT, REPLAN_AT, STOP_AT = 1, 3, 5
"""How many calls in a row bring nothing new until the agent is told, plans again, or stops."""
MAX_CYCLE = 4

Level = Literal["", "hint", "replan", "stop"]


class SeenCall(BaseModel):
    """A call that was made."""

    call: str
    """A hash of the tool and its arguments."""
    output: str
    """The name of its output."""
    is_new: bool
    """Whether nothing had given this output since the last change."""


class LoopState(BaseModel):
    """What was read since the last change, and the calls that were made.

    A range of a file is known by the hash of what was read there, so a repeat is redundant only if the file still has
    the same content. Whatever may have changed something makes every repeat legitimate again.
    """

    reads: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Path → range → the hash of what was read."""
    modified: set[str] = Field(default_factory=set)
    """Paths that were changed and not read since."""
    calls: list[SeenCall] = Field(default_factory=list)
    """Since the last change."""

    def mark_read(self, path: str, content: str = "", span: str = WHOLE) -> None:
        """Remember what a range of a file contains."""
        name = canonical_path(path)
        self.reads.setdefault(name, {})[span] = content
        self.modified.discard(name)

    def mark_modified(self, path: str) -> None:
        """Remember that a file was changed: what was read of it counts no longer."""
        name = canonical_path(path)
        self.reads.pop(name, None)
        self.modified.add(name)

    def is_redundant_read(self, path: str, content: str = "", span: str = WHOLE) -> bool:
        """Whether this range was read with the same content."""
        known = self.reads.get(canonical_path(path), {})
        return known.get(span) == content if span in known else False

    def should_allow_re_read(self, path: str) -> bool:
        """Whether the file was changed since it was read last."""
        return canonical_path(path) in self.modified

    def mark_changed(self) -> None:
        """Remember that something was changed: all calls are new again."""
        self.calls = []

    def add(self, tool: str, arguments: Mapping[str, object], output: str) -> None:
        """Remember a call and its output."""
        is_new = all(seen.output != output for seen in self.calls)
        self.calls.append(SeenCall(call=call_hash(tool, arguments), output=output, is_new=is_new))

    @property
    def stuck(self) -> int:
        """How many calls in a row brought nothing new."""
        count = 0
        for seen in reversed(self.calls):
            if seen.is_new:
                break
            count += 1
        return count

    @property
    def level(self) -> Level:
        """What should be done about that."""
        if self.stuck >= STOP_AT:
            return "stop"
        if self.stuck == REPLAN_AT:
            return "replan"
        return "hint" if self.stuck >= HINT_AT else ""

    @property
    def cycle(self) -> int:
        """The length of the cycle in which the last calls repeat: 2 for A, B, A, B; 0 if there is none."""
        calls = [seen.call for seen in self.calls]
        lengths = (length for length in range(1, MAX_CYCLE + 1) if len(calls) >= 2 * length)
        return next((length for length in lengths if calls[-length:] == calls[-2 * length : -length]), 0)

    def reset(self) -> None:
        """Forget everything."""
        self.reads, self.modified, self.calls = {}, set(), []

    def get_stats(self) -> dict[str, int]:
        """How many files were visited and modified."""
        return {"visited_files": len(self.reads), "modified_files": len(self.modified)}


def canonical_path(path: str) -> str:
    """A path in one form: `./a//b` is `a/b`. Leading dots and slashes stay, because they name other files."""
    return posixpath.normpath(path) if path else ""


def call_hash(tool: str, arguments: Mapping[str, object]) -> str:
    """The identity of a call: its tool and its exact arguments, in any order."""
    return text_hash(tool, orjson.dumps(dict(arguments), option=orjson.OPT_SORT_KEYS).decode())


def paths_of(arguments: Mapping[str, object]) -> Sequence[str]:
    """The paths that a call names."""
    values = (arguments[name] for name in _PATHS if name in arguments)
    return [
        text for value in values for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)
    ]


def span_of(arguments: Mapping[str, object]) -> str:
    """The range of the file that a call names, as a text; the whole file if it names none."""
    named = [f"{name}={arguments[name]}" for name in _RANGE if arguments.get(name) is not None]
    return ",".join(named) or WHOLE
