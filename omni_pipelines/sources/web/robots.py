"""What the robots.txt of each host lets a program ask for, and how fast."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from protego import Protego

from omni_pipelines.sources.web.client import AGENT, Unavailable, WebClient, WebFailure

MAX_BYTES = 512 << 10
MAX_PAUSE = 10.0
"""Seconds between two requests that a site may ask for; one that asks for more gets these."""


class Robots:
    """The rules of the hosts that were asked so far: each robots.txt is fetched once."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._rules: dict[str, Any] = {}
        """Of a host: its rules, None for a host without any, or why they cannot be read."""

    def allows(self, address: str) -> bool:
        """Whether a page may be asked for. Without a robots.txt, every page may.

        Raises:
            WebFailure: it does not answer, which says "no" for the moment.
        """
        rules = self._of(address)
        return rules is None or bool(rules.can_fetch(address, AGENT))

    def pause(self, address: str) -> float:
        """Seconds from one request to the next."""
        rules = self._of(address)
        return min(float(rules.crawl_delay(AGENT) or 0.0), MAX_PAUSE) if rules is not None else 0.0

    def _of(self, address: str) -> Any:
        parts = urlsplit(address)
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in self._rules:
            try:
                self._rules[host] = self._fetch(f"{host}/robots.txt")
            except Unavailable as error:
                self._rules[host] = Unavailable(f"{host}/robots.txt: {error}")
            except WebFailure as error:
                self._rules[host] = error
        if isinstance(self._rules[host], WebFailure):
            raise self._rules[host]
        return self._rules[host]

    def _fetch(self, address: str) -> Any:
        answer = self._client.get(address, MAX_BYTES)
        if answer.status == 200:
            return Protego.parse(answer.body.decode("utf-8", "replace"))
        if 400 <= answer.status < 500:
            return None
        raise Unavailable(f"the server answers {answer.status}")
