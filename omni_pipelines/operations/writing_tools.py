"""Tools that change a knowledge base. Each runs `omni` in a process of its own, so that a server stays small."""

import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from typing import IO, Annotated

import orjson
from pydantic import Field, ValidationError

from native.child_python import python_command
from omni_pipelines.error_codes import CoreErrorCode
from omni_pipelines.errors import OmniError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.writer import read_writer
from omni_pipelines.progress import report
from omni_pipelines.records import KnowledgeCategory
from omni_pipelines.responses import ToolResponse
from omni_pipelines.threads import current_cancellation
from omni_pipelines.tools.catalog import ToolCatalog
from omni_pipelines.tools.signature import tool

_POLL_SECONDS = 0.25
_END_SECONDS = 3.0
"""How long a cancelled process may take to end before it is killed. It loses no finished work either way."""
_SHOWN_LINES = 5


class WritingTools:
    """The tools of one home, for its owner."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @tool("knowledge.ingest", title="Bring the knowledge base up to date", category="knowledge", idempotent=True)
    def ingest(self) -> ToolResponse:
        """Read what changed in the registered sources, and publish a release."""
        return self._run(["ingest"])

    @tool(
        "knowledge.rollback", title="Publish an older state", category="knowledge", destructive=True, idempotent=True
    )
    def rollback(self, release: Annotated[int, Field(ge=1)]) -> ToolResponse:
        """Publish the state of an older release again, as a new release.

        Args:
            release: Number of a kept release.
        """
        return self._run(["releases", "rollback"], [str(release)])

    @tool("knowledge.add_entry", title="Write an entry", category="knowledge")
    def add_entry(
        self,
        title: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")],
        text: Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"\S")],
        category: KnowledgeCategory = KnowledgeCategory.NOTE,
    ) -> ToolResponse:
        """Write a new entry, which searches find after the next ingest.

        Args:
            title: The subject, in a few words.
            text: Markdown.
            category: The kind of knowledge.
        """
        return self._run(["knowledge", "add", "--category", category], [title], text)

    @tool("knowledge.run_task", title="Carry out a task", category="knowledge", open_world=True)
    def run_task(self, task: Annotated[str, Field(min_length=1, max_length=8_000, pattern=r"\S")]) -> ToolResponse:
        """Let the agent of the knowledge base plan and carry out a task, under its owner's rules; returns the report.

        Args:
            task: What to do.
        """
        return self._run(["run"], [task], read=_report)

    def _run(
        self,
        command: Sequence[str],
        arguments: Sequence[str] = (),
        stdin: str = "",
        read: Callable[[bytes, bytes], ToolResponse] | None = None,
    ) -> ToolResponse:
        """The response of an `omni` command. `arguments` are never read as options.

        `read` makes it of what the command printed; without it, that is a document of JSON.
        """
        full = [*command, *(() if read else ("--json",)), "--home", str(self._home.root), "--", *arguments]
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as narration,
        ):
            given.write(stdin.encode())
            given.seek(0)
            process = subprocess.Popen(
                python_command("omni_pipelines.cli.main", "run", *full), stdin=given, stdout=out, stderr=narration
            )
            try:
                self._wait(process)
            finally:
                _end(process)
            return (read or _response)(_content(out), _content(narration))

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        """Report how far the process is until it ends.

        Raises:
            OmniError: nobody waits for it any more.
        """
        cancellation, told = current_cancellation(), None
        while process.poll() is None:
            if cancellation.wait(_POLL_SECONDS):
                raise OmniError("the call was cancelled; finished work is kept")
            writer = read_writer(self._home)
            if writer is not None and writer.pid == process.pid and writer != told:
                told = writer
                report(writer.step or "preparing", writer.done, writer.total, writer.unit)


def add_writing_tools(catalog: ToolCatalog, home: Home) -> None:
    """Add the tools that change a home."""
    tools = WritingTools(home)
    catalog.add(tools.ingest, tools.rollback, tools.add_entry, tools.run_task)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _response(out: bytes, narration: bytes) -> ToolResponse:
    """What a command printed: its record, or the response that says why it failed."""
    try:
        document = orjson.loads(out)
        if "error_code" not in document:
            return ToolResponse.success({name: value for name, value in document.items() if name != "schema_version"})
        document.pop("schema_version", None)
        return ToolResponse.model_validate(document)
    except (orjson.JSONDecodeError, ValidationError, TypeError):
        last = " / ".join(narration.decode(errors="replace").splitlines()[-_SHOWN_LINES:])
        return ToolResponse.error(f"omni failed: {last or 'no output'}", CoreErrorCode.CELL_SUBPROCESS_ERROR)


def _report(out: bytes, narration: bytes) -> ToolResponse:
    """The report of a task, or why it failed or waits."""
    told = narration.decode(errors="replace")
    session = re.search(r"^session (\S+)$", told, re.MULTILINE)
    name = session[1] if session else ""
    if failed := re.search(r"^omni: (.+) \[(\d{4})\]$", told, re.MULTILINE):
        cure = re.search(r"^ +cure: (.+)$", told, re.MULTILINE)
        metadata = {"session": name, "cure": cure[1] if cure else ""}
        return ToolResponse.error(failed[1], CoreErrorCode(failed[2]), metadata=metadata)
    if not session or not out.strip():
        return _response(out, narration)
    return ToolResponse.success({"report": out.decode(errors="replace").strip(), "session": name})
