"""Every setting of a knowledge base, with its default and limits; `configuration` loads them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from native.dataset_cache import DatasetCacheConfig
from omni_pipelines.records import Record

_INTERVAL = re.compile(r"[1-9]\d{0,4}[mhd]|[\d*/,-]+( [\w*/,#-]+){4}")
_ACL_TAG = re.compile(r"[\w.:@/-]{1,100}")


class ChunkMode(StrEnum):
    """How documents are split into chunks."""

    AUTO = "auto"
    """By what the document is: headings, symbols or table rows."""
    TEXT = "text"
    """As plain text."""
    AST = "ast"
    """By the symbols of source code."""


PersonalData = Literal["card", "iban", "email", "phone"]
"""Kinds of personal data: numbers of payment cards and bank accounts, e-mail addresses, telephone numbers."""


def acl_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return access tags sorted and without duplicates, as they are stored.

    Raises:
        ValueError: a tag has another character than letters, digits and `._:@/-`, or more than 100 of them.
    """
    for tag in tags:
        if not _ACL_TAG.fullmatch(tag):
            raise ValueError(f"{tag!r} is not a valid tag: use letters, digits and ._:@/- only")
    return tuple(sorted(set(tags)))


class SourceOptions(Record):
    """What to read of a source, and who may see it."""

    rev: str = ""
    """Branch, tag or commit of a git repository."""
    include: tuple[str, ...] = ()
    """Patterns in .gitignore syntax; only files that match one are read. Empty: every file that has a reader."""
    exclude: tuple[str, ...] = ()
    """Patterns in .gitignore syntax; files that match one are not read."""
    acl: tuple[str, ...] = ()
    """Access tags; only viewers with one of them see the documents of the source. Empty: everybody sees them."""
    allow: tuple[str, ...] = ()
    """Hosts that the pages of a website may be fetched from, besides the host of the website itself."""
    allow_private: bool = False
    """Whether the hosts of a website may have private network addresses."""

    @field_validator("acl")
    @classmethod
    def _check_tags(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        return acl_tags(tags)


class SourceSettings(SourceOptions):
    """The settings of one source, in `[sources.NAME]` of omni.toml; one that is None has the value of `Settings`."""

    location: str = ""
    """Folder, file, archive or repository, relative to omni.toml, or a URL; every ingest includes it."""
    chunk_mode: ChunkMode | None = None
    """How documents are split into chunks: `auto`, `text` or `ast`."""
    chunk_tokens: int | None = Field(default=None, ge=16, le=4096)
    """Maximum length of a chunk in tokens."""
    chunk_overlap: int | None = Field(default=None, ge=0, le=512)
    """Maximum number of tokens that two neighbouring chunks share when a long paragraph is split."""
    mask_secrets: bool | None = None
    """Whether keys, tokens and passwords are masked before anything is stored."""
    mask_personal: tuple[PersonalData, ...] | None = None
    """Kinds of personal data that are masked."""
    every: str = ""
    """How often `omni dev` reads the source: `15m`, `6h`, `2d`, or a cron expression in UTC. Empty: a source on this
    machine is read when it changes, any other at night."""

    @field_validator("every")
    @classmethod
    def _check_interval(cls, every: str) -> str:
        if every and not _INTERVAL.fullmatch(every):
            raise ValueError("write 15m, 6h or 2d, or a cron expression with five fields, such as 0 6 * * 1-5")
        return every


class AlertSettings(Record):
    """Where alerts go, in `[alerts]` of omni.toml; `OMNI_ALERTS` takes the same as a JSON object."""

    command: tuple[str, ...] = ()
    """Program and its arguments; it gets each message as JSON on its standard input."""
    webhook: str = ""
    """Address to which each message is sent as JSON; OMNI_ALERTS_SECRET signs it."""
    email_to: tuple[str, ...] = ()
    """Mail addresses."""
    email_from: str = ""
    """Address of the sender. Empty: the first of `email_to`."""
    smtp: str = "localhost:25"
    """Mail server, `host:port` or `user@host:port`; the password is in OMNI_ALERTS_PASSWORD."""
    page: str = ""
    """Address of the Dagster UI in the links of messages. Empty: that of `omni dev` on this machine."""

    @field_validator("webhook", "page")
    @classmethod
    def _check_address(cls, address: str) -> str:
        if address and not address.startswith(("https://", "http://")):
            raise ValueError("the address begins with https:// or http://")
        return address


class Settings(Record):
    """The settings of a knowledge base, from omni.toml and `OMNI_*` variables."""

    store: str = ""
    """Store that several homes share: `s3://bucket/folder`, `gs://…` or `az://…`. Empty: this home shares nothing."""
    cache: Path = Field(Path("~/.cache/omni_pipelines"), validate_default=True)
    """Folder of models and vocabularies, used by all knowledge bases of a user. XDG_CACHE_HOME moves the default."""
    chunk_mode: ChunkMode = ChunkMode.AUTO
    """How documents are split into chunks: `auto` by what a document is, `text` as plain text, `ast` by symbols."""
    chunk_tokens: int = Field(256, ge=16, le=4096)
    """Maximum length of a chunk in tokens; the default embedder reads 256."""
    chunk_overlap: int = Field(32, ge=0, le=512)
    """Maximum number of tokens that two neighbouring chunks share when a long paragraph is split."""
    encoding: str = "cl100k_base"
    """tiktoken vocabulary that counts the tokens."""
    embedder: str = "all-minilm-l6-v2"
    """Embedding model, a name from `omni model list`. After a change, the next ingest embeds everything again."""
    feedback: bool = False
    """Whether a hybrid search makes a second vector search, with a vector that is moved towards the first hits."""
    reranker: Literal["", "http"] = ""
    """What reorders the best hits: `http` is the server at `rerank_url`. Empty: nothing does."""
    rerank_url: str = ""
    """Address of a reranking server, up to /rerank; used only with `reranker = "http"`."""
    check_files: bool = True
    """Whether a search says for each hit if its file has changed since it was read."""
    fold_near_duplicates: bool = False
    """Whether passages that are nearly the same become one hit, as equal passages always do."""
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """Threads that compute embeddings, and processes (at most 8) that read, split and index files if that takes
    longer than a few seconds; by default one for each processor core. With 1, no other process is started."""
    engine: Literal["local", "ray"] = "local"
    """Where files are read, split and embedded: on this machine (`local`), or on a Ray cluster if there is enough
    work for it (`ray`)."""
    ray_address: str = "auto"
    """Address of the Ray cluster, `host:port`; `auto` is the cluster that this machine belongs to."""
    max_file_bytes: int = Field(16 << 20, ge=1)
    """Maximum size of a text file in bytes; larger files go to quarantine."""
    max_binary_bytes: int = Field(64 << 20, ge=1)
    """Maximum size of a PDF, Office or EPUB file in bytes; larger files go to quarantine."""
    unpack_archives: bool = True
    """Whether the files in archives and mailboxes inside a source become documents; otherwise only their names do."""
    ocr: bool = False
    """Whether scans and pictures (PDF, PNG, JPEG, TIFF) are read by text recognition; needs the extra `ocr`."""
    mask_secrets: bool = True
    """Whether keys, tokens and passwords are masked before anything is stored."""
    mask_personal: tuple[PersonalData, ...] = ("card", "iban")
    """Kinds of personal data that are masked; the other kinds are only counted."""
    delete_guard: float = Field(0.2, ge=0, le=1)
    """An ingest that would delete this share of a source's documents or more, and at least three of them, stops and
    asks you."""
    keep_releases: int = Field(3, ge=1)
    """How many of the newest releases are kept, besides the pinned ones."""
    gate_floor: float = Field(0.3, ge=0, le=1)
    """A candidate whose mean nDCG@10 or mean recall@10 on the golden questions is lower is not published."""
    gate_cpu_ms: float = Field(100.0, gt=0)
    """A candidate whose median CPU time of a golden question is higher, in milliseconds, is not published."""
    gate_drop: float = Field(0.1, ge=0, le=1)
    """Largest loss of nDCG@10 or recall@10, against the serving release, with which a candidate is published; a
    smaller loss is refused too if a paired test finds it significant."""
    max_age_hours: float = Field(48.0, gt=0)
    """The check `freshness` warns if the last complete listing of a source is older, in hours."""
    max_quarantine_share: float = Field(0.1, ge=0, le=1)
    """The check `quarantine_share` warns if a larger share of the files could not be read."""
    max_duplicate_share: float = Field(0.2, ge=0, le=1)
    """The check `duplicate_share` warns if a larger share of the chunks repeats another chunk."""
    min_readable_share: float = Field(0.8, ge=0, le=1)
    """The check `readability` warns if the vocabulary of the embedder covers a smaller share of the text."""
    keep_questions: bool = True
    """Whether questions and the citations of their answers are kept in the home, for `omni gaps`."""
    llm: str = ""
    """Language model that runs on this machine, a name from `omni model list`. Empty: none."""
    llm_url: str = ""
    """Address of an OpenAI-compatible server, up to /v1; used if `llm` is empty or fails. Empty: none."""
    llm_model: str = ""
    """Name of the model on that server; servers with a single model often need none."""
    llm_seconds: float = Field(60.0, gt=0, le=3600)
    """Maximum time for an answer of the language model in seconds, retries included."""
    llm_context: int = Field(8_192, ge=2_048, le=1_000_000)
    """How many tokens the language model can read and write in one call, for tasks of the agent."""
    llm_prices: dict[str, tuple[float, float]] = Field({})
    """Prices of language models by the beginning of their names, in dollars for a million tokens that they read and
    for a million that they write: `{"gpt-4o" = [2.5, 10]}`."""
    dagster_home: str = ""
    """Folder of a Dagster instance of your own. Empty: DAGSTER_HOME, or else an instance inside the home."""
    keep_runs: int = Field(1000, ge=10)
    """How many of the newest Dagster runs the weekly maintenance keeps at most."""
    keep_run_days: float = Field(90.0, ge=1)
    """The weekly maintenance deletes Dagster runs that are older, in days."""
    lock_seconds: float = Field(300.0, ge=0)
    """Maximum time to wait for another writer in seconds."""
    alerts: AlertSettings = AlertSettings()
    """Where alerts about failed runs and checks go; see below."""
    codecs: dict[str, str] = Field({})
    """Compression of columns, such as `{"chunks.text" = "zstd:9"}`; used when a table is created or migrated."""
    max_cached_tables: int = Field(16, ge=1)
    """Maximum number of tables that a process keeps open."""
    index_cache_bytes: int = Field(256 << 20, ge=1 << 20)
    """Memory for pages of the vector index in bytes."""
    column_cache_bytes: int = Field(256 << 20, ge=0)
    """Memory for keys and vectors that queries reuse, in bytes; other vectors are read from disk."""
    cache_idle_seconds: float = Field(600.0, gt=0)
    """Time in seconds after which an unused table is closed."""
    sources: dict[str, SourceSettings] = Field({})
    """Settings of single sources by source name; they override the settings above."""

    def of_source(self, name: str) -> Settings:
        """Return the settings with the chunking of one source, where `[sources.NAME]` sets it."""
        own = self.sources.get(name, SourceSettings()).model_dump(
            include={"chunk_mode", "chunk_tokens", "chunk_overlap"}, exclude_none=True
        )
        return self.model_copy(update=own)

    @property
    def dataset_cache(self) -> DatasetCacheConfig:
        """The limits of the pool of open tables."""
        return DatasetCacheConfig(
            max_cached_tables=self.max_cached_tables,
            index_cache_bytes=self.index_cache_bytes,
            column_bytes=self.column_cache_bytes,
            idle_seconds=self.cache_idle_seconds,
        )

    @field_validator("cache")
    @classmethod
    def _expand_user_folder(cls, cache: Path) -> Path:
        return cache.expanduser()

    @field_validator("mask_personal", mode="before")
    @classmethod
    def _split_names(cls, names: object) -> object:
        """Accept `card,iban`, the form of an environment variable."""
        return tuple(filter(None, re.split(r"[\s,]+", names))) if isinstance(names, str) else names

    @field_validator("alerts", mode="before")
    @classmethod
    def _parse_alerts(cls, alerts: object) -> object:
        """Accept a JSON object, the form of an environment variable."""
        return json.loads(alerts) if isinstance(alerts, str) else alerts

    @field_validator("codecs", mode="before")
    @classmethod
    def _split_pairs(cls, codecs: object) -> object:
        """Accept `chunks.text=zstd:9,documents.text=lz4`, the form of an environment variable."""
        if not isinstance(codecs, str):
            return codecs
        pairs = (pair.strip().partition("=") for pair in codecs.split(","))
        return {column: codec for column, _, codec in pairs}

    @field_validator("llm_prices", mode="before")
    @classmethod
    def _split_prices(cls, prices: object) -> object:
        """Accept `gpt-4o=2.5:10,my-model=0:0`, the form of an environment variable."""
        if not isinstance(prices, str):
            return prices
        pairs = (pair.strip().partition("=") for pair in prices.split(","))
        return {name: tuple(price.split(":")) for name, _, price in pairs}

    @field_validator("codecs")
    @classmethod
    def _check_codecs(cls, codecs: dict[str, str]) -> dict[str, str]:
        if codecs:  # the engine is imported only where it is needed
            from native.lance_codecs import Codec
            from omni_pipelines.schemas import column

            for name, codec in codecs.items():
                column(name)
                Codec.parse(codec)
        return codecs

    @model_validator(mode="after")
    def _check_rerank_url(self) -> Settings:
        if self.reranker == "http" and not self.rerank_url:
            raise ValueError('reranker = "http" needs an address in rerank_url')
        return self

    @model_validator(mode="after")
    def _check_overlaps(self) -> Settings:
        sections = {"": self} | {f" in [sources.{name}]": self.of_source(name) for name in self.sources}
        for section, chunking in sections.items():
            if chunking.chunk_overlap >= chunking.chunk_tokens:
                sizes = f"chunk_overlap {chunking.chunk_overlap} is not below chunk_tokens {chunking.chunk_tokens}"
                raise ValueError(sizes + section)
        return self
