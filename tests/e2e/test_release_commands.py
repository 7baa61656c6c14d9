"""The commands about releases as a person meets them: a history of three days on real files and the real model."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.command import omni, told

pytestmark = pytest.mark.usefixtures("models")

DAYS = (
    {"keys.md": "# Keys\n\nOld keys stay valid for one hour.\n", "otters.md": "# Otters\n\nOtters hold hands.\n"},
    {"keys.md": "# Keys\n\nOld keys stay valid for two hours.\n"},
    {"secret.md": "# Casserole\n\nThe moonlight casserole is cooked by Ottilie Brandenburger.\n"},
)


@pytest.fixture(scope="module")
def folder(models: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of three days; release 1 is pinned."""
    folder = tmp_path_factory.mktemp("history")
    (folder / "docs").mkdir()
    for day in DAYS:
        for name, text in day.items():
            (folder / "docs" / name).write_text(text)
        done = omni("ingest", "docs", cwd=folder)
        assert done.returncode == 0, done.stderr
    assert omni("releases", "pin", "1", "--reason", "the audit", cwd=folder).returncode == 0
    return folder


def test_the_list_shows_pins(folder: Path) -> None:
    listed = omni("releases", "list", cwd=folder).stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["3", "2", "1"]
    assert listed.splitlines()[2].endswith("pinned: the audit")
    assert told("releases", "show", "1", cwd=folder)["pin"]["reason"] == "the audit"


def test_changes_show_the_differing_lines(folder: Path) -> None:
    shown = omni("changes", "--since", "1", cwd=folder).stdout
    assert "1 added, 1 changed" in shown
    assert "-Old keys stay valid for one hour." in shown
    assert "+Old keys stay valid for two hours." in shown
    assert "hour" not in omni("changes", "--since", "1", "--summary", cwd=folder).stdout
    found = told("releases", "diff", "1", "2", cwd=folder)
    assert [(change["kind"], change["path"]) for change in found["changes"]] == [("changed", "keys.md")]


def test_an_answer_of_a_day_is_that_days_answer(folder: Path) -> None:
    made = datetime.fromisoformat(told("releases", "show", "1", cwd=folder)["created_at"])
    moment = (made + timedelta(milliseconds=1)).isoformat()
    question = "How long do old keys stay valid?"
    assert "one hour" in omni("ask", question, "--as-of", moment, cwd=folder).stdout
    assert "two hours" in omni("ask", question, cwd=folder).stdout
    assert told("status", "--as-of", moment, cwd=folder)["release"] == 1
    assert "one hour" in omni("show", "docs/keys.md:3", "--as-of", moment, cwd=folder).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", "keys", "--as-of", "2001-01-01"), "no kept release is as old as 2001-01-01"),
        (("search", "keys", "--as-of", "soon"), "is not a date"),
        (("search", "keys", "--as-of", "2026-01-01", "--release", "1"), "both name a release"),
        (("changes", "--since", "99"), "no release 99"),
        (("releases", "rollback", "99"), "no release 99"),
        (("releases", "unpin", "3"), "release 3 is not pinned"),
        (("releases", "import", "x.tar"), "the new home has no name"),
        (("forget", "secret.md"), "an erasure cannot be undone"),
        (("forget", "nothing.md"), "no source or document named nothing.md"),
        (("forget", "nothing.md", "--dry-run"), "no source or document named nothing.md"),
    ],
)
def test_what_is_wrong_is_said_with_its_cure(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    done = omni(*arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "cure: " in done.stderr


def test_a_rollback_says_what_the_next_ingest_does_and_holds(folder: Path) -> None:
    done = omni("releases", "rollback", "1", cwd=folder)
    assert "readers see release 1 again, not 3" in done.stdout
    assert "publishes all that the sources hold then" in done.stderr
    assert told("ingest", cwd=folder)["release"] == 4
    assert "rolled back to release 1" in omni("status", cwd=folder).stdout
    assert omni("releases", "rollback", "3", cwd=folder).returncode == 0
    assert "two hours" in omni("ask", "How long do old keys stay valid?", cwd=folder).stdout


def test_a_bundle_goes_out_and_in(folder: Path) -> None:
    assert told("releases", "export", "1", "one.tar", cwd=folder)["release"] == 1
    assert told("releases", "import", "one.tar", "--home", "there", cwd=folder)["counts"]["documents"] == 2
    assert told("search", "otters", "--home", "there", cwd=folder)["hits"]


def test_a_scrub_of_sound_rows_finds_nothing_and_a_damaged_file_is_an_error(folder: Path) -> None:
    assert told("scrub", cwd=folder)["damage"] == []
    release = told("releases", "show", "3", cwd=folder)
    index = folder / ".omni" / "keyword" / release["keyword"]["generation"]
    victim = sorted(index.glob("*.store"))[0]
    raw = victim.read_bytes()
    victim.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
    done = omni("scrub", "--json", cwd=folder)
    victim.write_bytes(raw)
    assert done.returncode == 1
    assert [each["key"] for each in json.loads(done.stdout)["damage"]] == [victim.name]
    assert "omni scrub --repair" in done.stderr


def test_what_is_forgotten_is_in_no_file_and_stays_away(folder: Path) -> None:
    looked = told("forget", "secret.md", "--dry-run", cwd=folder)
    assert looked["documents"] == ["secret.md"]
    history = next(each for each in looked["places"] if each["place"] == "run history and logs")
    assert history["found"] > 0
    done = told("forget", "secret.md", "--yes", cwd=folder)
    assert Path(done["file"]).is_file()
    assert "secret.md" not in Path(done["file"]).read_text()
    assert told("ingest", cwd=folder)["documents"]["added"] == 0
    needles = (b"moonlight", b"Ottilie", b"secret.md")
    hits = [
        path for path in (folder / ".omni").rglob("*") if path.is_file() for n in needles if n in path.read_bytes()
    ]
    assert hits == []
    assert "two hours" in omni("ask", "How long do old keys stay valid?", cwd=folder).stdout
