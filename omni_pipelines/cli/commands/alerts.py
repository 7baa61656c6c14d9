"""`omni alerts`."""

from omni_pipelines.cli.command import Fields, Result, Rows, command
from omni_pipelines.cli.dependencies import ExistingHome, HomeSettings
from omni_pipelines.cli.text import table
from omni_pipelines.configuration import alert_secrets
from omni_pipelines.errors import ConfigurationError, OmniError
from omni_pipelines.operations.alert_targets import alert_targets
from omni_pipelines.operations.alerts import Alert, read_ledger, try_targets


@command(table("since", "line", "link", empty="nothing is wrong, as far as omni dev has looked"))
def list_(home: ExistingHome) -> Rows[Alert]:
    """List the jobs and checks that failed when omni dev last looked."""
    ledger = read_ledger(home)
    return Rows("alerts", list(ledger.open.values()), waiting=len(ledger.waiting))


@command(table("target", "result"))
def test(home: ExistingHome, settings: HomeSettings) -> Result[Rows[Fields]]:
    """Send a test message to every target.

    The exit code is 1 if a target did not get the message.
    """
    targets = alert_targets(settings, alert_secrets())
    if not targets:
        raise ConfigurationError(
            "no target is set: alerts are only in omni alerts list and in the log of alert_sensor",
            cure="set command, webhook or email_to in [alerts] of omni.toml, and run: omni trust",
        )
    results = try_targets(home, targets)
    rows = [{"target": name, "result": problem or "delivered"} for name, problem in results.items()]
    failed = [name for name, problem in results.items() if problem]
    error = OmniError(f"not delivered: {', '.join(failed)}") if failed else None
    return Result(Rows("targets", rows), error=error)
