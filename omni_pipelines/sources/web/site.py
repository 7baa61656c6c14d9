"""A website as a source: its pages fetched politely, one at a time, as robots.txt permits."""

from collections.abc import Mapping

from omni_pipelines.errors import SourceMissing
from omni_pipelines.sources.model.limits import WebLimits
from omni_pipelines.sources.model.source import Source
from omni_pipelines.sources.model.web_addresses import authority
from omni_pipelines.sources.web.client import HeaderTest, WebClient, WebResponse
from omni_pipelines.sources.web.failures import Blocked
from omni_pipelines.sources.web.network import Network
from omni_pipelines.sources.web.robots import Robots


class Site:
    """Fetches pages of one source, and keeps connections open until it is closed."""

    def __init__(self, source: Source, limits: WebLimits, network: Network) -> None:
        self.source, self.limits = source, limits
        self._network = network
        hosts = frozenset({authority(source.url), *source.allow})
        self._client = WebClient(hosts, allow_private=source.allow_private, limits=limits, network=network)
        self._robots = Robots(self._client, limits)
        self._last_request = float("-inf")

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def get(
        self,
        address: str,
        limit: int,
        headers: Mapping[str, str] | None = None,
        *,
        is_wanted: HeaderTest = lambda _: True,
    ) -> WebResponse:
        """Fetch a page after the pause that robots.txt asks for; the arguments are those of `WebClient.get`.

        Raises:
            Blocked, Unavailable, TooLarge: there is no response.
        """
        return self._client.get(address, limit, headers, is_wanted=is_wanted, permit=self._permit)

    def permits(self, address: str) -> bool:
        """Whether robots.txt permits fetching a page.

        Raises:
            WebFailure: the robots.txt cannot be fetched.
        """
        return self._robots.permits(address)

    def missing(self, reason: str, cure: str = "") -> SourceMissing:
        """The error if the pages cannot be listed."""
        what = f"source {self.source.name}: {self.source.location}: {reason}"
        return SourceMissing(what, cure=cure or "check the address, or try again later; nothing is deleted")

    def _permit(self, address: str) -> None:
        if not self.permits(address):
            raise Blocked(f"the robots.txt of {authority(address)} forbids it")
        pause = self._last_request + self._robots.pause(address) - self._network.clock()
        if pause > 0:
            self._network.sleep(pause)
        self._last_request = self._network.clock()
