"""Where the page of a home is served: `omni dev` writes its port down while it runs."""

import json

from omni_pipelines.home import Home

HOST = "127.0.0.1"


def announced_port(home: Home) -> int | None:
    """The port that an `omni dev` wrote down; None if none did. After a crash it may still be written there."""
    try:
        return int(json.loads(home.served_port.read_text())["port"])
    except (OSError, ValueError):
        return None


def page_address(home: Home, outside: str = "") -> str:
    """The address of the page, without a slash at its end; "" if none is known.

    Args:
        home: whose page.
        outside: the address under which a proxy serves the page, if there is one.
    """
    port = announced_port(home)
    return outside.rstrip("/") or (f"http://{HOST}:{port}" if port else "")
