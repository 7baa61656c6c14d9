"""The processes that `omni dev` starts are watched, logged and ended; a home has one server at a time."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster._grpc import client, server_watcher

from omni_pipelines.cli.dev_server import dagster_process, server
from omni_pipelines.cli.dev_server.process_group import Children, RestartLimits, StopFlag
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.home import Home
from tests.command import omni, told

WAITING = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); " + WAITING


@pytest.fixture
def stop() -> Iterator[StopFlag]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield StopFlag()
    for number, handler in before.items():
        signal.signal(number, handler)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def log(home: Home) -> str:
    return (home.logs / "one.log").read_text()


@pytest.mark.parametrize("code", [WAITING, DEAF], ids=["well-behaved", "deaf"])
def test_children_are_ended_when_the_block_is_left(home: Home, tmp_path: Path, stop: StopFlag, code: str) -> None:
    with Children(home, tmp_path, stop, grace_seconds=1) as running:
        running.start("one", python(code))
        assert running.wait_until("it", lambda: log(home).endswith("\n"), 30)
        pid = log(home).strip()
        assert Path("/proc", pid).exists()
    assert not Path("/proc", pid).exists()


def test_child_that_ends_by_itself_is_reported_with_its_log(home: Home, tmp_path: Path, stop: StopFlag) -> None:
    with Children(home, tmp_path, stop) as running:
        running.start("one", python("raise SystemExit(3)"))
        with pytest.raises(OmniError, match="the one process ended with code 3") as error:
            running.wait_until("it", lambda: False, 30)
    assert str(home.logs / "one.log") in error.value.cure


AT_ONCE = RestartLimits(count=2, least_life_seconds=0)


def test_child_that_ends_by_itself_is_started_again_up_to_a_limit(
    home: Home, tmp_path: Path, stop: StopFlag, capsys: pytest.CaptureFixture[str]
) -> None:
    with Children(home, tmp_path, stop, limits=AT_ONCE) as running:
        running.start("other", python(WAITING))
        running.start("one", python("raise SystemExit(3)"), is_restarted=True)
        home.config.write_text("half a setting")  # a person is writing it
        with pytest.raises(OmniError, match="the one process ended with code 3"):
            running.wait_until("it", lambda: False, 60)
    said = capsys.readouterr().err
    assert said.count("the one process ended with code 3 and is started again; its log: ") == 2
    assert "other" not in said


def test_child_that_ended_just_after_its_start_is_not_started_again(
    home: Home, tmp_path: Path, stop: StopFlag
) -> None:
    with Children(home, tmp_path, stop) as running:
        running.start("one", python("raise SystemExit(3)"), is_restarted=True)
        with pytest.raises(OmniError, match="the one process ended with code 3"):
            running.wait_until("it", lambda: False, 30)


def test_log_that_grows_too_large_begins_anew(home: Home, tmp_path: Path, stop: StopFlag) -> None:
    many = "import time\nfor n in range(10**6):\n print(n, flush=True)\n time.sleep(0.001)"
    with Children(home, tmp_path, stop, max_log_bytes=500) as running:
        running.start("one", python(many))
        assert running.wait_until("it", lambda: (home.logs / "one.log.1").exists(), 30)
        size = (home.logs / "one.log.1").stat().st_size
        assert running.wait_until("it", lambda: 0 < len(log(home)) < size or len(log(home)) > 2 * size, 30)
    assert not log(home).startswith("0\n")
    assert "\0" not in log(home)  # it is appended to, not written at the old place


def test_child_that_does_not_start_in_time_is_reported(home: Home, tmp_path: Path, stop: StopFlag) -> None:
    with Children(home, tmp_path, stop) as running:
        running.start("one", python(WAITING))
        with pytest.raises(OmniError, match="the page did not start within 0 s"):
            running.wait_until("the page", lambda: False, 0)


def test_wait_ends_at_a_signal(home: Home, tmp_path: Path, stop: StopFlag) -> None:
    with Children(home, tmp_path, stop) as running:
        signal.raise_signal(signal.SIGTERM)
        assert not running.wait_until("it", lambda: False)
    assert stop.signal == signal.SIGTERM


def test_children_import_nothing_from_the_home(
    home: Home, stop: StopFlag, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A home may come from somebody else; serving it must not run code inside it."""
    folder = tmp_path_factory.mktemp("work")
    with Children(home, folder, stop) as running:
        running.start("one", python("import os; print(os.getcwd()); " + WAITING))
        running.wait_until("it", lambda: log(home).count("\n") == 2, 30)
    assert log(home).startswith(f"{folder}\n")


def test_child_runs_with_the_given_niceness(home: Home, tmp_path: Path, stop: StopFlag) -> None:
    with Children(home, tmp_path, stop) as running:
        running.start("one", python(f"import os; print(os.nice(0), flush=True); {WAITING}"), 3)
        running.wait_until("it", lambda: log(home).count("\n") == 2, 30)
    assert int(log(home).splitlines()[0]) == min(os.nice(0) + 3, 19)


def test_last_log_of_a_child_is_kept(home: Home, tmp_path: Path, stop: StopFlag) -> None:
    for word in ("first", "second"):
        with Children(home, tmp_path, stop) as running:
            running.start("one", python(f"print({word!r}, flush=True); import time; time.sleep(600)"))
            running.wait_until("it", lambda: log(home).endswith("\n"), 30)
    assert log(home).startswith("second\n")
    assert (home.logs / "one.log.1").read_text().startswith("first\n")


def test_process_of_dagster_asks_seldom_whether_the_code_server_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((server_watcher, "WATCH_INTERVAL"), (client, "CLIENT_HEARTBEAT_INTERVAL")):
        monkeypatch.setattr(module, name, vars(module)[name])  # as it was, after this test
    dagster_process.ask_seldom()
    nobody = client.DagsterGrpcClient(port=1)
    waits: list[float] = []

    class Ended(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0)
            self.set()
            return True

    client.client_heartbeat_thread(nobody, Ended())
    unused: dict[str, Any] = dict.fromkeys(
        ("get_location_entry", "refresh_code_location", "on_disconnect", "on_reconnected", "on_updated", "on_error"),
        lambda *_: None,
    )
    server_watcher.watch_grpc_server_thread("code", nobody, Ended(), **unused)
    assert waits == [dagster_process.HEARTBEAT_SECONDS, dagster_process.WATCH_SECONDS]


def test_served_port_is_known_while_the_home_is_served(home: Home) -> None:
    assert server.served_port(home) is None
    with server._served_once(home, 3210):
        assert server.served_port(home) == 3210
        with pytest.raises(ConfigurationError, match=":3210"), server._served_once(home, 4000):
            pytest.fail("served twice")
        assert server.served_port(home) == 3210
    assert server.served_port(home) is None


def test_files_of_a_killed_server_do_not_block_the_next_one(home: Home) -> None:
    (home.dagster / "dev.json").write_text('{"port": 3210}')
    (home.dagster / "dev.lock").touch()
    assert server.served_port(home) is None
    with server._served_once(home, 4000):
        assert server.served_port(home) == 4000


def test_served_port_of_a_missing_home_is_none(tmp_path: Path) -> None:
    assert server.served_port(Home(tmp_path / "nowhere")) is None
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("port", ["0", "-1", "65536"])
def test_a_port_that_cannot_be_is_refused(port: str, tmp_path: Path) -> None:
    done = omni("dev", "--port", port, "--home", str(tmp_path / ".omni"), cwd=tmp_path)
    assert done.returncode == 2


def test_a_job_is_not_queued_where_nobody_serves(tmp_path: Path) -> None:
    elsewhere = tmp_path / ".omni"
    told("init", "--home", str(elsewhere), cwd=tmp_path)
    done = omni("launch", "index_job", "--queue", "--home", str(elsewhere), cwd=tmp_path)
    assert done.returncode == 2
    assert "no `omni dev` serves" in done.stderr
