"""The processes `omni dev` starts: watched, logged and ended, whatever they do; and one server a home."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from omni_pipelines.cli import dev
from omni_pipelines.cli import process_group as children_module
from omni_pipelines.cli.process_group import Children, StopFlag
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.home import Home

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
def test_leaving_the_block_ends_a_child(
    home: Home, tmp_path: Path, stop: StopFlag, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children_module, "GRACE_SECONDS", 1)
    with Children(home, tmp_path, stop) as running:
        running.start("one", python(code))
        assert running.wait_until("it", lambda: log(home).endswith("\n"), 30)
        pid = log(home).strip()
        assert Path("/proc", pid).exists()
    assert not Path("/proc", pid).exists()


def test_a_child_that_ends_by_itself_is_named_with_its_log(home: Home, tmp_path: Path, stop: StopFlag) -> None:
    with Children(home, tmp_path, stop) as running:
        running.start("one", python("raise SystemExit(3)"))
        with pytest.raises(OmniError, match="the one process ended with code 3") as error:
            running.wait_until("it", lambda: False, 30)
    assert str(home.logs / "one.log") in error.value.cure


def test_a_child_that_does_not_come_up_is_given_up(home: Home, tmp_path: Path, stop: StopFlag) -> None:
    with Children(home, tmp_path, stop) as running:
        running.start("one", python(WAITING))
        with pytest.raises(OmniError, match="the page did not come up in 0 s"):
            running.wait_until("the page", lambda: False, 0)


def test_a_signal_ends_the_waiting(home: Home, tmp_path: Path, stop: StopFlag) -> None:
    with Children(home, tmp_path, stop) as running:
        signal.raise_signal(signal.SIGTERM)
        assert not running.wait_until("it", lambda: False)
    assert stop.signal == signal.SIGTERM


def test_nothing_is_imported_from_the_home(
    home: Home, stop: StopFlag, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A home may come from elsewhere; serving it must not run what lies in it."""
    folder = tmp_path_factory.mktemp("work")
    with Children(home, folder, stop) as running:
        running.start("one", python("import os; print(os.getcwd()); " + WAITING))
        running.wait_until("it", lambda: log(home).count("\n") == 2, 30)
    assert log(home).startswith(f"{folder}\n")


def test_a_child_can_be_told_to_yield_the_processor(home: Home, tmp_path: Path, stop: StopFlag) -> None:
    with Children(home, tmp_path, stop) as running:
        running.start("one", python(f"import os; print(os.nice(0), flush=True); {WAITING}"), 3)
        running.wait_until("it", lambda: log(home).count("\n") == 2, 30)
    assert int(log(home).splitlines()[0]) == min(os.nice(0) + 3, 19)


def test_the_log_of_the_time_before_is_kept(home: Home, tmp_path: Path, stop: StopFlag) -> None:
    for word in ("first", "second"):
        with Children(home, tmp_path, stop) as running:
            running.start("one", python(f"print({word!r}, flush=True); import time; time.sleep(600)"))
            running.wait_until("it", lambda: log(home).endswith("\n"), 30)
    assert log(home).startswith("second\n")
    assert (home.logs / "one.log.1").read_text().startswith("first\n")


def test_who_serves_a_home_is_known_while_it_does(home: Home) -> None:
    assert dev.served_port(home) is None
    with dev._served_once(home, 3210):
        assert dev.served_port(home) == 3210
        with pytest.raises(ConfigurationError, match=":3210"), dev._served_once(home, 4000):
            pytest.fail("served twice")
        assert dev.served_port(home) == 3210
    assert dev.served_port(home) is None


def test_what_a_killed_server_left_behind_stops_nobody(home: Home) -> None:
    (home.dagster / "dev.json").write_text('{"port": 3210}')
    (home.dagster / "dev.lock").touch()
    assert dev.served_port(home) is None
    with dev._served_once(home, 4000):
        assert dev.served_port(home) == 4000


def test_a_home_that_is_not_there_is_served_by_nobody(tmp_path: Path) -> None:
    assert dev.served_port(Home(tmp_path / "nowhere")) is None
    assert not (tmp_path / "nowhere").exists()
