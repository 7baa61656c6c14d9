"""Releases on disk: immutable numbered files with checksums. Readers see the newest one whose checksum is valid."""

import re
from datetime import UTC, date, datetime, time
from pathlib import Path

import orjson

from native.durable import put_if_absent
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.records import Release, sealed, unsealed

_NUMBERED = re.compile(r"([0-9]{1,12})(?:\.json|-[0-9a-f]+)?")


def release_number(name: str) -> int | None:
    """The number of the release that a file or object `<n>.json`, `<n>` or `<n>-<id>` belongs to; None for others."""
    found = _NUMBERED.fullmatch(name)
    return int(found[1]) or None if found is not None else None


def release_numbers(home: Home) -> list[int]:
    """Numbers of all release files, valid or not, in ascending order."""
    return sorted(filter(None, (release_number(path.name) for path in home.releases.glob("*.json"))))


def release_file(home: Home, number: int) -> Path:
    """The file of a release record."""
    return home.releases / f"{number:012d}.json"


def read_release(home: Home, number: int) -> Release | None:
    """A release; None if its file is missing or damaged."""
    record = read_with_checksum(home, number)
    return record[0] if record is not None else None


def read_with_checksum(home: Home, number: int) -> tuple[Release, str] | None:
    """A release and the checksum in its file; None if the file is missing or damaged."""
    try:
        raw = release_file(home, number).read_bytes()
    except OSError:
        return None
    release = unsealed(raw, Release)
    return (release, orjson.loads(raw)["sha256"]) if release is not None and release.release == number else None


def newest_release(home: Home) -> Release | None:
    """The newest valid release; None if there is none."""
    releases = (read_release(home, number) for number in reversed(release_numbers(home)))
    return next(filter(None, releases), None)


def list_releases(home: Home) -> list[Release]:
    """All valid releases, newest first."""
    return list(filter(None, (read_release(home, number) for number in reversed(release_numbers(home)))))


def require_release(home: Home, number: int | None = None) -> Release:
    """The release with a number, or the newest one.

    Raises:
        ConfigurationError: there is no such release.
        HomeError: there is no home.
    """
    home.check()
    release = newest_release(home) if number is None else read_release(home, number)
    if release is None:
        what = "no release yet" if number is None else f"no release {number}"
        cure = "create one: omni ingest PATH" if number is None else "see: omni releases list"
        raise ConfigurationError(f"{what} in {home.root}", cure=cure)
    return release


def release_as_of(home: Home, moment: datetime) -> Release:
    """The newest release that was made at or before `moment`, which must have a time zone.

    Raises:
        ConfigurationError: no release that old is kept.
        HomeError: there is no home.
    """
    newest, kept = require_release(home), list_releases(home)
    release = next((release for release in kept if release.created_at <= moment), None)
    if release is not None:
        return release
    oldest = min(kept, key=lambda release: release.created_at, default=newest)
    raise ConfigurationError(
        f"no kept release is as old as {moment.astimezone():%Y-%m-%d %H:%M:%S}; "
        f"the oldest is release {oldest.release} of {oldest.created_at.astimezone():%Y-%m-%d %H:%M:%S}",
        cure="see: omni releases list; the setting keep_releases keeps more, omni releases pin keeps one",
    )


def parse_moment(text: str) -> datetime:
    """An ISO date, which means the end of that day, or an ISO datetime; local time unless it names a zone.

    Raises:
        ConfigurationError: it is neither.
    """
    try:
        is_day = set("T :").isdisjoint(text)
        moment = datetime.combine(date.fromisoformat(text), time.max) if is_day else datetime.fromisoformat(text)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        cure = "write it as 2026-11-25, or as 2026-11-25T14:30"
        raise ConfigurationError(f"{text!r} is not a date", cure=cure) from error


def put_release(home: Home, release: Release) -> bool:
    """Write a release record, which makes the release visible. Everything it names must be durable already.

    Returns False if a release with this number exists.
    """
    return put_if_absent(release_file(home, release.release), sealed(release))
