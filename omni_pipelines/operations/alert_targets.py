"""Where alerts go: a command, a webhook, e-mail. No message holds a secret, and no error names one."""

import hashlib
import hmac
import smtplib
import ssl
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import urlsplit

from pydantic import SecretStr

from omni_pipelines.configuration import AlertSecrets
from omni_pipelines.errors import OmniError
from omni_pipelines.language_models.http_exchange import exchange, is_loopback
from omni_pipelines.operations.alerts import Alert, AlertTarget
from omni_pipelines.settings import Settings

SECONDS = 10.0
"""Time for one attempt at one target."""
ATTEMPTS = 2
"""Attempts at a webhook before the message waits for the next look."""
MAX_SUBJECT_LENGTH = 200
SIGNATURE, TIMESTAMP = "X-Omni-Signature", "X-Omni-Timestamp"
_SMTP_TLS_PORT, _SMTP_PORT = 465, 587


def alert_targets(settings: Settings, secrets: AlertSecrets) -> list[AlertTarget]:
    """The targets that the settings name."""
    alerts, targets = settings.alerts, list[AlertTarget]()
    if alerts.command:
        targets.append(CommandTarget(alerts.command))
    if alerts.webhook:
        targets.append(WebhookTarget(alerts.webhook, secrets.webhook))
    if alerts.email_to:
        targets.append(
            EmailTarget(alerts.email_to, alerts.email_from or alerts.email_to[0], alerts.smtp, secrets.smtp)
        )
    return targets


@dataclass(frozen=True)
class CommandTarget:
    """A program that gets each message as JSON on its standard input."""

    command: Sequence[str]
    name: str = "command"

    def send(self, alert: Alert) -> None:
        """Run the program. Exit code 0 means that it took the message."""
        try:
            done = subprocess.run(
                list(self.command),
                input=alert.model_dump_json().encode(),
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise OmniError(f"{self.command[0]} did not run: {type(error).__name__}") from error
        if done.returncode:
            raise OmniError(f"{self.command[0]} ended with code {done.returncode}")


@dataclass(frozen=True)
class WebhookTarget:
    """An address to which each message is sent as JSON, signed if there is a secret."""

    url: str
    secret: SecretStr
    name: str = "webhook"

    def send(self, alert: Alert) -> None:
        """POST the message. A status from 200 to 299 means that it was taken; after one from 500 it is sent again."""
        body, moment = alert.model_dump_json().encode(), str(int(time.time()))
        headers = {TIMESTAMP: moment}
        if key := self.secret.get_secret_value():
            headers[SIGNATURE] = f"sha256={signature(key, moment, body)}"
        host = urlsplit(self.url).hostname
        for attempt in range(ATTEMPTS):
            try:
                reply = exchange(self.url, body, headers, SECONDS / ATTEMPTS)
            except OmniError as error:  # its message has the address, in which there may be a password
                raise OmniError(f"{host} cannot be reached: {type(error).__name__}") from error
            if 200 <= reply.status < 300:
                return
            if reply.status < 500 or attempt == ATTEMPTS - 1:
                raise OmniError(f"{host} answered with status {reply.status}")
            time.sleep(min(reply.retry_after or 1.0, 2.0))


def signature(key: str, moment: str, body: bytes) -> str:
    """HMAC-SHA256 in hex of `<timestamp>.<body>`: the receiver computes it too, and refuses old timestamps."""
    return hmac.new(key.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class EmailTarget:
    """Addresses to which each message is mailed."""

    to: Sequence[str]
    sender: str
    server: str
    """`host`, `host:port` or `user@host:port`."""
    password: SecretStr
    name: str = "email"

    def send(self, alert: Alert) -> None:
        """Hand the message to the server, encrypted unless the server is this machine."""
        user, _, place = self.server.rpartition("@")
        host, _, port = place.partition(":")
        try:
            mail = self._mail(alert)
            with _connected(host, int(port or 0)) as connection:
                if user:
                    connection.login(user, self.password.get_secret_value())
                connection.send_message(mail)
        except (OSError, ValueError, smtplib.SMTPException) as error:
            raise OmniError(f"{host} did not take the mail: {type(error).__name__}") from error

    def _mail(self, alert: Alert) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = " ".join(alert.line.split())[:MAX_SUBJECT_LENGTH]
        mail["From"], mail["To"] = self.sender, ", ".join(self.to)
        facts = {"since": f"{alert.since:%F %R} UTC", "link": alert.link, "home": alert.home, "alert": alert.id}
        lines = [f"{name} {value}" for name, value in facts.items() if value]
        mail.set_content("\n".join([alert.line, "", *lines, ""]))
        return mail


def _connected(host: str, port: int) -> smtplib.SMTP:
    if port == _SMTP_TLS_PORT:
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=ssl.create_default_context())
    connection = smtplib.SMTP(host, port or _SMTP_PORT, timeout=SECONDS)
    if not is_loopback(host):
        connection.starttls(context=ssl.create_default_context())
    return connection
