"""The types of fields of records. Each allows only values that are harmless wherever they are used."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from omni_pipelines.released_files import FILE_NAME


def _in_utc(moment: datetime) -> datetime:
    if not 1 < moment.year < 9999:  # others are no dates in some time zone
        raise ValueError("must be in a year from 2 to 9998")
    return moment.astimezone(UTC)


Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
now = partial(datetime.now, UTC)
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A point in time, in UTC."""
Blake3 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Sha256 = Blake3
Count = Annotated[int, Field(ge=0, lt=1 << 63)]
ReleaseNumber = Annotated[int, Field(ge=1, lt=10**12)]
Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
"""A random id, as `uuid.uuid4().hex`."""
TableName = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$")]
"""The name of a table, a column or a step. It becomes the name of a file, so it can name nothing outside the home."""
PinnedVersion = Annotated[str, Field(pattern="^[0-9a-f]{32}:[1-9][0-9]{0,17}$")]
"""A version of a table, `uuid:version`."""
Generation = Annotated[str, Field(pattern="^gen-[0-9]{1,18}$")]
"""The folder of a generation of the keyword index."""
FileName = Annotated[str, Field(pattern=f"^{FILE_NAME}$")]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


def file_moment(mtime_ns: int) -> datetime:
    """A file's time, to the microsecond; a time outside the years 1 to 9999 becomes the nearest one inside."""
    try:
        return _EPOCH + timedelta(microseconds=mtime_ns // 1000)
    except OverflowError:
        return _LAST if mtime_ns > 0 else _FIRST


REFERENCE_SUFFIXES = (".md", ".pdf", ".txt", ".html", ".json", ".yaml", ".yml")


def _check_reference(path: str) -> str:
    parsed = PurePosixPath(path)
    if not path or "\\" in path or parsed.is_absolute() or ".." in parsed.parts:
        raise ValueError("must be a path inside the skill, without '..'")
    if parsed.suffix not in REFERENCE_SUFFIXES:
        raise ValueError(f"must end in one of {', '.join(REFERENCE_SUFFIXES)}")
    return path


ReferencePath = Annotated[str, AfterValidator(_check_reference)]
