"""Verify a receipt: check every field against the home and the release it names, without a model or a network.

Two things are proven separately. The seal proves that this home gave this answer to this question. The release proves
that the quotes stand in its sources. What cannot be read, such as a release that is gone or a key of another home,
proves nothing and refutes nothing: the receipt is then unchecked, not wrong.
"""

from collections.abc import Mapping
from enum import StrEnum
from hmac import compare_digest

import orjson
from pydantic import BaseModel, ValidationError

from native.errors import EngineError
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.answers.quote_checks import Checks, Failure, check_sentences
from omni_pipelines.knowledge.answers.receipts import HOME_SEAL, SEAL, canonical_json, home_seal, seal
from omni_pipelines.knowledge.answers.units import SPLITTER
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.knowledge.state.home_key import key_id, read_key
from omni_pipelines.knowledge.state.releases import read_with_checksum, release_file
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.receipt_records import Receipt


class ReceiptOutcome(StrEnum):
    """What a verification found."""

    VERIFIED = "verified"
    """Every check was made and holds."""
    WRONG = "wrong"
    """A check does not hold."""
    UNCHECKED = "unchecked"
    """No check failed, but one could not be made."""


class Verification(BaseModel, frozen=True):
    """The result of checking a receipt."""

    outcome: ReceiptOutcome
    verified: bool
    release: int | None
    """None if the receipt does not name one."""
    checks: int
    failures: tuple[Failure, ...]
    proven: tuple[str, ...]
    """What the checks prove."""
    unproven: tuple[str, ...]
    """What could not be checked, and what no receipt can prove, each with the reason."""
    notes: tuple[str, ...]
    """Facts that do not fail a receipt: files that have changed since."""


_HOME = "this home gave this answer to this question"
_NO_ANSWER = "this home found no answer to this question"


def verify_receipt(home: Home, raw: bytes, viewer: Viewer | None = None) -> Verification:
    """Check the receipt in the bytes of a file, and name everything that is wrong, proven and unproven.

    For a viewer, quotes from sources that this viewer may not see cannot be checked.

    Raises:
        ConfigurationError: the bytes hold no receipt.
        HomeError: there is no home.
    """
    home.check()
    fields = _fields(raw)
    checks = Checks()
    checks.check("file", canonical_json(fields) == raw, "is not in the form of a receipt: a byte of it was changed")
    checks.check(SEAL, fields.get(SEAL) == seal(fields), "is not the checksum of these fields: one was changed")
    receipt = _receipt(fields, checks)
    proven: list[str] = []
    if receipt is not None:
        answer = "\n".join(sentence.text for sentence in receipt.sentences)
        checks.check("answer", receipt.answer == answer, "is not the sequence of its sentences")
        is_sealed = _check_seal(home, receipt, fields, checks)
        is_foreign = is_sealed is None and bool(receipt.home_seal)
        are_quotes_sound = _check_quotes(home, receipt, viewer, checks, is_foreign=is_foreign)
        if is_sealed:
            proven.append(_HOME if receipt.sentences else _NO_ANSWER)
        if are_quotes_sound and receipt.sentences:
            whole = ", each a whole unit of its passage" if receipt.splitter == SPLITTER else ""
            proven.append(
                f"the quotes stand in the sources of release {receipt.release}, at exactly their bytes{whole}"
            )
    return Verification(
        outcome=ReceiptOutcome.WRONG
        if checks.failures
        else ReceiptOutcome.UNCHECKED
        if checks.unchecked
        else ReceiptOutcome.VERIFIED,
        verified=checks.holds,
        release=receipt.release if receipt is not None else None,
        checks=checks.count,
        failures=tuple(checks.failures),
        proven=tuple(proven),
        unproven=(*checks.unchecked, *(_limits(receipt) if receipt is not None else ())),
        notes=tuple(dict.fromkeys(checks.notes)),
    )


def _fields(raw: bytes) -> dict[str, object]:
    try:
        fields = orjson.loads(raw)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not {"sentences", "release"} & fields.keys():
        raise ConfigurationError("the file holds no receipt", cure="write one with: omni ask QUESTION --receipt FILE")
    return fields


def _receipt(fields: Mapping[str, object], checks: Checks) -> Receipt | None:
    checks.count += 1
    try:
        return Receipt.model_validate_json(orjson.dumps(fields), strict=True)
    except ValidationError as error:
        for each in error.errors():
            name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in each["loc"])
            checks.failures.append(Failure(field=name.removeprefix("."), reason=each["msg"]))
        return None


def _check_seal(home: Home, receipt: Receipt, fields: Mapping[str, object], checks: Checks) -> bool | None:
    """Whether the home sealed these fields; None if its key is missing, or not the key of the receipt."""
    if not receipt.home_seal:
        reason = "the receipt has no seal; an older version wrote it, or somebody removed the seal"
        checks.unchecked.append(f"{_HOME}: {reason}")
        return None
    try:
        key = read_key(home.key)
    except OSError as error:
        checks.unchecked.append(f"{_HOME}: its key cannot be read: {error.strerror}")
        return None
    if key is None or key_id(key) != receipt.home_key:
        checks.unchecked.append(f"{_HOME}: another home sealed it, or this one with a key that is lost")
        return None
    holds = compare_digest(receipt.home_seal.encode("utf-8", "replace"), home_seal(fields, key).encode())
    checks.check(HOME_SEAL, holds, "is not the seal of this home on these fields: one was changed")
    return holds


def _check_quotes(home: Home, receipt: Receipt, viewer: Viewer | None, checks: Checks, *, is_foreign: bool) -> bool:
    """Whether the release and all sentences could be checked and are right."""
    before = len(checks.failures), len(checks.unchecked)
    try:
        if _check_release(home, receipt, checks, is_foreign=is_foreign):
            snapshot = Snapshot.open(home, receipt.release, viewer)
            check_sentences(snapshot, receipt.sentences, checks, receipt.mode, receipt.splitter)
    except (EngineError, OSError) as error:
        checks.unchecked.append(f"the quotes: release {receipt.release} cannot be read: {error}")
    return before == (len(checks.failures), len(checks.unchecked))


def _check_release(home: Home, receipt: Receipt, checks: Checks, *, is_foreign: bool) -> bool:
    """Check the fields about the release. Returns whether its tables may be compared."""
    record = read_with_checksum(home, receipt.release)
    if record is None:
        checks.unchecked.append(f"the quotes: release {receipt.release} {_why_unread(home, receipt.release)}")
        return False
    release, checksum = record
    if is_foreign and receipt.release_checksum != checksum:
        checks.unchecked.append(f"the quotes: release {receipt.release} of this home is not the one of the receipt")
        return False
    where = f"the record of release {release.release}"
    checks.check_equal("release_checksum", receipt.release_checksum, checksum, where)
    for name in ("run_id", "tables", "fingerprints"):
        checks.check_equal(name, getattr(receipt, name), getattr(release, name), where)
    return True


def _why_unread(home: Home, number: int) -> str:
    try:
        release_file(home, number).read_bytes()
    except FileNotFoundError:
        return "is not kept; see: omni releases list"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "has a damaged record; see: omni scrub"


def _limits(receipt: Receipt) -> list[str]:
    """What no check of this receipt proves."""
    limits = []
    if receipt.mode == "generative":
        limits.append(
            "the claims are true: they are the words of a language model; proven are only the units they cite"
        )
    if receipt.sentences and receipt.splitter != SPLITTER:
        limits.append("the quotes are whole sentences: another version of omni cut them by other rules")
    return limits
