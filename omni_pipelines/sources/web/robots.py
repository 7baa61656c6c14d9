"""What the robots.txt of each host permits a program to fetch, and how fast."""

from typing import Protocol
from urllib.parse import urlsplit

from protego import Protego

from omni_pipelines.sources.model.limits import WebLimits
from omni_pipelines.sources.web.client import AGENT, WebClient
from omni_pipelines.sources.web.failures import Unavailable, WebFailure


class _Rules(Protocol):
    """The part of Protego that is used."""

    def can_fetch(self, url: str, user_agent: str) -> bool: ...
    def crawl_delay(self, user_agent: str) -> float | None: ...


class Robots:
    """The rules of hosts; each robots.txt is fetched once."""

    def __init__(self, client: WebClient, limits: WebLimits) -> None:
        self._client, self._limits = client, limits
        self._rules: dict[str, _Rules | WebFailure | None] = {}
        """Host to its rules, None if it has no robots.txt, or why that could not be fetched."""

    def permits(self, address: str) -> bool:
        """Whether a page may be fetched; always, if the host has no robots.txt.

        Raises:
            WebFailure: the robots.txt cannot be fetched, so no page of the host may be fetched now.
        """
        rules = self._of(address)
        return rules is None or rules.can_fetch(address, AGENT)

    def pause(self, address: str) -> float:
        """Seconds between the starts of two requests to the host.

        Raises:
            WebFailure: the robots.txt cannot be fetched.
        """
        rules = self._of(address)
        delay = rules.crawl_delay(AGENT) if rules is not None else None
        return min(float(delay or 0.0), self._limits.max_pause_seconds)

    def _of(self, address: str) -> _Rules | None:
        parts = urlsplit(address)
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in self._rules:
            try:
                self._rules[host] = self._fetch(f"{host}/robots.txt")
            except WebFailure as error:
                is_temporary = isinstance(error, Unavailable)
                self._rules[host] = Unavailable(f"{host}/robots.txt: {error}") if is_temporary else error
        rules = self._rules[host]
        if isinstance(rules, WebFailure):
            raise rules
        return rules

    def _fetch(self, address: str) -> _Rules | None:
        response = self._client.get(address, self._limits.robots_bytes)
        if response.status == 200:
            rules: _Rules = Protego.parse(response.body.decode("utf-8", "replace"))
            return rules
        if 400 <= response.status < 500:
            return None
        raise Unavailable(f"the server answers {response.status}")
