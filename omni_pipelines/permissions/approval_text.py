"""What a person reads before they approve a call, the same at every place that asks."""

import json
import unicodedata

from omni_pipelines.permissions.approvals import ApprovalRequest


def described(request: ApprovalRequest) -> list[str]:
    """Lines that say why it is asked, every argument in full, and a preview. Nothing in them is invisible."""
    return [
        f"{request.tool} needs your approval ({request.effect}, {request.capability}): {request.reason}",
        *shown_arguments(json.dumps(request.arguments, indent=2, ensure_ascii=False)),
        *shown_arguments(request.preview),
    ]


def shown_arguments(text: str) -> list[str]:
    """The lines of a text, its invisible characters as escapes: a person must see all that they approve."""
    return [f"  {''.join(map(_visible, line))}" for line in text.splitlines()]


def _visible(letter: str) -> str:
    is_hidden = unicodedata.category(letter) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp") and letter != "\t"
    return letter.encode("unicode_escape").decode() if is_hidden else letter
