"""A bit of a table flips on the disk, in every column in turn: the scrub finds it, whether or not a value changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import lance
import pyarrow as pa
import pytest
from lance.file import LanceFileReader

from native.lance_tables import TableVersion
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.operations.scrub import check_files, scrub
from omni_pipelines.records import Release
from tests.integration.line import Line, write
from tests.stress.harness.extent import EXTENT, while_time_lasts
from tests.stress.harness.figures import Figures

WORDS = "otter kelp harbour tide anchor gull lamp rope stone wave".split()
FILES: dict[str, str | bytes] = {
    f"{number}/{word}.{suffix}": f"# The {word} of {number}\n\n" + f"A {word} is {number} years old.\n\n" * number
    for number, word in enumerate(WORDS, 3)
    for suffix in ("md", "txt")
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose tables have deletions: some of the documents were changed."""
    folder = tmp_path_factory.mktemp("flips")
    line = Line(Home(folder / HOME_NAME))
    line.add(write(folder / "docs", FILES))
    line.run()
    write(folder / "docs", {name: f"{text!s} Changed." for name, text in list(FILES.items())[::4]})
    line.run()
    return line.home


def places(file: Path) -> Iterator[tuple[str, range]]:
    """The bytes of each column; those of its metadata if its values are there."""
    metadata = LanceFileReader(str(file)).metadata()
    described = range(metadata.num_data_bytes, metadata.num_data_bytes + metadata.num_column_metadata_bytes)
    for name, column in zip(metadata.schema.names, metadata.columns, strict=True):
        buffers = [buffer for page in column.pages for buffer in page.buffers if buffer.size]
        for buffer in buffers:
            yield name, range(buffer.position, buffer.position + buffer.size)
        if not buffers:
            yield name, described


def values(home: Home, release: Release, name: str, column: str) -> pa.ChunkedArray | None:
    """A column as a reader sees it; None if it cannot be read."""
    version = TableVersion.parse(release.tables[name]).version
    try:
        return (
            lance.dataset(str(home.table(name)), version=version).to_table(columns=[column])[column].combine_chunks()
        )
    except BaseException:  # noqa: BLE001  # Lance raises many classes; a panic of Rust is no Exception
        return None


def test_a_flipped_bit_in_any_column_is_found(home: Home, seed: int, figures: Figures) -> None:
    random, release = Random(seed), require_release(home)
    found: Counter[str] = Counter()
    columns: set[tuple[str, str]] = set()
    for path in [path for path in release.files if path.endswith(".lance")]:
        name, file = Path(path).parts[1].removesuffix(".lance"), home.root / path
        raw = file.read_bytes()
        for column, place in while_time_lasts(list(places(file))):
            before = values(home, release, name, column)
            columns.add((name, column))
            for _ in range(EXTENT.flips):
                at = random.choice(place)
                file.write_bytes(raw[:at] + bytes([raw[at] ^ (1 << random.randrange(8))]) + raw[at + 1 :])
                after = values(home, release, name, column)
                result = "unreadable" if after is None else "harmless" if after.equals(before) else "changed"
                found[result] += 1
                found["silent"] += not list(check_files(home, release))
            file.write_bytes(raw)
    assert found["silent"] == 0
    assert len(columns) == sum(len(lance.dataset(str(home.table(name))).schema.names) for name in release.tables)
    assert scrub(home, release).damage == ()
    figures.add(
        "a bit flips in a table",
        "every column of every table in turn; the scrub compares files with their checksums",
        columns=len(columns),
        flips=found["changed"] + found["harmless"] + found["unreadable"],
        values_changed=found["changed"],
        tables_unreadable=found["unreadable"],
        silently_wrong=found["silent"],
    )


def test_a_flipped_bit_in_any_other_file_of_a_table_is_found(home: Home, seed: int) -> None:
    """Manifests, deletions and indexes."""
    random, release = Random(seed), require_release(home)
    others = [path for path in release.files if not path.endswith(".lance")]
    assert {Path(path).parts[2] for path in others} >= {"_versions", "_deletions"}
    for path in others:
        file = home.root / path
        raw = file.read_bytes()
        for _ in range(EXTENT.flips):
            at = random.randrange(len(raw))
            file.write_bytes(raw[:at] + bytes([raw[at] ^ (1 << random.randrange(8))]) + raw[at + 1 :])
            assert [damage.key for damage in check_files(home, release)] == ["/".join(Path(path).parts[2:])]
        file.write_bytes(raw)
