"""What the items of a list of settings, the manifests of Kubernetes and the blocks of HCL are called."""

import re
from collections.abc import Iterable

NAMING_KEYS = {"name", "id", "key", "title", "alert", "job", "job_name", "record", "host", "service", "operationId"}
"""Keys whose value says which of the items of a list an item is."""
_MAX_LENGTH = 60
_ITEM = re.compile(rf"-?[ \t]*(?:{'|'.join(sorted(NAMING_KEYS))}):[ \t]+(?P<value>\S[^\n]*)")
_KIND = re.compile(r"^kind:[ \t]+([\w.-]+)", re.MULTILINE)
_NAME = re.compile(r"^metadata:[^\n]*\n(?:[ \t]+[^\n]*\n){0,30}?[ \t]+name:[ \t]+([^\s#]+)", re.MULTILINE)


def value_name(value: str) -> str:
    """The value of a naming key as a name."""
    return re.sub(r"[ \t]+#.*", "", value).strip("\"', \t")[:_MAX_LENGTH]


def item_name(item: str) -> str:
    """The name of an item of a list in YAML that begins with it; "" if it does not."""
    found = _ITEM.match(item)
    return value_name(found["value"]) if found is not None else ""


def manifest_name(document: str) -> str:
    """The kind and the name of a manifest, such as `Deployment orders`; "" for other documents of YAML."""
    kind, name = _KIND.search(document), _NAME.search(document)
    return f"{kind[1]} {value_name(name[1])}" if kind is not None and name is not None else ""


def block_name(kind: str, labels: Iterable[str]) -> str:
    """The name of a block of HCL: `resource bucket.lake` of `resource "bucket" "lake" {`."""
    return " ".join(filter(None, [kind, ".".join(label.strip('"') for label in labels)]))
