"""`omni dev` as a person meets it: a process, a web page, sensors that do the work, and a clean end.

One server is shared, because starting one costs seconds; the last tests end it, and begin a second one.
Screenshots go to `tests/e2e/screenshots/`.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import filelock
import pytest

from omni_pipelines.records import body_of
from tests.command import omni, told
from tests.dev_server import HERE, OMNI, Server, beginning, descendants, free_port, is_running, serving, wait_for

SCREENSHOTS = Path(__file__).parent / "screenshots"
CHROMIUM = shutil.which("chromium")
ASSETS = {"documents", "chunks", "embeddings", "keyword_index", "vector_index", "retrieval_quality", "release"}
LOCATIONS = """{ workspaceOrError { __typename ... on Workspace { locationEntries {
    name loadStatus locationOrLoadError { __typename } } } } }"""
LOADED = {
    "name": "omni_pipelines",
    "loadStatus": "LOADED",
    "locationOrLoadError": {"__typename": "RepositoryLocation"},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("knowledge")
    notes = folder / "notes"
    notes.mkdir()
    (notes / "heron.md").write_text("# Heron\n\nThe heron stands in cold water at dawn.\n")
    (notes / "otter.md").write_text("# Otter\n\nOtters sleep holding hands so that they do not drift apart.\n")
    told("ingest", str(notes), "--home", str(folder / ".omni"), cwd=folder)
    # a home may come from elsewhere: were any process to import what lies in it, nothing would start
    (folder / ".omni" / "json.py").write_text("raise SystemExit('imported from the home')")
    return folder / ".omni"


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with serving(home) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    yield context.new_page()
    context.close()


def screenshot(page: Any, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def test_it_says_that_it_serves_when_the_assets_are_there(server: Server) -> None:
    assert server.ask(LOCATIONS)["workspaceOrError"]["locationEntries"] == [LOADED]
    found = server.ask("{ assetNodes { assetKey { path } } }")["assetNodes"]
    assert {node["assetKey"]["path"][-1] for node in found} == ASSETS


def test_the_page_names_the_version_of_the_code(server: Server) -> None:
    query = """{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
        ... on RepositoryLocation { dagsterLibraryVersions { name version } } } } } } }"""
    (entry,) = server.ask(query)["workspaceOrError"]["locationEntries"]
    versions = {each["name"]: each["version"] for each in entry["locationOrLoadError"]["dagsterLibraryVersions"]}
    assert versions["omni-pipelines"] == importlib.metadata.version("omni-pipelines")


def test_the_daemon_looks_after_the_same_sensors(server: Server) -> None:
    def is_healthy() -> bool:
        query = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"
        found = server.ask(query)["instance"]["daemonHealth"]["allDaemonStatuses"]
        return all(each["healthy"] for each in found if each["required"])

    def has_ticked() -> bool:
        query = """{ sensorOrError(sensorSelector: {repositoryLocationName: "omni_pipelines",
            repositoryName: "__repository__", sensorName: "source_sensor"}) {
            ... on Sensor { sensorState { status ticks(limit: 1) { status } } } } }"""
        state = server.ask(query)["sensorOrError"]["sensorState"]
        return state["status"] == "RUNNING" and bool(state["ticks"])

    wait_for("healthy daemons", is_healthy)
    wait_for("a tick", has_ticked)


@pytest.mark.parametrize(
    ("target", "headers", "expected"),
    [
        ("/asset-groups", {}, 200),
        ("/graphql", {"Accept": "text/html"}, 200),
        ("/asset-groups", {"Host": "evil.example"}, 403),
        ("/server_info", {"Origin": "https://evil.example"}, 403),
        ("/server_info", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("/graphql?query=mutation%7BlaunchRun%7D", {}, 403),
    ],
    ids=str,
)
def test_the_gate_stands_before_the_page(server: Server, target: str, headers: dict[str, str], expected: int) -> None:
    request = urllib.request.Request(server.url + target, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            found = answer.status
    except urllib.error.HTTPError as error:
        found = error.code
        error.close()
    assert found == expected


@pytest.mark.parametrize(("origin", "expected"), [("", 101), ("own", 101), ("https://evil.example", 403)])
def test_sockets_open_for_our_page_only(server: Server, origin: str, expected: int) -> None:
    origin = server.url if origin == "own" else origin
    lines = [
        "GET /graphql HTTP/1.1",
        f"Host: {HERE}:{server.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: graphql-ws",
        *([f"Origin: {origin}"] if origin else []),
    ]
    with socket.create_connection((HERE, server.port), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        assert connection.recv(64).split()[1] == str(expected).encode()


def test_nothing_listens_beyond_this_machine(server: Server) -> None:
    pids = {server.process.pid, *descendants(server.process.pid)}
    inodes = {link for pid in pids for link in _sockets_of(pid)}
    table = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    listening = {row[1] for row in table if row[3] == "0A" and row[9] in inodes}
    assert listening == {f"0100007F:{server.port:04X}"}


def _sockets_of(pid: int) -> Iterator[str]:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            target = os.readlink(descriptor)
            if target.startswith("socket:["):
                yield target[len("socket:[") : -1]


def test_all_assets_are_made_from_the_web_page(server: Server, page: Any) -> None:
    sockets: list[str] = []
    errors: list[str] = []
    page.on("websocket", lambda opened: sockets.append(opened.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    before = _runs(server)

    page.goto(f"{server.url}/asset-groups", wait_until="domcontentloaded")
    button = page.get_by_role("button", name="Materialize all")
    button.wait_for(timeout=60_000)
    screenshot(page, "asset-graph")
    button.click()
    (run,) = wait_for("a run", lambda: _runs(server).keys() - before.keys())
    wait_for("its end", lambda: _runs(server)[run] in ("SUCCESS", "FAILURE", "CANCELED"), 240)

    assert _runs(server)[run] == "SUCCESS"
    page.goto(f"{server.url}/runs/{run}", wait_until="domcontentloaded")
    page.get_by_text("RUN_SUCCESS").first.wait_for(timeout=60_000)
    screenshot(page, "run")
    assert f"ws://{HERE}:{server.port}/graphql" in sockets
    assert errors == []


def _runs(server: Server) -> dict[str, str]:
    found = server.ask("{ runsOrError { ... on Runs { results { runId status } } } }")["runsOrError"]["results"]
    return {each["runId"]: each["status"] for each in found}


def test_another_sites_page_cannot_show_it_in_a_frame(server: Server, page: Any, tmp_path: Path) -> None:
    (tmp_path / "evil.html").write_text(f'<iframe src="{server.url}/asset-groups"></iframe>')
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if "/asset-groups" in answer.url else None)
    page.goto((tmp_path / "evil.html").as_uri())
    wait_for("the frame's answer", lambda: page.wait_for_timeout(200) or answers, 30)
    assert answers == [403]


def test_the_code_can_be_loaded_again_from_the_page(server: Server) -> None:
    query = """mutation { reloadRepositoryLocation(repositoryLocationName: "omni_pipelines") {
        __typename ... on WorkspaceLocationEntry { loadStatus } } }"""
    assert server.ask(query)["reloadRepositoryLocation"]["loadStatus"] == "LOADED"
    entries = wait_for("the location", lambda: server.ask(LOCATIONS)["workspaceOrError"]["locationEntries"])
    assert entries == [LOADED]


@pytest.mark.timeout(420)
def test_a_changed_file_becomes_a_release_by_itself(server: Server) -> None:
    before = server.release
    (server.home.parent / "notes" / "otter.md").write_text("# Otter\n\nA romp is a group of playing otters.\n")
    wait_for("a new release", lambda: server.release > before, 300)
    hits = server.look("search", "romp of otters")["hits"]
    assert "romp" in hits[0]["text"]
    assert server.look("releases", "list")["releases"][0]["release"] > before


def test_a_job_is_queued_from_the_command_line_and_runs_there(server: Server) -> None:
    launched = server.omni("launch", "index_job", "--queue", "--wait", "--tag", "why=test")
    assert (launched["state"], _runs(server)[launched["run_id"]]) == ("done", "SUCCESS")
    listed = server.look("runs", "list", "--job", "index_job")["runs"]
    assert {run["run_id"]: run["tags"] for run in listed}[launched["run_id"]]["why"] == "test"
    assert any(run["origin"] == "sensor index_sensor" and run["release"] for run in listed)


SENSOR = """{ sensorOrError(sensorSelector: {repositoryLocationName: "omni_pipelines",
    repositoryName: "__repository__", sensorName: "index_sensor"}) { ... on Sensor { sensorState { id } } } }"""
STOP = "mutation($id: String!) { stopSensor(id: $id) { __typename } }"
START = """mutation { startSensor(sensorSelector: {repositoryLocationName: "omni_pipelines",
    repositoryName: "__repository__", sensorName: "index_sensor"}) { __typename } }"""
BUILD = """mutation { launchRun(executionParams: {mode: "default", runConfigData: {}, selector: {
    repositoryLocationName: "omni_pipelines", repositoryName: "__repository__", pipelineName: "__ASSET_JOB",
    assetSelection: [{path: ["vector_index"]}], assetCheckSelection: []}}) {
    ... on LaunchRunSuccess { run { runId } } } }"""


@pytest.mark.timeout(420)
def test_a_run_that_is_terminated_on_the_page_takes_its_index_build_with_it(server: Server, page: Any) -> None:
    def finished(run: str) -> bool:
        return _runs(server)[run] in ("SUCCESS", "FAILURE", "CANCELED")

    def building(run: str) -> list[dict[str, Any]]:
        records = [body_of(path.read_bytes()) for path in (server.home / "jobs").glob("*.json")]
        return [record for record in records if record["run_id"] == run and record["pid"]]

    server.omni("db", "index", "create", "--type", "ivf_flat")
    server.ask(STOP, {"id": server.ask(SENSOR)["sensorOrError"]["sensorState"]["id"]})
    for bird in ("crane", "ibis", "stork"):  # so many that the index is trained again, which is a job
        (server.home.parent / "notes" / f"{bird}.md").write_text(f"# {bird}\n\nA {bird} dances at dusk.\n")
    ingest = server.omni("launch", "ingest_job", "--queue")["run_id"]
    wait_for("new vectors", lambda: finished(ingest), 240)
    before = server.release
    with filelock.FileLock(server.home / "LOCK"):  # the build cannot be over before it is stopped
        run = server.ask(BUILD)["launchRun"]["run"]["runId"]
        (job,) = wait_for("the build", lambda: building(run), 240)
        assert is_running(job["pid"])
        terminate_on_the_page(server, page, run)
        assert not is_running(job["pid"])
        jobs = server.look("db", "index", "jobs")["jobs"]
        assert {each["state"] for each in jobs if each["id"] == job["id"]} == {"cancelled"}
        assert server.look("search", "heron in cold water")["hits"]
    assert (_runs(server)[run], server.release) == ("CANCELED", before)
    server.ask(START)


def terminate_on_the_page(server: Server, page: Any, run: str) -> None:
    page.goto(f"{server.url}/runs/{run}", wait_until="domcontentloaded")
    page.get_by_role("button", name="Terminate").first.click(timeout=60_000)
    page.get_by_role("dialog").get_by_role("button", name="Terminate").click(timeout=60_000)
    wait_for("the end of the run", lambda: _runs(server)[run] == "CANCELED")
    screenshot(page, "terminated")


def test_launchpad_explains_the_options_of_a_run(server: Server, page: Any) -> None:
    page.goto(f"{server.url}/locations/omni_pipelines/jobs/ingest_job/playground", wait_until="domcontentloaded")
    page.get_by_text("allow_delete").first.click(timeout=60_000)
    page.get_by_text("Delete documents even").first.wait_for(timeout=60_000)
    screenshot(page, "launchpad")


def test_link_of_an_alert_opens_what_it_is_about(server: Server, page: Any) -> None:
    def links() -> dict[str, str]:
        return {alert["key"]: alert["link"] for alert in server.look("alerts", "list")["alerts"]}

    key = "check:retrieval_quality.golden_questions"  # the home has no golden questions
    wait_for("the alert", lambda: key in links())
    page.goto(links()[key], wait_until="domcontentloaded")
    page.get_by_text("omni golden").first.wait_for(timeout=60_000)
    screenshot(page, "alert")


def test_run_of_the_command_line_is_terminated_on_its_page(server: Server, page: Any) -> None:
    before, command = _runs(server), [*OMNI, "launch", "ingest_job", "--home", str(server.home)]
    with filelock.FileLock(server.home / "LOCK"):  # the run cannot be over before it is stopped
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as launched:
            try:
                (run,) = wait_for("the run", lambda: _runs(server).keys() - before.keys())
                wait_for("its start", lambda: _runs(server)[run] == "STARTED")
                terminate_on_the_page(server, page, run)
                _, said = launched.communicate(timeout=60)
            finally:
                launched.kill()  # it waits for the lock that is held here
    assert (launched.returncode, _runs(server)[run]) == (130, "CANCELED")
    assert f"run {run[:8]} was terminated in the Dagster UI" in said


def test_a_home_is_served_once(server: Server) -> None:
    """Two daemons on one home would start every run twice."""
    done = omni("dev", "--port", str(free_port()), "--home", str(server.home), cwd=server.home)
    assert done.returncode == 2
    assert str(server.port) in done.stderr


def test_a_port_in_use_is_named_with_its_cure(server: Server, tmp_path: Path) -> None:
    done = omni("dev", "--port", str(server.port), "--home", str(tmp_path / ".omni"), cwd=tmp_path)
    assert done.returncode == 2
    assert f"port {server.port}" in done.stderr
    assert "--port" in done.stderr


def test_what_the_processes_log_is_kept_and_sent_to_nobody(server: Server) -> None:
    """Dagster's daemon posts and deletes whatever is in `$DAGSTER_HOME/logs`, with telemetry switched off or not."""
    assert server.posted == []
    written = list(server.home.rglob("daemon.log"))
    assert [path.stat().st_size > 0 for path in written] == [True]


def test_daemon_that_dies_is_started_again(server: Server) -> None:
    (daemon,) = _daemons(server)
    os.kill(daemon, signal.SIGKILL)
    wait_for("the message", lambda: any("daemon process ended" in line for line in server.said), 30)
    wait_for("another daemon", lambda: _daemons(server) - {daemon}, 30)
    assert server.ask(LOCATIONS)["workspaceOrError"]["locationEntries"] == [LOADED]


def test_ctrl_c_ends_it_and_all_it_started(server: Server) -> None:
    children = descendants(server.process.pid)
    assert len(children) >= 3
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(40) == 130
    wait_for("the end of its children", lambda: not any(map(is_running, children)), 10)


def test_killed_server_leaves_nothing_behind(server: Server) -> None:
    assert server.process.poll() is not None, "the test before ends it"
    with beginning(server.home) as again:
        wait_for("the code server and the daemon", lambda: _daemons(again))
        children = descendants(again.process.pid)
        assert len(children) >= 3
        again.process.kill()
        wait_for("the end of its children", lambda: not any(map(is_running, children)), 60)


def _daemons(server: Server) -> set[int]:
    return {pid for pid in descendants(server.process.pid) if "dagster._daemon" in _command(pid)}


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""
