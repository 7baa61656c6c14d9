"""Thirty tasks with a scripted language model: what it says, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from omni_pipelines.agent.context_manager import ContextManager
from omni_pipelines.agent.journal import TaskJournal
from omni_pipelines.agent.model_reasoner import ModelReasoner
from omni_pipelines.agent.session import TaskSession
from omni_pipelines.agent.spending import Spending
from omni_pipelines.agent.task_model import AskModel, TaskModel
from omni_pipelines.errors import NetworkUnreachable
from omni_pipelines.language_models.port import Message, ModelTool, Turn
from omni_pipelines.testing.fakes import ScriptedModel, ScriptedReply
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.signature import tool
from tests.agent_task import citation


class Workshop:
    """A folder of files, and tools that read and change it. It notes every effect."""

    def __init__(self, root: Path) -> None:
        self.root = root
        if not root.exists():
            root.mkdir(parents=True)
            (root / "a.txt").write_text("alpha 7")
            (root / "b.txt").write_text("beta 8")
        self.effects: list[str] = []
        self.down = 0

    @property
    def texts(self) -> Mapping[str, str]:
        """Name to text of each file."""
        return {path.name: path.read_text() for path in self.root.iterdir()}

    @tool("files.read", read_only=True)
    def read(self, path: str) -> str:
        """Read a file.

        Args:
            path: Its name.
        """
        if not (self.root / path).exists():
            raise ValueError(f"there is no {path}")
        return (self.root / path).read_text()

    @tool("files.append")
    def append(self, path: str, text: str) -> str:
        """Add a line to a file.

        Args:
            path: Its name.
            text: The line.
        """
        self.effects.append(f"{path}: {text}")
        with (self.root / path).open("a") as file:
            file.write(f"\n{text}")
        return "added"

    @tool("files.check", read_only=True)
    def check(self, path: str) -> str:
        """Check a file; it fails while the file has no line `fixed`.

        Args:
            path: Its name.
        """
        if "fixed" not in (self.root / path).read_text():
            raise ValueError(f"{path} is broken")
        return f"{path} is right"

    @tool("net.fetch", read_only=True)
    def fetch(self, name: str) -> str:
        """Fetch something from a server that may be down.

        Args:
            name: What.
        """
        if self.down:
            self.down -= 1
            raise NetworkUnreachable("the server is down")
        return f"{name} is 42"

    @tool("knowledge.search", read_only=True)
    def search(self, query: str) -> list[dict[str, object]]:
        """Find passages.

        Args:
            query: What to look for.
        """
        return [{**citation("keys are rotated every 90 days").model_dump(), "text": "keys are rotated every 90 days"}]

    @property
    def catalog(self) -> ToolCatalog:
        catalog = ToolCatalog()
        catalog.add(self.read, self.append, self.check, self.fetch, self.search)
        return catalog


def reasoning(
    model: ScriptedModel, max_tokens: int = 100_000, kind: type[ModelReasoner] = ModelReasoner
) -> Callable[..., ModelReasoner]:
    """Make what decides, with this model, whose context has so many tokens."""

    def open_reasoner(
        session: TaskSession, journal: TaskJournal, spending: Spending, ask: AskModel | None = None
    ) -> ModelReasoner:
        def ask_model(
            messages: Sequence[Message], schema: Mapping[str, object] | None, tools: Sequence[ModelTool]
        ) -> Turn:
            return model.complete(messages, schema, tools=tools)

        context = ContextManager(max_tokens, count_words, session.keep)
        return kind(TaskModel(ask or ask_model, session, journal, spending, count_words, context))

    return open_reasoner


def count_words(text: str) -> int:
    """The tokens of a text, for these tasks."""
    return len(text.split())


# --- what the model says

CLEAR: Mapping[str, object] = {"question": ""}
GOOD: Mapping[str, object] = {"fulfilled": True}


def planned(*steps: tuple[str, str] | tuple[str, str, list[int]]) -> Mapping[str, object]:
    """A plan of steps: description, tool, and the steps that it needs."""
    return {"steps": [dict(zip(("description", "tool", "needs"), step, strict=False)) for step in steps]}


def call(tool_name: str, /, **arguments: object) -> Mapping[str, object]:
    """A call."""
    return {"tool": tool_name, "arguments": arguments}


def read(path: str) -> Mapping[str, object]:
    """A call that reads a file."""
    return call("files.read", path=path)


def append(path: str, text: str) -> Mapping[str, object]:
    """A call that changes a file."""
    return call("files.append", path=path, text=text)


def done(text: str = "done") -> Mapping[str, object]:
    """The end of a step."""
    return {"answer": text}


def bad(problem: str) -> Mapping[str, object]:
    """The opinion that the task is not fulfilled."""
    return {"fulfilled": False, "problem": problem}


def lesson(text: str) -> Mapping[str, object]:
    """What was learned."""
    return {"lesson": text}


def says(*sentences: tuple[str, list[int]]) -> Mapping[str, object]:
    """A report."""
    return {"sentences": [{"text": text, "sources": sources} for text, sources in sentences]}


READ_A = planned(("read a", "files.read"))
ADD_A = planned(("add a line to a", "files.append"))
CHECK_A = planned(("check a", "files.check"))
REPORT = says(("alpha is 7", [1]))


@dataclass(frozen=True)
class Scripted:
    """A task, what the model and the person say, and what must come of it."""

    name: str
    replies: Sequence[ScriptedReply]
    answers: Sequence[str] = ()
    outcome: str = "done"
    code: str = ""
    effects: Sequence[str] = ()
    steps: Sequence[str] = ("completed",)
    """The states of the steps of the last plan."""
    nodes: str = ""
    """The nodes after `clarify`, without repeats in a row; "" is the way of a plan that works at once."""
    text: str = ""
    """What the report must contain."""
    never: str = ""
    """What it must not contain."""
    limits: Mapping[str, int] = field(default_factory=dict)
    task: str = "look at a"
    down: int = 0
    loops: Sequence[str] = ()
    """The levels at which a loop was noticed."""


STRAIGHT = "plan review act validate summarize"
AGAIN = "plan review act validate reflect"
FOUR_BAD: Sequence[ScriptedReply] = [
    reply
    for round_ in range(4)
    for reply in (READ_A, read("a.txt"), done(), bad(f"no {round_}"), lesson(f"l{round_}"))
][:-1]

TASKS: Sequence[Scripted] = (
    Scripted("one step", [CLEAR, READ_A, read("a.txt"), done(), GOOD, REPORT], text="alpha is 7 [1]"),
    Scripted(
        "two steps in order",
        [
            CLEAR,
            planned(("read a", "files.read"), ("read b", "files.read", [1])),
            *(read("a.txt"), done(), read("b.txt"), done(), GOOD),
            says(("alpha is 7", [1]), ("beta is 8", [2])),
        ],
        steps=("completed", "completed"),
        text="beta is 8 [2]",
    ),
    Scripted(
        "change after approval",
        [CLEAR, ADD_A, append("a.txt", "new"), done(), GOOD, says(("a line was added", [1]))],
        answers=["y"],
        effects=["a.txt: new"],
        text="done: files.append path='a.txt' text='new'",
    ),
    Scripted(
        "plan rejected",
        [CLEAR, ADD_A],
        answers=["n"],
        outcome="failed",
        code="7004",
        steps=("pending",),
        nodes="plan review summarize",
    ),
    Scripted(
        "plan changed by the person",
        [CLEAR, ADD_A, READ_A, read("a.txt"), done(), GOOD, REPORT],
        answers=["only read it"],
        nodes="plan review plan review act validate summarize",
    ),
    Scripted(
        "plan changed, then approved",
        [CLEAR, ADD_A, ADD_A, append("a.txt", "x"), done(), GOOD, says(("added", [1]))],
        answers=["say x", "yes"],
        effects=["a.txt: x"],
        nodes="plan review plan review act validate summarize",
    ),
    Scripted(
        "clarification",
        [{"question": "Which file?"}, READ_A, read("a.txt"), done(), GOOD, REPORT],
        answers=["a.txt"],
    ),
    Scripted(
        "tool fails, then another call works",
        [CLEAR, READ_A, read("none.txt"), read("a.txt"), done(), GOOD, says(("alpha is 7", [2]))],
        text="alpha is 7 [2]",
    ),
    Scripted(
        "tool fails, step fails, new plan works",
        [
            *(CLEAR, CHECK_A, call("files.check", path="a.txt"), done("it is broken"), lesson("fix it first")),
            planned(("fix a", "files.append"), ("check a", "files.check", [1])),
            *(append("a.txt", "fixed"), done(), call("files.check", path="a.txt"), done(), GOOD),
            says(("a is right", [3])),
        ],
        answers=["y"],
        effects=["a.txt: fixed"],
        steps=("completed", "completed"),
        nodes=f"{AGAIN} {STRAIGHT}",
        text="a is right [3]",
    ),
    Scripted(
        "tool fails in every plan",
        [
            CLEAR,
            *[r for n in range(4) for r in (CHECK_A, call("files.check", path="a.txt"), done(), lesson(f"try {n}"))][
                :-1
            ],
        ],
        outcome="failed",
        code="3002",
        steps=("failed",),
        nodes=f"{AGAIN} {AGAIN} {AGAIN} {STRAIGHT}",
        limits={"steps": 20},
        loops=("hint", "hint", "replan"),
    ),
    Scripted(
        "step that needs a failed one is skipped",
        [
            *(CLEAR, planned(("check a", "files.check"), ("add a line", "files.append", [1]))),
            *(call("files.check", path="a.txt"), done(), lesson("read it"), READ_A, read("a.txt"), done(), GOOD),
            says(("alpha is 7", [2])),
        ],
        answers=["y"],
        nodes=f"{AGAIN} {STRAIGHT}",
    ),
    Scripted(
        "server that is down for the moment",
        [CLEAR, planned(("fetch", "net.fetch")), call("net.fetch", name="x"), done(), GOOD, says(("x is 42", [1]))],
        down=2,
        text="x is 42 [1]",
    ),
    Scripted(
        "server that stays down",
        [
            CLEAR,
            *[
                r
                for n in range(4)
                for r in (planned(("fetch", "net.fetch")), call("net.fetch", name="x"), done(), lesson(f"wait {n}"))
            ][:-1],
        ],
        outcome="failed",
        code="3002",
        steps=("failed",),
        limits={"steps": 20},
        loops=("hint", "hint", "replan"),
        down=99,
        nodes=f"{AGAIN} {AGAIN} {AGAIN} {STRAIGHT}",
    ),
    Scripted(
        "never satisfied",
        [CLEAR, *FOUR_BAD, REPORT],
        outcome="failed",
        code="3002",
        limits={"steps": 20},
        loops=("hint", "hint", "replan"),
        nodes=f"{AGAIN} {AGAIN} {AGAIN} {STRAIGHT}",
    ),
    Scripted(
        "satisfied the second time",
        [
            *(CLEAR, READ_A, read("a.txt"), done(), bad("b is missing"), lesson("read b too")),
            *(planned(("read b", "files.read")), read("b.txt"), done(), GOOD),
            says(("alpha is 7", [1]), ("beta is 8", [2])),
        ],
        nodes=f"{AGAIN} {STRAIGHT}",
        text="beta is 8 [2]",
    ),
    Scripted(
        "budget of calls",
        [
            *(CLEAR, planned(("read", "files.read"))),
            *(read("a.txt"), read("b.txt"), read("c.txt")),
            REPORT,
        ],
        limits={"steps": 2},
        outcome="failed",
        code="7002",
        steps=("pending",),
        nodes="plan review act summarize",
        text="alpha is 7 [1]",
    ),
    Scripted(
        "budget of tokens",
        [CLEAR],
        limits={"tokens": 1_200},
        outcome="failed",
        code="7002",
        steps=(),
        nodes="plan summarize",
    ),
    Scripted(
        "estimate extended while there is progress",
        [
            *(CLEAR, planned(("add", "files.append"))),
            *(append("a.txt", str(number)) for number in range(5)),
            *(done(), GOOD, says(("added", [1]))),
        ],
        answers=["y"],
        effects=[f"a.txt: {number}" for number in range(5)],
    ),
    Scripted(
        "same call again and again",
        [
            *(CLEAR, READ_A, *[read("a.txt")] * 4, lesson("do not read it again")),
            *(READ_A, *[read("a.txt")] * 2, REPORT),
        ],
        limits={"steps": 20},
        outcome="failed",
        code="7003",
        steps=("pending",),
        nodes="plan review act reflect plan review act summarize",
        loops=("hint", "hint", "replan", "hint", "stop"),
    ),
    Scripted(
        "cycle of two calls",
        [
            *(CLEAR, READ_A, read("a.txt"), read("b.txt"), read("a.txt"), read("b.txt"), read("a.txt")),
            *(lesson("act"), READ_A, read("b.txt"), read("a.txt"), REPORT),
        ],
        limits={"steps": 20},
        outcome="failed",
        code="7003",
        steps=("pending",),
        nodes="plan review act reflect plan review act summarize",
        loops=("hint", "hint", "replan", "hint", "stop"),
    ),
    Scripted(
        "repeat after a change is no loop",
        [
            *(CLEAR, planned(("fix a", "files.append"))),
            *(call("files.check", path="a.txt"), append("a.txt", "nearly"), call("files.check", path="a.txt")),
            *(append("a.txt", "fixed"), call("files.check", path="a.txt"), done(), GOOD, says(("a is right", [3]))),
        ],
        answers=["y"],
        limits={"steps": 20},
        effects=["a.txt: nearly", "a.txt: fixed"],
        text="a is right",
    ),
    Scripted(
        "loop that ends by itself",
        [CLEAR, READ_A, read("a.txt"), read("a.txt"), done(), GOOD, REPORT],
        loops=("hint",),
        text="alpha is 7 [1]",
    ),
    Scripted(
        "lies that a step is done",
        [
            *(CLEAR, ADD_A, done("I added it"), lesson("call the tool")),
            *(ADD_A, append("a.txt", "y"), done(), GOOD, says(("added", [1]))),
        ],
        answers=["y", "y"],
        effects=["a.txt: y"],
        nodes=f"{AGAIN} {STRAIGHT}",
    ),
    Scripted(
        "lies in its report",
        [
            *(CLEAR, READ_A, read("a.txt"), done(), GOOD),
            says(("alpha is 9", [1]), ("beta is known", [7]), ("trust me", []), ("alpha is 7", [1])),
        ],
        text="(3 sentences of the language model had no source)",
        never="alpha is 9",
    ),
    Scripted(
        "claims a change that it did not make",
        [CLEAR, READ_A, read("a.txt"), done(), GOOD, says(("I deleted everything", [2]))],
        never="deleted",
    ),
    Scripted(
        "calls a tool that was not planned",
        [CLEAR, READ_A, append("a.txt", "evil"), read("a.txt"), done(), GOOD, says(("alpha is 7", [2]))],
        text="not done: files.append",
    ),
    Scripted(
        "calls a tool that does not exist",
        [CLEAR, READ_A, call("files.delete", path="a.txt"), read("a.txt"), done(), GOOD, says(("alpha is 7", [2]))],
    ),
    Scripted(
        "wrong arguments",
        [CLEAR, READ_A, call("files.read", file="a.txt"), read("a.txt"), done(), GOOD, says(("alpha is 7", [2]))],
    ),
    Scripted(
        "rubbish once",
        ["what?", CLEAR, "```json\n[]```", READ_A, read("a.txt"), done(), GOOD, REPORT],
    ),
    Scripted(
        "rubbish for ever",
        ["what?", "no"],
        outcome="failed",
        code="7005",
        steps=(),
        nodes="summarize",
    ),
    Scripted(
        "plan with an unknown tool, corrected",
        [CLEAR, planned(("go", "files.fly")), READ_A, read("a.txt"), done(), GOOD, REPORT],
    ),
    Scripted(
        "plan in a circle",
        [CLEAR, *[planned(("a", "files.read", [2]), ("b", "files.read", [1]))] * 2],
        outcome="failed",
        code="7005",
        steps=(),
        nodes="plan summarize",
    ),
    Scripted(
        "cited answer",
        [
            *(CLEAR, planned(("search", "knowledge.search"))),
            *(call("knowledge.search", query="keys"), done(), GOOD, says(("Keys change every 90 days.", [1]))),
        ],
        text="Keys change every 90 days. [1]",
    ),
)
