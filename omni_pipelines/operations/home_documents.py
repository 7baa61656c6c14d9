"""JSON documents of a home that count as missing when they are damaged, so that only a scrub tells of it."""

from collections.abc import Iterator
from pathlib import Path

from omni_pipelines.home import Home
from omni_pipelines.records import body_of


def damaged_documents(home: Home) -> Iterator[Path]:
    """The documents that do not match their checksums: certificates, plans of erasures, notes and lists of files."""
    for path in _documents(home):
        try:
            body_of(path.read_bytes())
        except FileNotFoundError:
            continue
        except ValueError:
            yield path


def _documents(home: Home) -> list[Path]:
    folders = (home.certificates, home.erasure_plans, home.quarantine)
    return [home.unread_files, home.quarantine_files, *(path for each in folders for path in each.glob("*.json"))]
