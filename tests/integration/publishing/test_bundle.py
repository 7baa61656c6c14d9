"""A release as one file: it comes out as it went in, and nothing that was tampered with comes in at all."""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from omni_pipelines.configuration import user_folder
from omni_pipelines.errors import BundleRefused, ConfigurationError, HomeError, OmniError, TableBroken
from omni_pipelines.home import Home
from omni_pipelines.knowledge.search.options import Mode
from omni_pipelines.knowledge.state.releases import list_releases, require_release
from omni_pipelines.operations.scrub import scrub
from omni_pipelines.publishing import bundle as bundle_module
from omni_pipelines.publishing.bundle import CONTENTS, Bundle, export_release, import_bundle
from omni_pipelines.records import strictly
from omni_pipelines.sources.claims import NOBODY
from omni_pipelines.sources.registry import load_sources
from tests.integration.line import Line, Original, paragraph, write
from tests.integration.sharing.hostile_records import SEED, mutations

Edit = Callable[[dict[str, bytes], dict[str, Any]], None]


def fill(line: Line, docs: Path) -> None:
    """Two releases; the second has one document more, and one that changed."""
    line.add(write(docs, {"badger.md": paragraph("badger"), "gecko.md": paragraph("gecko")}))
    line.run()
    write(docs, {"badger.md": paragraph("badger", 2), "otter.md": paragraph("otter")})
    line.run()


@pytest.fixture(scope="module")
def bundle(original: Original, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first release."""
    file = tmp_path_factory.mktemp("exported") / "one.tar"
    export_release(original.line.home, 1, file)
    return file


@pytest.fixture
def published(original: Original, home: Home) -> Line:
    return original.copy(home)


@pytest.fixture
def file(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(bundle, tmp_path))


def hits(line: Line, release: int | None = None) -> list[tuple[str, str, int]]:
    return sorted(
        (query, hit.text, hit.start_line)
        for query in ("badger shed", "gecko keepers", "otter")
        for mode in (Mode.KEYWORD, Mode.VECTOR)
        for hit in line.librarian(release).search(query, 50, mode)
    )


def imported(file: Path, tmp_path: Path) -> Line:
    there = Line(Home(tmp_path / "there" / ".omni"))
    import_bundle(file, there.home)
    return there


def test_an_imported_release_answers_as_the_exported_one(published: Line, file: Path, tmp_path: Path) -> None:
    there = imported(file, tmp_path)
    assert hits(there) == hits(published, 1)
    assert [release.release for release in list_releases(there.home)] == [1]
    before, after = require_release(published.home, 1), require_release(there.home)
    assert after.model_copy(update={"tables": before.tables, "files": before.files}) == before
    report = scrub(there.home, after)
    assert (report.damage, report.unchecked) == ((), ())


def test_an_imported_home_goes_on_from_the_same_sources(published: Line, file: Path, tmp_path: Path) -> None:
    there = imported(file, tmp_path)
    assert load_sources(there.home) == load_sources(published.home)
    done = there.run()
    assert (done.documents.added, done.documents.changed, done.documents.unchanged) == (
        1,
        1,
        1,
    )
    assert hits(there) == hits(published)
    assert done.published.release.release == 2


def test_sources_in_a_bundle_of_another_user_are_read_by_nobody(file: Path, tmp_path: Path) -> None:
    shutil.rmtree(user_folder())
    assert [source.read_by for source in load_sources(imported(file, tmp_path).home)] == [NOBODY]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_an_imported_home_has_the_mode_of_new_folders(file: Path, tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        home = imported(file, tmp_path).home
    finally:
        os.umask(before)
    assert home.root.stat().st_mode & 0o777 == 0o777 & ~mask


def test_the_history_does_not_travel(published: Line, file: Path) -> None:
    with tarfile.open(file) as tar:
        names = tar.getnames()
    assert sum(name.startswith("tables/chunks.lance/_versions/") and name.endswith("manifest") for name in names) == 1
    assert sum(name.startswith("tables/chunks.lance/data/") for name in names) == 1


def test_a_file_that_is_there_is_not_replaced(published: Line, file: Path) -> None:
    raw = file.read_bytes()
    with pytest.raises(ConfigurationError, match="exists"):
        export_release(published.home, 2, file)
    assert file.read_bytes() == raw


def test_a_damaged_release_is_not_exported(published: Line, tmp_path: Path) -> None:
    folder = published.home.keyword / require_release(published.home).keyword.generation
    path = max(folder.glob("*.idx"), key=lambda each: each.stat().st_size)
    raw = path.read_bytes()
    path.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
    with pytest.raises(TableBroken, match="the checksum of"):
        export_release(published.home, 2, tmp_path / "two.tar")
    assert [path.name for path in tmp_path.glob("*two*")] == []


@pytest.mark.parametrize("name", ["notes.txt", "tables/x", "sources.json"])
def test_a_home_that_is_used_is_left_alone(file: Path, tmp_path: Path, name: str) -> None:
    home = Home(write(tmp_path / "used", {name: "mine"}))
    with pytest.raises(HomeError, match="is not empty"):
        import_bundle(file, home)
    assert (home.root / name).read_text() == "mine"


def test_a_home_that_was_only_made_is_empty(file: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "made")
    home.create()
    assert import_bundle(file, home).release == 1


# --- what must not come in


def tampered(file: Path, edit: Edit) -> Path:
    """The bundle with its contents edited and packed again; the list of contents is written last of all."""
    with tarfile.open(file) as tar:
        members = {member.name: tar.extractfile(member) for member in tar}
        raw = {name: member.read() for name, member in members.items() if member is not None}
    contents = orjson.loads(raw.pop(CONTENTS))
    edit(raw, contents)
    path = file.with_name("tampered.tar")
    with tarfile.open(path, "w:") as tar:
        for name, data in {CONTENTS: orjson.dumps(contents), **raw}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def put(name: str, data: bytes, *, listed: bool) -> Edit:
    def edit(raw: dict[str, bytes], contents: dict[str, Any]) -> None:
        raw[name] = data
        if listed:
            contents["files"][name] = {"size": len(data), "sha256": "0" * 64}

    return edit


def flip(raw: dict[str, bytes], _contents: dict[str, Any]) -> None:
    name = next(name for name in raw if "/data/" in name)
    raw[name] = bytes([raw[name][0] ^ 1]) + raw[name][1:]


def drop(raw: dict[str, bytes], _contents: dict[str, Any]) -> None:
    raw.pop(next(name for name in raw if "/data/" in name))


def impossible_end(raw: dict[str, bytes], contents: dict[str, Any]) -> None:
    """Lance would ask for 32 GiB, and end the process."""
    name = next(name for name in raw if "/data/" in name)
    raw[name] = raw[name][:-13] + b"\x80" + raw[name][-12:]
    contents["files"][name]["sha256"] = hashlib.sha256(raw[name]).hexdigest()


def claim(_raw: dict[str, bytes], contents: dict[str, Any]) -> None:
    next(iter(contents["files"].values()))["size"] = 1 << 40


def below_zero(_raw: dict[str, bytes], contents: dict[str, Any]) -> None:
    next(iter(contents["files"].values()))["size"] = -1


def other_counts(_raw: dict[str, bytes], contents: dict[str, Any]) -> None:
    contents["release"]["counts"]["chunks"] += 1


def other_checksum(_raw: dict[str, bytes], contents: dict[str, Any]) -> None:
    path = next(iter(contents["release"]["files"]))
    contents["release"]["files"][path] = "0" * 64


def other_generation(_raw: dict[str, bytes], contents: dict[str, Any]) -> None:
    contents["release"]["keyword"]["generation"] = "gen-1/../../.."


def other_layout(_raw: dict[str, bytes], contents: dict[str, Any]) -> None:
    contents["bundle"] = 2


def other_field(_raw: dict[str, bytes], contents: dict[str, Any]) -> None:
    contents["release"]["surprise"] = 1


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (put("../evil", b"x", listed=True), "does not belong in a home"),
        (put("/etc/evil", b"x", listed=True), "does not belong in a home"),
        (put("tables/chunks.lance/../../../evil", b"x", listed=True), "does not belong in a home"),
        (put("tables/chunks.lance/data\\evil", b"x", listed=True), "does not belong in a home"),
        (put("sources.json", b"x", listed=True), "does not belong in a home"),
        (put("dagster/dagster.yaml", b"x", listed=True), "does not belong in a home"),
        (put("tables/chunks.lance/data/evil", b"x", listed=False), "which it does not list"),
        (put("../evil", b"x", listed=False), "which it does not list"),
        (put("tables/chunks.lance/data/evil", b"x", listed=True), "checksum of"),
        (put("tables/chunks.lance/_deletions/0-1-2.arrow", b"x", listed=True), "the bundle contains tables/chunks"),
        (impossible_end, "its end is damaged"),
        (flip, "checksum of"),
        (drop, "is missing from the bundle"),
        (claim, "but is smaller"),
        (below_zero, "greater than or equal to 0"),
        (other_counts, "does not match its record"),
        (other_checksum, "it does not match its checksum"),
        (other_generation, "release.keyword.generation"),
        (other_layout, "layout of the bundle is unknown"),
        (other_field, "surprise"),
    ],
)
def test_a_bundle_that_was_tampered_with_is_refused(file: Path, tmp_path: Path, edit: Edit, message: str) -> None:
    with pytest.raises(BundleRefused, match=message):
        import_bundle(tampered(file, edit), Home(tmp_path / "there" / ".omni"))
    assert list((tmp_path / "there").iterdir()) == []
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE]
)
def test_links_and_devices_are_refused(file: Path, tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(file) as tar:
        contents, first = tar.next(), tar.next()
        assert contents is not None
        assert first is not None
        listed = tar.extractfile(contents)
        assert listed is not None
        raw = listed.read()
    evil = tarfile.TarInfo(first.name)
    evil.type, evil.linkname, evil.size = kind, "/etc/passwd", first.size
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w:") as tar:
        tar.addfile(contents, io.BytesIO(raw))
        tar.addfile(evil)
    with path.open("ab") as padded:
        padded.write(b"\0" * file.stat().st_size)
    with pytest.raises(BundleRefused, match="which it does not list"):
        import_bundle(path, Home(tmp_path / "there" / ".omni"))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.8])
def test_a_bundle_that_was_cut_is_refused(file: Path, tmp_path: Path, share: float) -> None:
    os.truncate(file, int(file.stat().st_size * share))
    with pytest.raises(BundleRefused):
        import_bundle(file, Home(tmp_path / "there" / ".omni"))


@pytest.mark.parametrize("raw", [b"", b"PK\3\4 not a tar", b"\0" * 10_240, b"\x1f\x8b" + b"\0" * 600])
def test_another_file_is_no_bundle(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x").write_bytes(raw)
    with pytest.raises(BundleRefused):
        import_bundle(tmp_path / "x", Home(tmp_path / "there" / ".omni"))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        import_bundle(tmp_path / "nothing", Home(tmp_path / "there" / ".omni"))


def test_a_full_disk_leaves_no_home(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle_module, "_write", full)
    with pytest.raises((OSError, OmniError), match="No space left"):
        import_bundle(file, Home(tmp_path / "there" / ".omni"))
    assert list((tmp_path / "there").iterdir()) == []


def test_a_thousand_changed_lists_of_contents_are_refused_or_name_nothing_else(file: Path) -> None:
    print(f"seed {SEED}; repeat with OMNI_STRESS_SEED={SEED}")  # noqa: T201
    with tarfile.open(file) as tar:
        listed = tar.extractfile(CONTENTS)
        assert listed is not None
        contents = orjson.loads(listed.read())
    refused = 0
    for changed in mutations(contents, 1_000):
        try:
            bundle = strictly(orjson.dumps(changed), Bundle)
        except ValidationError:
            refused += 1
        else:
            assert all(os.path.normpath(f"/home/{path}") == f"/home/{path}" for path in bundle.files), changed
            assert all(name.isidentifier() for name in bundle.release.tables), changed
    assert refused > 500


def test_changed_headers_are_refused_and_leave_no_home(file: Path, tmp_path: Path) -> None:
    rng, raw = random.Random(SEED), file.read_bytes()
    with tarfile.open(file) as tar:
        headers = [member.offset for member in tar]
    for number in range(40):
        changed = bytearray(raw)
        start = rng.choice(headers)
        changed[start + rng.randrange(345)] = rng.randrange(256)
        header = changed[start : start + 512]
        header[148:156] = b" " * 8
        changed[start + 148 : start + 156] = b"%06o\0 " % sum(header)  # a wrong checksum alone would be refused
        (tmp_path / "changed.tar").write_bytes(changed)
        home = Home(tmp_path / "there" / str(number) / ".omni")
        with suppress(BundleRefused):
            import_bundle(tmp_path / "changed.tar", home)
            assert require_release(home).release == 1
            continue
        assert list(home.root.parent.iterdir()) == []
    assert not list(tmp_path.rglob("victim*"))


def test_a_header_of_many_megabytes_is_refused(file: Path, tmp_path: Path) -> None:
    """Tarfile would keep it in memory."""
    info = tarfile.TarInfo(CONTENTS)
    info.pax_headers = {"comment": "x" * (1 << 20)}
    with tarfile.open(tmp_path / "long.tar", "w:", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info)
    with pytest.raises(BundleRefused, match="longer than 256 KiB"):
        import_bundle(tmp_path / "long.tar", Home(tmp_path / "there" / ".omni"))
