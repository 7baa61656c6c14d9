"""Addresses of web pages: normalised, compared with the hosts a source may use, and turned into document paths."""

import ipaddress
import re
from urllib.parse import quote, urljoin, urlsplit

from omni_pipelines.errors import ConfigurationError

MAX_LENGTH = 2_000
PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
_UNQUOTED = "/%:@!$&'()*+,;=-._~?"
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9])?\.?")


class BadAddress(ValueError):
    """An address that no page can have. The message does not repeat it: it may contain a password."""


def is_web(location: str) -> bool:
    """Whether a location is the address of a page or sitemap."""
    return location.lower().startswith(("http://", "https://"))


def web_address(text: str, base: str = "") -> str:
    """Normalise an http or https address: no fragment, no `..`, host in lower-case ASCII.

    Args:
        text: an address; with `base`, it may be relative.
        base: address of the page or sitemap that contains `text`.

    Raises:
        BadAddress: another scheme, a user name or password, no host, an invalid port, or over 2,000 characters.
    """
    try:
        whole = urljoin(base, text.strip()) if base else text.strip()
    except ValueError as error:
        raise BadAddress("its host is not valid") from error
    if _FORBIDDEN.search(whole) or len(whole) > MAX_LENGTH:
        raise BadAddress("it has control characters, or is too long")
    try:
        parts = urlsplit(whole)
        port = parts.port
    except ValueError as error:
        raise BadAddress("its host or port is not valid") from error
    if parts.scheme not in PORTS:
        raise BadAddress("it is neither http nor https")
    if "@" in parts.netloc:
        raise BadAddress("it contains a user name or password")
    host = _host(parts.hostname or "")
    netloc = host if port in (None, PORTS[parts.scheme]) else f"{host}:{port}"
    path = _without_dots(parts.path)
    query = f"?{quote(parts.query, safe=_UNQUOTED)}" if parts.query else ""
    return f"{parts.scheme}://{netloc}{quote(path, safe=_UNQUOTED)}{query}"


def authority(address: str) -> str:
    """Host of an address, with the port unless it is the default port of the scheme."""
    return urlsplit(address).netloc


def allowed_host(text: str) -> str:
    """Normalise `host` or `host:port`, as `authority` returns it.

    Raises:
        ValueError: it is not a host.
    """
    try:
        if "/" in text or not text.strip():
            raise BadAddress("it is not a host")
        return authority(web_address(f"https://{text}"))
    except BadAddress as error:
        raise ValueError(f"{text!r} is not a host: write example.org, or example.org:8080") from error


def page_path(address: str, source_url: str) -> str:
    """The document path of a page: `docs/page?x=1` on the host of the source, else `//host/docs/page`.

    The home page of a host has an empty path, so its document path includes the host as well.
    """
    parts = urlsplit(address)
    rest = address[len(f"{parts.scheme}://{parts.netloc}/") :]
    if parts.netloc == authority(source_url) and rest and not rest.startswith(("/", "?")):
        return rest
    return address[len(parts.scheme) + 1 :]


def page_address(path: str, source_url: str) -> str:
    """The address of the page with this document path."""
    parts = urlsplit(source_url)
    return f"{parts.scheme}:{path}" if path.startswith("//") else f"{parts.scheme}://{parts.netloc}/{path}"


def source_address(text: str) -> str:
    """Normalise the address that a person gives for a source.

    Raises:
        ConfigurationError: it is not valid.
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
            raise BadAddress("its host is not a valid IPv6 address") from error
    try:
        name = host.encode("ascii" if host.isascii() else "idna").decode("ascii").lower()
    except UnicodeError as error:
        raise BadAddress("its host is not a valid name") from error
    if not _HOST.fullmatch(name):
        raise BadAddress("its host is not a valid name")
    return name.rstrip(".")
