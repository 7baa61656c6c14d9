"""How many secrets are found, how many are found by mistake, and how fast: `python -m benchmarks.secrets`.

Invented secrets are planted in short texts (`tests/samples/secrets.py`). Ordinary text is the standard library and
the installed packages; they are published, so a secret found in them is a mistake. The result is written to
docs/explanation/masking.md.
"""

from __future__ import annotations

import re
import sys
import sysconfig
import time
from collections import Counter
from pathlib import Path

from omni_pipelines.text.secrets.masking import Masking, find_sensitive, masked_text
from omni_pipelines.text.secrets.personal import PERSONAL
from tests.samples.secrets import glued, planted, wrapped

SEED, EACH = 1, 100
MAX_BYTES = 2_000_000
KINDS = {
    "source code": (".py", ".pyi", ".js", ".ts"),
    "documents": (".md", ".rst", ".txt", ".json", ".html", ".toml"),
}
PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "masking.md"


def main() -> int:
    """Measure, and replace the tables between the marks on the page."""
    table = "\n".join([*_recall(), "", *_ordinary(), "", *_crafted()])
    before, _, rest = PAGE.read_text().partition("<!-- measured: begin -->\n")
    after = rest.partition("<!-- measured: end -->")[2]
    PAGE.write_text(f"{before}<!-- measured: begin -->\n{table}\n<!-- measured: end -->{after}")
    print(table)
    return 0


def _recall() -> list[str]:
    of: Counter[str] = Counter()
    hidden: Counter[str] = Counter()
    for sample in planted(SEED, EACH):
        of[sample.kind] += 1
        hidden[sample.kind] += sample.secret[:6] not in masked_text(sample.text, Masking(True, frozenset(PERSONAL)))
    marked = [kind for kind in of if not kind.startswith("assigned")]
    rows = ["| secret | planted | masked |", "|---|---|---|"]
    share = sum(hidden[kind] for kind in marked), sum(of[kind] for kind in marked)
    rows.append(
        f"| {len(marked)} kinds with a recognisable form, or in a URL | {share[1]:,} | {share[0] / share[1]:.1%} |"
    )
    rows += [f"| {kind} | {of[kind]} | {hidden[kind] / of[kind]:.1%} |" for kind in of if kind not in marked]
    for name, plant in (("a token as a part of a name", glued), ("a secret broken over two lines", wrapped)):
        samples = list(plant(SEED, EACH // 10))
        masked = sum(sample.secret not in masked_text(sample.text, Masking()) for sample in samples)
        rows.append(f"| {name} | {len(samples):,} | {masked / len(samples):.1%} |")
    return rows


def _ordinary() -> list[str]:
    rows = [
        "| ordinary text | files | MB | MB/s of one core | taken for secrets | cards, accounts | e-mail | phone |"
    ]
    rows.append("|---|---|---|---|---|---|---|---|")
    for name, suffixes in KINDS.items():
        texts = [path.read_bytes().decode("utf-8", "replace") for path in _files(suffixes)]
        began = time.process_time()
        found = Counter(finding.kind for text in texts for finding in find_sensitive(text))
        seconds = time.process_time() - began
        size = sum(len(text.encode()) for text in texts) / 1e6
        secrets = sum(count for kind, count in found.items() if kind not in PERSONAL)
        counts = f"{secrets} | {found['card'] + found['iban']} | {found['email']:,} | {found['phone']}"
        rows.append(f"| {name} | {len(texts):,} | {size:.0f} | {size / seconds:.0f} | {counts} |")
    return rows


def _crafted() -> list[str]:
    """Measure names that follow each other without a gap, which takes longest."""
    rows = ["| text made to be slow | CPU seconds per MB, of 1 MB | of 8 MB |", "|---|---|---|"]
    for crafted in ("--pwd=1A", "--password=aaaa", "pwd=", "pwd=Aq9xzz7K "):
        rows.append(f"| `{crafted}` repeated | {_seconds(crafted, 1):.2f} | {_seconds(crafted, 8):.2f} |")
    return rows


def _seconds(crafted: str, megabytes: int) -> float:
    text = crafted * (megabytes * 1_000_000 // len(crafted))
    began = time.process_time()
    find_sensitive(text)
    return (time.process_time() - began) / megabytes


def _files(suffixes: tuple[str, ...]) -> list[Path]:
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")}
    paths = {
        path for folder in folders for path in Path(folder).rglob("*") if path.suffix in suffixes and path.is_file()
    }
    return sorted(path for path in paths if path.stat().st_size < MAX_BYTES and not re.search(r"/tests?/", str(path)))


if __name__ == "__main__":
    sys.exit(main())
