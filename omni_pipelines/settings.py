"""Where things are and how they are set. The one place that reads the environment.

Flags beat `OMNI_*` variables, which beat `omni.toml` beside the home folder, which beats the defaults here.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from native.dataset_cache import DatasetCacheConfig
from omni_pipelines.errors import ConfigurationError, HomeError, nearest

_ACL_TAG = re.compile(r"[\w.:@/-]{1,100}")
HOME_NAME = ".omni"
CONFIG_NAME = "omni.toml"
GOLDEN_NAME = "golden.jsonl"
HOME_VARIABLE = "OMNI_HOME"
KEY_VARIABLE = "OMNI_LLM_KEY"


@dataclass(frozen=True)
class Home:
    """The folder a knowledge base lives in, and every path inside it."""

    root: Path

    @property
    def tables(self) -> Path:
        """Lance tables, `<name>.lance`."""
        return self.root / "tables"

    @property
    def keyword(self) -> Path:
        """Generations of the keyword index, `gen-<n>`."""
        return self.root / "keyword"

    @property
    def releases(self) -> Path:
        """Release records, `<n:012d>.json`."""
        return self.root / "releases"

    @property
    def built(self) -> Path:
        """What each step last built and from what, `<step>.json`."""
        return self.root / "built"

    @property
    def pins(self) -> Path:
        """Releases that collection must keep, `<n>.json`."""
        return self.root / "pins"

    @property
    def certificates(self) -> Path:
        """What was forgotten, when and where, without saying what it was."""
        return self.root / "certificates"

    @property
    def forgetting(self) -> Path:
        """What is being forgotten, until it is certified."""
        return self.root / "forgetting"

    @property
    def quarantine(self) -> Path:
        """Files moved aside by recovery."""
        return self.root / "quarantine"

    @property
    def entries(self) -> Path:
        """Knowledge entries, one Markdown file each; a source like any other."""
        return self.root / "entries"

    @property
    def journal(self) -> Path:
        """What was asked, answered and measured, `<table>.jsonl`."""
        return self.root / "journal"

    @property
    def dagster(self) -> Path:
        """The Dagster instance: run history, event logs, sensor cursors."""
        return self.root / "dagster"

    @property
    def logs(self) -> Path:
        """What the processes of `omni dev` say. Outside the instance: Dagster posts and deletes its `logs` folder."""
        return self.root / "logs"

    @property
    def metrics(self) -> Path:
        """Counters that outlive a process, `<kind>.json`. Nothing depends on them."""
        return self.root / "metrics"

    @property
    def jobs(self) -> Path:
        """Background jobs, `<id>.json`, and what they said."""
        return self.root / "jobs"

    @property
    def shared(self) -> Path:
        """What this home knows of the store that it shares with others; see docs/shared.md."""
        return self.root / "shared"

    @property
    def sources(self) -> Path:
        """The registry of what is ingested."""
        return self.root / "sources.json"

    @property
    def lock(self) -> Path:
        """Held by the one writer."""
        return self.root / "LOCK"

    @property
    def config(self) -> Path:
        """Settings of this knowledge base, beside the home."""
        return self.root.parent / CONFIG_NAME

    @property
    def golden(self) -> Path:
        """The golden set, beside the home: people write it, and keep it under version control."""
        return self.root.parent / GOLDEN_NAME

    def table(self, name: str) -> Path:
        """The folder of one Lance table."""
        return self.tables / f"{name}.lance"

    def check(self) -> None:
        """Refuse a home that is not one.

        Raises:
            HomeError: it does not exist, or something else stands there.
        """
        if self.root.exists() and not self.root.is_dir():
            raise HomeError(f"{self.root} is not a folder", cure="name another home with --home")
        if not self.root.exists():
            raise HomeError(f"there is no knowledge base at {self.root}", cure="make one: omni ingest PATH")
        for folder in (self.tables, self.keyword, self.releases):
            if folder.exists() and not folder.is_dir():
                raise HomeError(
                    f"{folder} is not a folder", cure="move it away; the next ingest rebuilds what is missing"
                )

    def create(self) -> None:
        """Make the folders that are not there yet.

        Raises:
            HomeError: something else stands there, or the folder cannot be written.
        """
        if self.root.exists():
            self.check()
        try:
            for folder in (
                self.tables,
                self.keyword,
                self.releases,
                self.built,
                self.pins,
                self.quarantine,
                self.dagster,
            ):
                folder.mkdir(parents=True, exist_ok=True)
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")
        except OSError as error:
            raise HomeError(
                f"cannot write to {self.root}: {error.strerror}", cure="choose another home with --home"
            ) from error


class ChunkMode(StrEnum):
    """How documents are cut: by what they are, as plain text, or by their symbols."""

    AUTO = "auto"
    TEXT = "text"
    AST = "ast"


_SET_PER_SOURCE = ("chunk_mode", "chunk_tokens", "chunk_overlap")
"""Settings that a source may have in another way than the rest."""

PersonalData = Literal["card", "iban", "email", "phone"]
"""Numbers of payment cards and bank accounts, e-mail addresses, telephone numbers."""


def acl_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are stored: each once, sorted.

    Raises:
        ValueError: one is no word of letters, digits and `._:@/-`, of at most 100 characters.
    """
    for tag in tags:
        if not _ACL_TAG.fullmatch(tag):
            raise ValueError(f"{tag!r} is no tag: write letters, digits and ._:@/- only")
    return tuple(sorted(set(tags)))


class SourceSettings(BaseModel):
    """What can be set for one source, in `[sources.NAME]` of omni.toml. What is left out is as for all sources."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    location: str = ""
    """Path of a folder, file, archive or repository, from the folder of omni.toml, or a URL: ingested without being
    named."""
    rev: str = ""
    """Branch, tag or commit, where the location is a git repository."""
    include: tuple[str, ...] = ()
    """Patterns as in .gitignore; only matching files are read. Empty: all that a reader knows."""
    exclude: tuple[str, ...] = ()
    """Patterns as in .gitignore; matching files are not read."""
    acl: tuple[str, ...] = ()
    """Tags: only a reader who has one of them sees the source. Empty: everybody does."""
    allow: tuple[str, ...] = ()
    """Hosts, besides its own, that the pages of a site may be asked of."""
    allow_private: bool = False
    """Whether the hosts of a site may have addresses that the internet does not reach."""
    chunk_mode: ChunkMode | None = None
    """How documents are cut."""
    chunk_tokens: int | None = Field(default=None, ge=16, le=4096)
    """Longest chunk, in tokens."""
    chunk_overlap: int | None = Field(default=None, ge=0, le=512)
    """Tokens repeated when a long passage is cut."""
    mask_secrets: bool | None = None
    """Whether keys, tokens and passwords are masked before anything is stored."""
    mask_personal: tuple[PersonalData, ...] | None = None
    """Which data of persons is masked."""

    @field_validator("acl")
    @classmethod
    def _tags_are_words(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        return acl_tags(tags)


class Settings(BaseModel):
    """Everything that can be set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str = ""
    """Where several homes keep their releases: `s3://bucket/folder`, `gs://…`, `az://…`. "": each has its own."""
    cache: Path = Field(default_factory=lambda: _cache_folder())
    """Models and vocabularies, shared by all knowledge bases of this user."""
    chunk_mode: ChunkMode = ChunkMode.AUTO
    """How documents are cut: `auto`, `text` or `ast`."""
    chunk_tokens: int = Field(256, ge=16, le=4096)
    """Longest chunk, in tokens. 256 is what the default embedder reads."""
    chunk_overlap: int = Field(32, ge=0, le=512)
    """Tokens repeated when a long passage is cut where nothing suggests a cut."""
    encoding: str = "cl100k_base"
    """tiktoken vocabulary that tokens are counted with."""
    embedder: str = "all-minilm-l6-v2"
    """Model in `omni model list` that vectors are made with."""
    feedback: bool = False
    """Whether a hybrid search asks the vectors once more, near what it found first."""
    reranker: Literal["", "words", "http"] = ""
    """What looks at the best passages again: nothing, the closeness of the query's words, or a server."""
    rerank_url: str = ""
    """Address of a reranking server, up to /rerank. Nothing is sent anywhere while `reranker` is not `http`."""
    fold_near_duplicates: bool = False
    """Whether a hit takes in passages that are nearly the same, and not only those that are the same."""
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """Threads that embed."""
    max_file_bytes: int = Field(16 << 20, ge=1)
    """Larger text files go to quarantine."""
    max_binary_bytes: int = Field(64 << 20, ge=1)
    """Larger PDF, Office and EPUB files go to quarantine."""
    mask_secrets: bool = True
    """Whether keys, tokens and passwords are masked before anything is stored."""
    mask_personal: tuple[PersonalData, ...] = ("card", "iban")
    """Which data of persons is masked; what is not is counted all the same."""
    delete_guard: float = Field(0.2, ge=0, le=1)
    """Share of a source's documents that one ingest may delete without --allow-delete."""
    keep_releases: int = Field(3, ge=1)
    """Releases kept on disk besides the pinned ones."""
    gate_floor: float = Field(0.3, ge=0, le=1)
    """Least mean nDCG@10 and recall@10 on the golden set that are published."""
    gate_cpu_ms: float = Field(100.0, gt=0)
    """Most milliseconds of CPU that a question of the golden set may take, in the median."""
    gate_drop: float = Field(0.1, ge=0, le=1)
    """How far they may fall below the serving release, where a paired test does not object before."""
    keep_questions: bool = True
    """Keep what is asked, and where the answers stand, so that gaps can be seen."""
    llm_url: str = ""
    """Address of an OpenAI-compatible server, up to /v1. Nothing is sent anywhere while it is empty."""
    llm_model: str = ""
    """Name of the model there; many servers that hold one model need none."""
    llm_seconds: float = Field(60.0, gt=0, le=3600)
    """How long the language model may take for an answer, retries included."""
    lock_seconds: float = Field(60.0, ge=0)
    """How long to wait for another writer."""
    codecs: dict[str, str] = {}
    """Column (`chunks.text`) to codec (`zstd:9:65536`), for tables made or migrated from now on; others keep ours."""
    max_cached_tables: int = Field(16, ge=1)
    """Tables a process keeps open."""
    index_cache_bytes: int = Field(256 << 20, ge=1 << 20)
    """Memory for pages of the vector index."""
    column_cache_bytes: int = Field(256 << 20, ge=0)
    """Memory for keys and vectors that queries use again; vectors that do not fit are fetched from disk."""
    cache_idle_seconds: float = Field(600.0, gt=0)
    """A table unused for this long is closed."""

    sources: dict[str, SourceSettings] = {}
    """Name of a source to what is set for it alone."""

    def of_source(self, name: str) -> Settings:
        """The settings as they hold for one source: what is set for it stands in place of what is set for all."""
        own = self.sources.get(name, SourceSettings())
        chosen = {field: value for field in _SET_PER_SOURCE if (value := getattr(own, field)) is not None}
        return self.model_copy(update=chosen)

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
    def _tilde_is_the_home_folder(cls, cache: Path) -> Path:
        return cache.expanduser()

    @field_validator("mask_personal", mode="before")
    @classmethod
    def _names_in_one_line(cls, names: object) -> object:
        """`card,iban`, as an environment variable has it."""
        return tuple(filter(None, re.split(r"[\s,]+", names))) if isinstance(names, str) else names

    @field_validator("codecs", mode="before")
    @classmethod
    def _pairs_in_one_line(cls, codecs: object) -> object:
        """`chunks.text=zstd:9,documents.text=lz4`, as an environment variable has it."""
        if not isinstance(codecs, str):
            return codecs
        pairs = (pair.strip().partition("=") for pair in codecs.split(","))
        return {column: codec for column, _, codec in pairs}

    @field_validator("codecs")
    @classmethod
    def _columns_and_codecs_exist(cls, codecs: dict[str, str]) -> dict[str, str]:
        if codecs:  # else nothing heavy is loaded
            from native.lance_codecs import Codec
            from omni_pipelines.schemas import column

            for name, codec in codecs.items():
                column(name)
                Codec.parse(codec)
        return codecs

    @model_validator(mode="after")
    def _a_server_has_an_address(self) -> Settings:
        if self.reranker == "http" and not self.rerank_url:
            raise ValueError("reranker is http, and rerank_url names no address")
        return self

    @model_validator(mode="after")
    def _overlap_is_the_smaller(self) -> Settings:
        for where, each in {
            "": self,
            **{f" in [sources.{name}]": self.of_source(name) for name in self.sources},
        }.items():
            if each.chunk_overlap >= each.chunk_tokens:
                what = f"chunk_overlap {each.chunk_overlap} is not below chunk_tokens {each.chunk_tokens}"
                raise ValueError(what + where)
        return self


def find_home(flag: Path | None = None) -> Home:
    """The home named by `flag`, by OMNI_HOME, or the nearest `.omni` in this folder or above it."""
    if flag is not None:
        return Home(flag.expanduser().absolute())
    if os.environ.get(HOME_VARIABLE):
        return Home(Path(os.environ[HOME_VARIABLE]).expanduser().absolute())
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / HOME_NAME).is_dir():
            return Home(folder / HOME_NAME)
    return Home(here / HOME_NAME)


def load_settings(home: Home) -> Settings:
    """The settings for a home.

    Raises:
        ConfigurationError: a key is unknown or a value does not fit; the message names the nearest key.
    """
    known = set(Settings.model_fields)
    values: dict[str, object] = {}
    if home.config.is_file():
        try:
            values = tomllib.loads(home.config.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise ConfigurationError(
                f"{home.config} cannot be read: {error}", cure="correct it, or move it away to use the defaults"
            ) from error
    for name in values:
        if name not in known:
            raise _unknown_key(name, str(home.config), known)
    from_environment = {
        name: os.environ[variable] for name in known if os.environ.get(variable := f"OMNI_{name.upper()}")
    }
    try:
        return Settings.model_validate({**values, **from_environment})
    except ValidationError as error:
        raise _misfit(error, home) from error


def language_model_key(settings: Settings) -> SecretStr:
    """The key for `settings.llm_url`; "" if there is none. It stands in the environment and nowhere else.

    Raises:
        ConfigurationError: the address comes from a file. It may have come with somebody else's folder, and a key
            must not go where that folder says.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if key and os.environ.get("OMNI_LLM_URL") != settings.llm_url:
        raise ConfigurationError(
            f"{KEY_VARIABLE} is set, but its address comes from a file",
            cure=f"set OMNI_LLM_URL in the environment as well, or unset {KEY_VARIABLE}",
        )
    return SecretStr(key)


def aws_region() -> str:
    """The region of AWS that the environment names; "" if none. botocore knows only the second of its two names."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""


def child_environment(home: Home) -> dict[str, str]:
    """The environment for a child process that works on this home."""
    return {**os.environ, HOME_VARIABLE: str(home.root), "DAGSTER_HOME": str(home.dagster)}


def _unknown_key(name: str, where: str, known: set[str]) -> ConfigurationError:
    cure = nearest(name, sorted(known), f"known settings: {', '.join(sorted(known))}")
    return ConfigurationError(f"unknown setting {name!r} in {where}", cure=cure)


def _misfit(error: ValidationError, home: Home) -> ConfigurationError:
    first = error.errors()[0]
    why = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return ConfigurationError(
            f"settings do not fit: {why}", cure=f"correct {home.config} or the OMNI_* variables"
        )
    name = ".".join(str(each) for each in first["loc"])
    return ConfigurationError(
        f"setting {name} = {first['input']!r} does not fit: {why}",
        cure=f"correct it in {home.config}" + ("" if len(first["loc"]) > 1 else f" or in OMNI_{name.upper()}"),
    )


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "omni_pipelines"
