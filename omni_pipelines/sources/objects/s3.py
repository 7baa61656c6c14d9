"""Objects of S3 and of stores that speak its language, by botocore.

Where it is and who asks come from where every AWS tool looks: the AWS_* variables, ~/.aws, the role of the machine.
None of it is kept or said. Not by obstore, though it is lighter: it gives up on the whole bucket where one key has
an empty part, `..` or a control character, and anybody who may write one object could stop everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from omni_pipelines.configuration import aws_region
from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.file_reads import refuse_large
from omni_pipelines.sources.objects.client import Stored

if TYPE_CHECKING:
    from omni_pipelines.sources.source import Source

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 30, 3
_MISSING = {"NoSuchBucket", "NoSuchKey", "404", "NotFound"}
_REFUSED = {
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "401",
    "403",
}
_ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
_KEYS = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do"


class S3Client:
    """The objects below one prefix of a bucket."""

    def __init__(self, source: Source) -> None:
        """Connects to nothing yet.

        Raises:
            ConfigurationError: botocore is not installed, or the AWS settings do not fit.
        """
        try:
            import botocore.config
            import botocore.exceptions
            import botocore.session
        except ImportError as error:
            raise ConfigurationError(
                "S3 needs a package that is not installed", cure="pip install 'omni-pipelines[s3]'"
            ) from error
        self._source = source
        self._bucket, _, prefix = source.url.partition("://")[2].partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._failures = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)
        session = botocore.session.get_session()
        try:
            unsigned = {} if session.get_credentials() else {"signature_version": botocore.UNSIGNED}
            config = botocore.config.Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
                **unsigned,
            )
            self._client: Any = session.create_client("s3", region_name=aws_region() or "us-east-1", config=config)
        except (*self._failures, ValueError) as error:
            raise ConfigurationError(
                f"the AWS settings do not fit: {type(error).__name__}", cure="check the AWS_* variables and ~/.aws"
            ) from error

    def list(self) -> Iterator[Stored]:
        """Every object below the prefix, a thousand a request."""
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                for each in page.get("Contents", ()):
                    yield self._stored(each["Key"].removeprefix(self._prefix), each, each["Size"])
        except self._failures as error:
            raise self._missing(error) from error

    def stat(self, key: str) -> Stored:
        """One object."""
        try:
            each = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except self._failures as error:
            raise self._missing(error) from error
        return self._stored(key, each, each["ContentLength"])

    def read(self, key: str, limit: int) -> tuple[bytes, str]:
        """One object, by one request."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            with answer["Body"] as body:
                refuse_large(answer["ContentLength"], limit)
                raw = body.read(limit + 1)
        except self._failures as error:
            code = _code(error)
            if code in _MISSING:
                raise Unreadable(RefusalCode.VANISHED, "it is not in the bucket any more") from error
            if code in _REFUSED:
                raise Unreadable(RefusalCode.PERM, "the store refuses to give it") from error
            raise Unreadable(RefusalCode.IO, f"the store did not give it: {code}") from error
        refuse_large(len(raw), limit)
        if len(raw) != answer["ContentLength"]:
            raise Unreadable(RefusalCode.IO, "the store broke off")
        return raw, self._stored(key, answer, len(raw)).mark

    def _stored(self, key: str, told: dict[str, Any], size: int) -> Stored:
        moment = int(told["LastModified"].timestamp())
        etag = str(told.get("ETag", "")).strip('"') or f"at-{moment}"
        return Stored(key, size, moment * 1_000_000_000, f"{etag}:{size}")

    def _missing(self, error: Exception) -> SourceMissing:
        code, source = _code(error), self._source
        what = f"source {source.name}: {source.location}"
        if code in _MISSING:
            return SourceMissing(f"{what} is not there: {code}", cure="check the names of bucket and object")
        if code in _REFUSED or code == "NoCredentialsError":
            return SourceMissing(f"{what} may not be looked into: {code}", cure=_KEYS)
        if code in _ELSEWHERE:
            return SourceMissing(f"{what} is in another region: {code}", cure="set AWS_REGION to that of the bucket")
        return SourceMissing(
            f"{what} cannot be listed: {code}", cure="check AWS_ENDPOINT_URL and the network; nothing is deleted"
        )


def _code(error: Exception) -> str:
    """What went wrong in one word. The text of these errors may hold addresses with signatures."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code") or "unknown") if response else type(error).__name__
