"""Runs the public conformance suite of the protocol against our server over HTTP, and writes the page about it.

    npm install --prefix FOLDER @modelcontextprotocol/conformance@0.1.16
    MCP_CONFORMANCE=FOLDER python -m tests.integration.mcp_server.conformance

The result is written to docs/benchmarks/mcp_conformance.md; the exit code is 1 if a scenario fails.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from omni_pipelines.home import Home
from omni_pipelines.mcp_server.transports import http_server, listen
from tests.integration.mcp_server.sample_server import TOKEN, sample_server, with_token

PAGE = Path(__file__).parents[3] / "docs" / "benchmarks" / "mcp_conformance.md"
PACKAGE = Path("node_modules", "@modelcontextprotocol", "conformance")
SECONDS = 300
_RESULT = re.compile(r"^[✓✗] ([a-z0-9-]+): (\d+) passed, (\d+) failed$", re.MULTILINE)


class Scenario(NamedTuple):
    """What the suite says about one scenario."""

    name: str
    passed: int
    """Checks."""
    failed: int


def installed_suite() -> Path | None:
    """The folder of the suite, if the environment names one and there is node."""
    package = Path(os.environ.get("MCP_CONFORMANCE", "none")) / PACKAGE
    return package if (package / "dist" / "index.js").is_file() and shutil.which("node") else None


def run_suite(package: Path, home: Home) -> list[Scenario]:
    """The results of all active scenarios for servers, in the order of the suite."""
    with listen(0) as listener:
        serving = http_server(sample_server(home), listener, TOKEN)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"

        async def run() -> bytes:
            with with_token(serving):
                server = asyncio.create_task(serving.serve(sockets=[listener]))
                suite = await asyncio.create_subprocess_exec(
                    "node", package / "dist" / "index.js", "server", "--url", url, stdout=asyncio.subprocess.PIPE
                )
                out, _ = await asyncio.wait_for(suite.communicate(), SECONDS)
                serving.should_exit = True
                await server
                return out

        said = asyncio.run(run()).decode()
    return [Scenario(name, int(passed), int(failed)) for name, passed, failed in _RESULT.findall(said)]


def main() -> int:
    """Run the suite and write the page."""
    package = installed_suite()
    if package is None:
        sys.stderr.write(__doc__ or "")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / ".omni")
        home.create()
        results = run_suite(package, home)
    version = json.loads((package / "package.json").read_text("utf-8"))["version"]
    good = sum(not each.failed for each in results)
    checks = sum(each.passed for each in results)
    rows = "\n".join(f"| {each.name} | {each.passed} | {each.failed} |" for each in results)
    PAGE.write_text(
        f"""# Conformance of the MCP server

Whether the MCP server behaves as the specification of the protocol says.

Written by `python -m tests.integration.mcp_server.conformance`, with `@modelcontextprotocol/conformance`
{version} over HTTP: {good} of {len(results)} scenarios pass, with {checks} checks.

The suite calls tools, resources and prompts with the names and contents of its own sample server. They are registered
in our server (`tests/integration/mcp_server/sample_server.py`); transport, sessions, gatekeeper, progress, messages,
questions and errors are those of `omni mcp`. We add the token to the requests of the suite, because it cannot send
one. Only the sample tool asks for sampling; no tool of ours does.

Two scenarios are not run; the suite itself marks them as pending. They are `json-schema-2020-12`, because the schemas
of our tools need no references, and `server-sse-polling`, which needs stored events.

| scenario | checks that pass | that fail |
|---|---|---|
{rows}
""",
        "utf-8",
    )
    return 0 if results and good == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
