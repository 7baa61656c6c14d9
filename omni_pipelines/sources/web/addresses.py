"""Addresses on the web: written in one way, held against the hosts a source may ask, and as paths of documents."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote, urljoin, urlsplit

from omni_pipelines.errors import ConfigurationError

MAX_LENGTH = 2_000
PORTS = {"http": 80, "https": 443}
_SPOILED = re.compile(r"[\x00-\x1f\x7f\\]")
_KEPT = "/%:@!$&'()*+,;=-._~?"
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9])?\.?")


class BadAddress(ValueError):
    """Not an address that a page can have. The message does not repeat it: it may hold a password."""


def web_address(text: str, base: str = "") -> str:
    """An http or https address as it is asked for and compared: no fragment, no `..`, host in small ASCII letters.

    Args:
        text: an address, or with `base` one that is relative to it.
        base: where `text` was found.

    Raises:
        BadAddress: another scheme, a user or password, no host, a strange port, or over 2,000 characters.
    """
    try:
        whole = urljoin(base, text.strip()) if base else text.strip()
    except ValueError as error:
        raise BadAddress("its host is none") from error
    if _SPOILED.search(whole) or len(whole) > MAX_LENGTH:
        raise BadAddress("it has control characters, or is too long")
    try:
        parts = urlsplit(whole)
        port = parts.port
    except ValueError as error:
        raise BadAddress("its host or port is none") from error
    if parts.scheme not in PORTS:
        raise BadAddress("it is neither http nor https")
    if "@" in parts.netloc:
        raise BadAddress("it holds a user or a password")
    host = _host(parts.hostname or "")
    shown = host if port in (None, PORTS[parts.scheme]) else f"{host}:{port}"
    path = _without_dots(parts.path)
    query = f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    return f"{parts.scheme}://{shown}{quote(path, safe=_KEPT)}{query}"


def authority(address: str) -> str:
    """Host of an address, with the port where it is not that of the scheme."""
    return urlsplit(address).netloc


def allowed_host(text: str) -> str:
    """A host, or `host:port`, as `authority` gives it.

    Raises:
        ValueError: it is none.
    """
    try:
        if "/" in text or not text.strip():
            raise BadAddress("it is no host")
        return authority(web_address(f"https://{text}"))
    except BadAddress as error:
        raise ValueError(f"{text!r} is no host: write example.org, or example.org:8080") from error


def page_path(address: str, source_url: str) -> str:
    """The path of a page's document: `docs/page?x=1` on the source's own host, else `//host/docs/page`.

    The page at the top of a host has no path there, and gets its host before it, too.
    """
    parts = urlsplit(address)
    rest = address[len(f"{parts.scheme}://{parts.netloc}/") :]
    if parts.netloc == authority(source_url) and rest and not rest.startswith(("/", "?")):
        return rest
    return address[len(parts.scheme) + 1 :]


def page_address(path: str, source_url: str) -> str:
    """The address of the page with such a path."""
    parts = urlsplit(source_url)
    return f"{parts.scheme}:{path}" if path.startswith("//") else f"{parts.scheme}://{parts.netloc}/{path}"


def location_of(text: str) -> str:
    """The address a person gives for a source.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        return web_address(text)
    except BadAddress as error:
        raise ConfigurationError(
            f"the address cannot be used: {error}", cure="write it as https://host/page or https://host/sitemap.xml"
        ) from error


def _without_dots(path: str) -> str:
    kept: list[str] = []
    parts = path.split("/")[1:] or [""]
    for number, part in enumerate(parts):
        if part not in (".", ".."):
            kept.append(part)
            continue
        if part == ".." and kept:
            kept.pop()
        if number == len(parts) - 1:
            kept.append("")
    return "/" + "/".join(kept)


def _host(host: str) -> str:
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError as error:
            raise BadAddress("its host is no address") from error
    try:
        plain = host.encode("ascii" if host.isascii() else "idna").decode("ascii").lower()
    except UnicodeError as error:
        raise BadAddress("its host is no name") from error
    if not _HOST.fullmatch(plain):
        raise BadAddress("its host is no name")
    return plain.rstrip(".")
