"""Commands about releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from omni_pipelines.cli.options import HomeOption, JsonOption, ReaderOption, reader_of
from omni_pipelines.cli.output import narrate, say, say_json

if TYPE_CHECKING:
    from omni_pipelines.knowledge.state.changes import Change, Changes
    from omni_pipelines.records import Pin, Release

NumberArgument = Annotated[int, typer.Argument(help="Number of a kept release.")]
_SIGNS = {"added": "+", "changed": "~", "removed": "-"}

app = typer.Typer(help="Knowledge states that can be read.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def releases() -> None:
    """Knowledge states that can be read."""


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """List the kept releases, newest first."""
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.knowledge.state.pins import list_pins
    from omni_pipelines.knowledge.state.releases import list_releases, require_release

    place = home_to_read(home)
    require_release(place)
    found, pins = list_releases(place), list_pins(place)
    if json:
        say_json({"releases": [_fields(release, pins.get(release.release)) for release in found]})
        return
    for release in found:
        counts = ", ".join(f"{count:,} {name}" for name, count in release.counts.items())
        say(f"{release.release:>6}  {_when(release)}  {counts}{_remark(release, pins.get(release.release))}")


@app.command()
def show(number: NumberArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Say what a release is made of."""
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.knowledge.state.pins import list_pins
    from omni_pipelines.knowledge.state.releases import require_release

    place = home_to_read(home)
    release = require_release(place, number)
    pin = list_pins(place).get(number)
    if json:
        say_json(_fields(release, pin))
        return
    say(f"release {release.release} of {_when(release)}{_remark(release, pin)}")
    for name, count in release.counts.items():
        say(f"  table {name}: {count:,} rows, version {release.tables[name]}")
    say(f"  keyword index {release.keyword.generation}: {release.keyword.entries:,} entries")
    for name, source in release.sources.items():
        say(f"  source {name}: {source.documents:,} documents, {source.place}")
    for name, fingerprint in release.fingerprints.items():
        say(f"  {name}: {fingerprint}")
    say(f"  run {release.run_id}")


@app.command()
def diff(
    before: Annotated[int, typer.Argument(help="The older release.")],
    after: Annotated[int, typer.Argument(help="The newer release.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Name the documents in which two releases differ."""
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.knowledge.state.changes import compare_releases

    say_changes(compare_releases(home_to_read(home), before, after, diffs=False), json=json, summary=False)


@app.command()
def pin(
    number: NumberArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is shown in the list.")] = "",
    home: HomeOption = None,
) -> None:
    """Keep a release, however many come after it."""
    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.pipeline.writer_session import writer_session
    from omni_pipelines.sharing.pinning import pin as keep

    place = find_home(home)
    place.check()
    settings = load_settings(place)
    with writer_session(place, settings, sync=True):
        keep(place, settings, number, reason)
    say(f"release {number} is kept until: omni releases unpin {number}")


@app.command()
def unpin(number: NumberArgument, home: HomeOption = None) -> None:
    """Let a pinned release go once enough newer ones stand."""
    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.pipeline.writer_session import writer_session
    from omni_pipelines.sharing.pinning import unpin as let_go

    place = find_home(home)
    place.check()
    settings = load_settings(place)
    with writer_session(place, settings, sync=True):
        let_go(place, settings, number)
    say(f"release {number} is kept as long as it is among the newest {settings.keep_releases}")


@app.command()
def rollback(number: NumberArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Show an older state again, as a new release. The sources and the tables stay as they are."""
    from omni_pipelines.configuration import find_home, load_settings
    from omni_pipelines.pipeline.run import retry_when_overtaken
    from omni_pipelines.pipeline.writer_session import writer_session
    from omni_pipelines.publishing.rollback import RollbackReport, roll_back

    place = find_home(home)
    place.check()
    settings = load_settings(place)

    def run() -> RollbackReport:
        with writer_session(place, settings, sync=True):
            return roll_back(place, settings, number, "omni releases rollback")

    report = retry_when_overtaken(settings, run)
    if json:
        say_json({"release": report.release.release, "shows": number, "before": report.before, "new": report.new})
        return
    if not report.new:
        say(f"release {report.release.release} shows that state already; nothing to do")
        return
    say(f"release {report.release.release}: readers see release {number} again, not {report.before}")
    narrate("next: the files were not touched. An ingest that finds no change publishes nothing; the first one that")
    narrate("      finds a change publishes all that the sources hold then, also what was rolled back.")
    narrate(f"      to undo the rollback now: omni releases rollback {report.before}")


def changes(
    since: Annotated[int, typer.Option("--since", help="Number of a kept release.")],
    summary: Annotated[bool, typer.Option("--summary", help="Names only, without the texts.")] = False,
    reader: ReaderOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Say what was added, changed and removed since a release, with the texts' differences."""
    from omni_pipelines.cli.shared_home import home_to_read
    from omni_pipelines.knowledge.state.changes import compare_releases

    say_changes(
        compare_releases(home_to_read(home), since, diffs=not summary, viewer=reader_of(reader)),
        json=json,
        summary=summary,
    )


def say_changes(found: Changes, *, json: bool, summary: bool) -> None:
    """Write the way between two releases."""
    if json:
        say_json({**found.model_dump(mode="json"), "summary": found.summary})
        return
    say(f"from release {found.before} to {found.after}: " + _counts(found))
    for name, (before, after) in found.fingerprints.items():
        say(f"  {name}: {before} is {after} now")
    for change in found.changes:
        say(f"{_SIGNS[change.kind]} {change.source}: {change.path}")
        if not summary:
            _say_diff(change)


def _counts(found: Changes) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in found.summary.items() if count) or "no document differs"


def _say_diff(change: Change) -> None:
    for line in change.diff[2:] if change.diff[:1] and change.diff[0].startswith("---") else change.diff:
        say(f"    {line}")
    if change.cut:
        say("    …")


def _fields(release: Release, pin: Pin | None) -> dict[str, object]:
    return {**release.model_dump(mode="json"), "pin": pin.model_dump(mode="json") if pin else None}


def _remark(release: Release, pin: Pin | None) -> str:
    shown = f"  shows {release.rollback.to} again" if release.rollback else ""
    return shown + ((f"  pinned: {pin.reason}" if pin.reason else "  pinned") if pin else "")


def _when(release: Release) -> str:
    return release.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
