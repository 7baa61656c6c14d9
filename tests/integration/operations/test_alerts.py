"""Alerts: told once when something is wrong, once when it is over, to every target."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from omni_pipelines.cli.main import execute
from omni_pipelines.erasure.run_history import PhraseMatcher, redact_history
from omni_pipelines.errors import OmniError
from omni_pipelines.home import Home
from omni_pipelines.operations.alert_targets import (
    SIGNATURE,
    TIMESTAMP,
    CommandTarget,
    EmailTarget,
    WebhookTarget,
    signature,
)
from omni_pipelines.operations.alerts import GIVEN_UP, Alert, TroubleFound, read_ledger, tell, try_targets

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RED = TroubleFound(key="check:chunks.schema", title="check schema of chunks failed", detail="2 columns are missing")
WARM = TroubleFound(key="check:release.freshness", title="check freshness of release warns", is_error=False)


@dataclass
class Listener:
    """A target that can be down."""

    name: str = "listener"
    is_down: bool = False
    got: list[tuple[str, str]] = field(default_factory=list)

    def send(self, alert: Alert) -> None:
        if self.is_down:
            raise OmniError("it is down")
        self.got.append((alert.state.value, alert.key))


def look(home: Home, *found: TroubleFound, at: timedelta = timedelta(), to: Listener, unknown: str = "") -> list[str]:
    return tell(home, found, [unknown], [to], NOW + at)


def test_trouble_is_told_once_and_its_end_once(home: Home) -> None:
    to = Listener()
    for found in ([RED], [RED], [RED, WARM], [WARM], [], []):
        look(home, *found, to=to)
    assert to.got == [("open", RED.key), ("open", WARM.key), ("over", RED.key), ("over", WARM.key)]


def test_both_messages_have_one_id_and_the_time_of_its_beginning(home: Home) -> None:
    sent: list[Alert] = []

    class Keeper(Listener):
        def send(self, alert: Alert) -> None:
            sent.append(alert)

    look(home, RED, to=Keeper())
    look(home, to=Keeper(), at=timedelta(minutes=5))
    assert sent[0].id == sent[1].id
    assert (sent[1].since, sent[1].at) == (NOW, NOW + timedelta(minutes=5))
    assert [alert.line for alert in sent] == [
        "[ERROR] check schema of chunks failed: 2 columns are missing",
        "[over] check schema of chunks failed",
    ]


def test_what_is_not_known_at_the_moment_stays_as_it_is(home: Home) -> None:
    to = Listener()
    look(home, RED, to=to)
    look(home, to=to, unknown=RED.key)
    assert to.got == [("open", RED.key)]
    look(home, to=to)
    assert to.got[1:] == [("over", RED.key)]


def test_message_for_a_target_that_is_down_waits_and_is_not_repeated_to_others(home: Home) -> None:
    down, up = Listener("down", is_down=True), Listener("up")
    said = tell(home, [RED], [], [down, up], NOW)
    assert said[-1] == "down did not get 'check schema of chunks failed': it is down"
    tell(home, [RED], [], [down, up], NOW + timedelta(seconds=29))
    assert len(read_ledger(home).waiting) == 1
    down.is_down = False
    tell(home, [RED], [], [down, up], NOW + timedelta(seconds=31))
    assert down.got == up.got == [("open", RED.key)]
    assert read_ledger(home).waiting == ()


def test_target_that_is_down_is_tried_once_in_a_look_and_given_up_after_a_day(home: Home) -> None:
    down = Listener(is_down=True)
    said = look(home, RED, WARM, to=down)
    assert sum("did not get" in line for line in said) == 1
    look(home, RED, WARM, to=down, at=GIVEN_UP + timedelta(hours=1))
    assert read_ledger(home).waiting == ()


def test_damaged_ledger_tells_again_what_is_wrong(home: Home) -> None:
    to = Listener()
    look(home, RED, to=to)
    home.alerts.write_text('{"open": [forgotten]')
    look(home, RED, to=to)
    assert to.got == [("open", RED.key)] * 2


def test_erasure_reaches_what_alerts_say(home: Home) -> None:
    secret = RED.model_copy(update={"detail": "questions are worse, as 'Where does the walrus sleep?'"})
    look(home, secret, to=Listener(is_down=True))
    assert redact_history(home, PhraseMatcher(["the walrus sleep"]), write=True) > 0
    assert "walrus" not in home.alerts.read_text()


def test_without_a_target_the_ledger_still_names_what_is_wrong(home: Home) -> None:
    assert tell(home, [RED], [], [], NOW) == ["[ERROR] check schema of chunks failed: 2 columns are missing"]
    assert (list(read_ledger(home).open), read_ledger(home).waiting) == ([RED.key], ())


# --- targets


@dataclass
class Hook:
    """A server that answers with these statuses, one after the other, and keeps what it got."""

    url: str
    statuses: list[int]
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def hook(*statuses: int) -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answers.got.append((dict(self.headers.items()), body))
            self.send_response(answers.statuses.pop(0))
            self.send_header("Location", "/elsewhere")
            self.send_header("Retry-After", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        answers = Hook(f"http://user:hidden@127.0.0.1:{server.server_port}/hook", list(statuses))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield answers
        server.shutdown()


def test_webhook_gets_json_with_a_signature_of_time_and_body(home: Home) -> None:
    with hook(204) as server:
        assert try_targets(home, [WebhookTarget(server.url, SecretStr("s3cret"))]) == {"webhook": ""}
    ((headers, body),) = server.got
    assert headers[SIGNATURE] == "sha256=" + signature("s3cret", headers[TIMESTAMP], body)
    assert json.loads(body)["state"] == "test"
    assert b"s3cret" not in body


def test_webhook_without_a_secret_is_not_signed(home: Home) -> None:
    with hook(200) as server:
        try_targets(home, [WebhookTarget(server.url, SecretStr(""))])
    assert SIGNATURE not in server.got[0][0]


@pytest.mark.parametrize(
    ("statuses", "problem"),
    [
        ([503, 200], ""),
        ([503, 503], "127.0.0.1 answered with status 503"),
        ([302, 200], "127.0.0.1 answered with status 302"),
        ([404, 200], "127.0.0.1 answered with status 404"),
    ],
)
def test_webhook_that_is_busy_is_asked_again_and_a_redirect_is_not_followed(
    home: Home, statuses: list[int], problem: str
) -> None:
    with hook(*statuses) as server:
        assert try_targets(home, [WebhookTarget(server.url, SecretStr(""))]) == {"webhook": problem}


def test_webhook_that_is_down_is_named_without_its_password(home: Home) -> None:
    with hook() as server:
        pass
    results = try_targets(home, [WebhookTarget(server.url, SecretStr(""))])
    assert results == {"webhook": "127.0.0.1 cannot be reached: NetworkUnreachable"}


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ([sys.executable, "-c", "import sys; open('got', 'w').write(sys.stdin.read())"], ""),
        ([sys.executable, "-c", "raise SystemExit(3)"], "ended with code 3"),
        (["/no/such/program"], "did not run: FileNotFoundError"),
    ],
    ids=["takes it", "refuses it", "is missing"],
)
def test_command_gets_json_on_its_standard_input(home: Home, command: list[str], problem: str) -> None:
    result = try_targets(home, [CommandTarget(command)])["command"]
    assert result.endswith(problem)
    if not problem:
        assert json.loads(Path("got").read_text())["key"] == "test"  # tests run in tmp_path


class MailServer(socketserver.StreamRequestHandler):
    """Takes one mail."""

    lines: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        in_mail = False
        for raw in self.rfile:
            line = raw.decode().rstrip()
            self.lines.append(line)
            if in_mail and line != ".":
                continue
            in_mail = line.upper() == "DATA"
            if line.upper() == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"354 go on\r\n" if in_mail else b"250 fine\r\n")


def test_mail_has_the_message_as_its_subject_and_links_to_the_page(home: Home) -> None:
    MailServer.lines = []
    trouble = TroubleFound(key="run:index_job", title="index_job failed", link="http://127.0.0.1:3000/runs/7")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_address[1]}"
        target = EmailTarget(["ops@example.org"], "omni@example.org", place, SecretStr(""))
        assert tell(home, [trouble], [], [target]) == ["[ERROR] index_job failed"]
        server.shutdown()
    assert "Subject: [ERROR] index_job failed" in MailServer.lines
    assert f"link {trouble.link}" in MailServer.lines
    assert "rcpt TO:<ops@example.org>" in MailServer.lines


@pytest.mark.parametrize("address", ["a\nBcc: b@example.org", "ops@example.org"])
def test_mail_that_nobody_takes_is_an_error(home: Home, address: str) -> None:
    target = EmailTarget([address], "omni@example.org", "127.0.0.1:1", SecretStr(""))
    assert try_targets(home, [target])["email"].startswith("127.0.0.1 did not take the mail: ")


# --- the command


def omni(home: Home, *words: str) -> int:
    return execute(["alerts", *words, "--home", str(home.root)])


def test_targets_of_an_untrusted_file_get_nothing(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    script = Path("mark.py").absolute()
    script.write_text(f"open({str(script.with_suffix('.done'))!r}, 'w')")
    home.config.write_text(f"[alerts]\ncommand = {json.dumps([sys.executable, str(script)])}\n")
    assert omni(home, "test") == 2
    said = capsys.readouterr().err
    assert "settings of it are ignored: alerts" in said
    assert "no target is set" in said
    assert not script.with_suffix(".done").exists()
    assert execute(["trust", "--home", str(home.root)]) == 0
    assert omni(home, "test") == 0
    assert script.with_suffix(".done").exists()


def test_list_names_what_is_wrong(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    tell(home, [RED], [], [], NOW)
    assert omni(home, "list") == 0
    assert "[ERROR] check schema of chunks failed: 2 columns are missing" in capsys.readouterr().out
