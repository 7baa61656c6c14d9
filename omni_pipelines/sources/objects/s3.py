"""Objects of S3 and of stores with the same API, read with botocore.

Endpoint and credentials come from where every AWS tool looks: the AWS_* variables, ~/.aws, the role of the machine.
None of them is stored or printed. Not obstore, although it is lighter: it cannot list a bucket in which one key has
an empty part, `..` or a control character, so anybody who may write one object could stop every ingest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from omni_pipelines.configuration import aws_region
from omni_pipelines.errors import ConfigurationError, SourceMissing
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.sources.model.file_reads import refuse_large
from omni_pipelines.sources.objects.client import ObjectInfo

if TYPE_CHECKING:
    from omni_pipelines.sources.model.source import Source

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
_OTHER_REGION = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
_CHECK_KEYS = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and their permissions"
_Description = Mapping[str, Any]
"""What S3 says about an object; botocore has no types."""


class S3Client:
    """The objects below one prefix of a bucket."""

    def __init__(self, source: Source) -> None:
        """Create the client, which does not connect yet.

        Raises:
            ConfigurationError: botocore is not installed, or the AWS settings are invalid.
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
            region = aws_region() or "us-east-1"
            self._client: Any = session.create_client("s3", region_name=region, config=config)
        except (*self._failures, ValueError) as error:
            raise ConfigurationError(
                f"the AWS settings are invalid: {type(error).__name__}", cure="check the AWS_* variables and ~/.aws"
            ) from error

    def list(self) -> Iterator[ObjectInfo]:
        """Every object below the prefix, a thousand per request."""
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                for description in page.get("Contents", ()):
                    key = description["Key"].removeprefix(self._prefix)
                    yield _object_info(key, description, description["Size"])
        except self._failures as error:
            raise self._cannot_list(error) from error

    def describe(self, key: str) -> ObjectInfo:
        """One object, without its content."""
        try:
            description = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except self._failures as error:
            raise self._cannot_list(error) from error
        return _object_info(key, description, description["ContentLength"])

    def read(self, key: str, limit: int) -> tuple[bytes, str]:
        """The bytes of one object, by one request."""
        try:
            response = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            with response["Body"] as body:
                refuse_large(response["ContentLength"], limit)
                raw = body.read(limit + 1)
        except self._failures as error:
            code = _code(error)
            if code in _MISSING:
                raise Unreadable(RefusalCode.VANISHED, "it is not in the bucket any more") from error
            if code in _REFUSED:
                raise Unreadable(RefusalCode.PERM, "the store refuses access to it") from error
            raise Unreadable(RefusalCode.IO, f"the store did not return it: {code}") from error
        refuse_large(len(raw), limit)
        if len(raw) != response["ContentLength"]:
            raise Unreadable(RefusalCode.IO, "the store sent less than it announced")
        return raw, _object_info(key, response, len(raw)).version_mark

    def _cannot_list(self, error: Exception) -> SourceMissing:
        code, source = _code(error), self._source
        what = f"source {source.name}: {source.location}"
        if code in _MISSING:
            return SourceMissing(f"{what} is not there: {code}", cure="check the names of bucket and object")
        if code in _REFUSED or code == "NoCredentialsError":
            return SourceMissing(f"no permission to list {what}: {code}", cure=_CHECK_KEYS)
        if code in _OTHER_REGION:
            return SourceMissing(f"{what} is in another region: {code}", cure="set AWS_REGION to that of the bucket")
        return SourceMissing(
            f"{what} cannot be listed: {code}", cure="check AWS_ENDPOINT_URL and the network; nothing is deleted"
        )


def _object_info(key: str, description: _Description, size: int) -> ObjectInfo:
    seconds = int(description["LastModified"].timestamp())
    etag = str(description.get("ETag", "")).strip('"') or f"at-{seconds}"
    return ObjectInfo(key, size, seconds * 1_000_000_000, f"{etag}:{size}")


def _code(error: Exception) -> str:
    """What went wrong, in one word. The text of these errors may contain signed addresses."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code") or "unknown") if response else type(error).__name__
