"""Checks of what a knowledge base holds. They warn and stop nothing: a person decides what to do about it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import fmean

from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import newest_release
from omni_pipelines.knowledge.state.seen_sources import sources_seen
from omni_pipelines.schemas import CHUNKS, DOCUMENTS
from omni_pipelines.settings import Settings
from omni_pipelines.steps.checks import Verdict
from omni_pipelines.steps.quarantine import count_unread
from omni_pipelines.tables import open_table
from omni_pipelines.text.embedding import Embedder, readable_share
from omni_pipelines.text.near_duplicates import near_duplicates, shingles

MAX_COMPARED = 20_000
"""Chunks that are compared with each other, at most."""
MAX_READ = 500
"""Chunks whose readability is measured, at most."""
MAX_READ_LENGTH = 500
"""Characters of such a chunk: more may not fit into the embedder."""


def freshness(home: Home, settings: Settings) -> Verdict:
    """Check that every source was listed completely within `max_age_hours`."""
    now, release = datetime.now(UTC), newest_release(home)
    seen = sources_seen(home, release) if release is not None else {}
    if not seen:
        return Verdict("freshness", False, "there is no release with a source yet", is_error=False)
    oldest = min(seen, key=lambda name: seen[name])
    late = [name for name, moment in seen.items() if now - moment > timedelta(hours=settings.max_age_hours)]
    detail = f"source {oldest} was last seen {seen[oldest].astimezone():%F %R}"
    if late:
        detail = f"{len(late)} of {len(seen)} sources were not seen for {settings.max_age_hours:g} hours; {detail}"
    hours = round((now - seen[oldest]).total_seconds() / 3600, 2)
    return Verdict("freshness", not late, detail, {"oldest_hours": hours, "late": len(late)}, is_error=False)


def quarantine_share(home: Home, settings: Settings) -> Verdict:
    """Check that no more than `max_quarantine_share` of the files could not be read."""
    unread, read = count_unread(home), open_table(home, DOCUMENTS).count()
    share = unread / (unread + read) if unread else 0.0
    detail = f"{unread} of {unread + read} files could not be read, at most {settings.max_quarantine_share:.0%}"
    passed = share <= settings.max_quarantine_share
    detail += "" if passed else "; see: omni quarantine list"
    numbers: dict[str, int | float] = {"unread": unread, "share": round(share, 4)}
    return Verdict("quarantine_share", passed, detail, numbers, is_error=False)


def duplicate_share(home: Home, settings: Settings, max_compared: int = MAX_COMPARED) -> Verdict:
    """Check that no more than `max_duplicate_share` of the chunks repeat another one.

    If there are more than `max_compared`, the chunks with certain lowest hashes are compared: nearly equal texts
    share theirs, so a sample has about the same share of duplicates as all chunks.
    """
    one_in = -(-open_table(home, CHUNKS).count() // max_compared) or 1
    texts = [text for text in _texts(home) if one_in == 1 or min(shingles(text), default=0) % one_in == 0]
    repeated = sum(len(group.members) - 1 for group in near_duplicates(texts))
    share = repeated / len(texts) if texts else 0.0
    passed = share <= settings.max_duplicate_share
    detail = (
        f"{repeated} of {len(texts)} compared chunks repeat another one, at most {settings.max_duplicate_share:.0%}"
    )
    detail += "" if passed else "; see: omni duplicates"
    numbers: dict[str, int | float] = {"compared": len(texts), "share": round(share, 4)}
    return Verdict("duplicate_share", passed, detail, numbers, is_error=False)


def readability(home: Home, settings: Settings, embedder: Embedder, max_read: int = MAX_READ) -> Verdict:
    """Check that the vocabulary of the embedder covers at least `min_readable_share` of the text.

    Its vectors of other text mean little. The chunks are a sample: the first ones in the order of their ids, which
    are hashes.
    """
    ids = sorted(open_table(home, CHUNKS).read(["chunk_id"])["chunk_id"].to_pylist())[:max_read]
    last = ids[-1] if ids else ""
    shares = [readable_share(embedder, text[:MAX_READ_LENGTH]) for text in _texts(home, last)]
    share = fmean(shares) if shares else 1.0
    passed = share >= settings.min_readable_share
    detail = f"{settings.embedder} can read {share:.1%} of the text of {len(shares)} chunks"
    detail += "" if passed else "; one that reads more languages: omni model list"
    numbers: dict[str, int | float] = {"chunks": len(shares), "share": round(share, 4)}
    return Verdict("readability", passed, detail, numbers, is_error=False)


def _texts(home: Home, last: str | None = None) -> Iterator[str]:
    """The texts of chunks; with `last`, of those whose ids are not after it."""
    for batch in open_table(home, CHUNKS).batches(["chunk_id", "text"]):
        for key, text in zip(batch["chunk_id"].to_pylist(), batch["text"].to_pylist(), strict=True):
            if last is None or key <= last:
                yield text
