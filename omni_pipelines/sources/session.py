"""The sources of a home as one command or run sees them."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import NamedTuple

from native.filters import equals
from native.lance_tables import TableVersion
from omni_pipelines.errors import SourceMissing
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.table_files import require_readable_heads
from omni_pipelines.rows import FileRow
from omni_pipelines.schemas import DOCUMENTS, QUARANTINE
from omni_pipelines.sources.kinds import list_source, open_source
from omni_pipelines.sources.model.limits import DEFAULT_LIMITS, SourceLimits
from omni_pipelines.sources.model.listing import Listing, ReadFile
from omni_pipelines.sources.model.source import Source, SourceKind
from omni_pipelines.sources.web.network import SYSTEM_NETWORK, Network
from omni_pipelines.tables import open_table, read_rows


class Listings(NamedTuple):
    """What the sources contain, as far as they can be listed."""

    listed: Sequence[Listing] = ()
    missing: Mapping[str, SourceMissing] = MappingProxyType({})
    """The sources that cannot be listed, by name, and why: their documents are kept."""


class SourceSession:
    """Lists and opens sources for one command or run, and lists a website only once.

    `omni ingest` needs each listing twice: to see whether there is anything to do, and to do it. It hands over the
    first ones with `keep`. Listing a website costs a request per page, so the session always keeps that listing. Do
    not use one session for two runs: the second would not see what changed between them.

    Args:
        limits: what may be read at most.
        network: how the web client reaches servers.
    """

    def __init__(self, limits: SourceLimits = DEFAULT_LIMITS, network: Network = SYSTEM_NETWORK) -> None:
        self._limits, self._network = limits, network
        self._websites: dict[Source, Listing] = {}
        self._kept: dict[Source, Listing] = {}
        self._documents: TableVersion | None = None

    def keep(self, home: Home, listings: Iterable[Listing]) -> None:
        """Return these listings once, from the next `list` of their sources, unless another run ends before that.

        A run that ends later has read what these listings may lack, and would be undone by them.
        """
        self._kept = {listing.source: listing for listing in listings}
        self._documents = open_table(home, DOCUMENTS).head()

    def list(self, home: Home, source: Source) -> Listing:
        """List a source, telling a website the version marks of the pages that `home` has stored.

        Raises:
            SourceMissing: it cannot be listed.
        """
        kept = self._kept.pop(source, None)
        if kept is not None and open_table(home, DOCUMENTS).head() == self._documents:
            return kept
        if source.kind is not SourceKind.WEB:
            return list_source(source, limits=self._limits)
        if source not in self._websites:
            marks = _stored_marks(home, source)
            self._websites[source] = list_source(source, marks, self._limits, self._network)
        return self._websites[source]

    def list_each(self, home: Home, sources: Iterable[Source]) -> Listings:
        """List sources; one that cannot be listed is no reason to leave out the others."""
        listed, missing = [], {}
        for source in sources:
            try:
                listed.append(self.list(home, source))
            except SourceMissing as error:
                missing[source.name] = error
        return Listings(listed, missing)

    def open(self, source: Source) -> AbstractContextManager[ReadFile]:
        """Open a source: the context manager gives the function that reads its files."""
        return open_source(source, self._limits, self._network)


def _stored_marks(home: Home, source: Source) -> dict[str, str]:
    """Path to version mark of every stored file of a source, as a document or in quarantine."""
    require_readable_heads(home)
    where = equals("source", source.name)
    return {
        row["path"]: row["stat"]
        for table in (QUARANTINE, DOCUMENTS)
        for row in read_rows(home, table, FileRow, ["path", "stat"], where)
    }
