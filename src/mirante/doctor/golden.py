"""Golden vectors: fixed texts and drawn pictures give the rows that they gave where Mirante was tested.

Each family's tiny checkpoint gets weights that depend on nothing but their names, so its rows depend on what lies
between a text or picture and the network (padding, case, cutting, resolution, cropping, normalisation, pooling) and on
the network's arithmetic. The embedded models are compared with their own weights. `scripts/golden_vectors.py` writes
`golden.safetensors`.
"""

import math
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from mirante import encoders, registry
from mirante.doctor.findings import Finding
from mirante.encoders import _locate
from mirante.errors import MissingLibrary
from mirante.progress import track
from mirante.types import Encoder, Scalar, Vectors

FAMILY = "mirante.encoders"
HOME = Path(__file__).with_name("golden.safetensors")
TOLERANCE = 0.01
"""Greatest distance of a unit row from its golden one. Other processors and versions stay far below, mistakes above."""
TEXTS = (
    "a red square",
    "A Red SQUARE at Night",
    "um cão azul sob a árvore",
    "three green fish under the bridge, two yellow stars at night, and more words than a short text model can hold",
)
SIDES = ((64, 48), (32, 96), (90, 31), (17, 17))
"""Width and height of the pictures: none has the resolution or proportions of a model."""
_LN = re.compile(r"(^|\.)ln_(\d|pre|post|final)\.")
"""How open_clip names its layer norms."""


def look() -> Iterator[Finding]:
    """Compare every model that has golden vectors, on the processor and on the accelerator where there is one."""
    golden = load_file(HOME)
    wanted = sorted({key.rpartition("/")[0] for key in golden})
    with tempfile.TemporaryDirectory() as folder:
        for name in track(wanted, "golden vectors", total=len(wanted), unit="models"):
            yield from compare(name, (golden[f"{name}/images"], golden[f"{name}/texts"]), Path(folder))


def models() -> list[str]:
    """Every model that should have golden vectors: embedded ones, and the families' own `tiny` and `tiny_…` ones."""
    found = list(_locate.embedded())
    for name in registry.names(FAMILY):
        module = registry.load(FAMILY, name)
        if module.__name__.startswith(f"{FAMILY}."):
            tiny = sorted(one for one in vars(module) if one == "tiny" or one.startswith("tiny_"))
            found += [name + one.removeprefix("tiny").replace("_", ":", 1) for one in tiny]
    return sorted(found)


def rows(name: str, folder: Path, device: str = "cpu") -> tuple[Vectors, Vectors]:
    """(4, d) rows of the pictures and (4, d) rows of the texts by the model `name`, whose checkpoint goes to `folder`.

    Raises:
        ModuleNotFoundError: its family needs a library that is not installed.
        MiranteError: it cannot be opened.
    """
    encoder = open_model(name, folder, device)
    texts = [encoder.encode_texts([text]) for text in TEXTS]  # beside a long text a short one is padded by any rule
    return encoder.encode_images(pictures()), np.concatenate(texts)


def open_model(name: str, folder: Path, device: str) -> Encoder:
    """The embedded model `name`, or the tiny one of a family, with weights that depend on their names only."""
    settings = encoders.Settings(device=device)
    if name in _locate.embedded():
        return encoders.load(name, settings)
    family, _, variant = name.partition(":")
    write = getattr(registry.load(FAMILY, family), f"tiny_{variant}" if variant else "tiny")
    home = folder / name.replace(":", "-")
    address = write(home)
    for path in home.rglob("*.safetensors"):
        save_file({key: _weight(key, value) for key, value in load_file(path).items()}, path, {"format": "pt"})
    return encoders.load(address, settings)


def tested() -> str:
    """The versions that made the golden vectors, as pip takes them: `torch==2.13.0 transformers==5.23.0`."""
    with safe_open(HOME, "numpy") as file:
        return " ".join(f"{name}=={version}" for name, version in sorted((file.metadata() or {}).items()))


def distance(found: Vectors, golden: Vectors) -> float:
    """The greatest distance between a row and its golden one; infinite where there are other rows altogether."""
    if found.shape != golden.shape or not np.isfinite(found).all():
        return math.inf
    return float(np.linalg.norm(found - golden, axis=1).max())


def pictures() -> list[Image.Image]:
    """Gradients, stripes and a disc, by integer arithmetic alone."""
    drawn = []
    for width, height in SIDES:
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        disc = (x - width // 3) ** 2 + (y - height // 2) ** 2 < (min(width, height) // 3) ** 2
        planes = (x * 255 // width, (y * 255 // height + 90 * (x // 5 % 2)) % 256, np.where(disc, 230, (x + y) % 120))
        drawn.append(Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8)))
    return drawn


def compare(name: str, golden: tuple[Vectors, Vectors], folder: Path) -> Iterator[Finding]:
    """One model against its golden rows of pictures and texts, a finding a device; whatever fails is a finding too."""
    try:
        for device in _devices():
            far = [distance(*pair) for pair in zip(rows(name, folder, device), golden, strict=True)]
            values: dict[str, Scalar] = {
                "model": name,
                "device": device,
                "images": far[0],
                "texts": far[1],
                "tolerance": TOLERANCE,
            }
            if max(far) <= TOLERANCE:
                yield Finding("ok", "doctor.golden", values)
            else:
                yield Finding("wrong", "doctor.golden-differs", {**values, "versions": tested()})
    except ModuleNotFoundError as error:
        yield Finding("warn", "doctor.golden-skipped", {"model": name, "library": error.name or "", "extra": "torch"})
    except MissingLibrary as error:
        yield Finding("warn", "doctor.golden-skipped", {"model": name, "library": error.library, "extra": error.extra})
    except Exception as error:  # of whatever kind: this family does not work here
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        yield Finding("wrong", "doctor.golden-failed", {"model": name, "reason": reason, "versions": tested()})


def _weight(name: str, like: Vectors) -> Vectors:
    """Weights in the shape of `like`: from the name alone, in the range that a trained layer has.

    The bits come from PCG64 itself, which NumPy keeps from version to version.
    """
    if like.dtype != np.float32 or like.ndim == 0:
        return like
    bits = np.random.PCG64(crc32(name.encode())).random_raw(like.size)
    spread = ((np.asarray(bits) >> np.uint64(40)) / 2**23 - 1).reshape(like.shape).astype(np.float32)
    if like.ndim == 1:
        gain = name.endswith("weight") and ("norm" in name.lower() or _LN.search(name) is not None)
        return np.asarray(spread / 8 + float(gain), np.float32)
    fan_in = 1 if name.endswith(("token_embedding.weight", "position_embedding.weight")) else like[0].size
    return np.asarray(spread * np.float32(math.sqrt(3 / fan_in)), np.float32)


def _devices() -> list[str]:
    try:
        import torch
    except ModuleNotFoundError:
        return ["cpu"]
    return ["cpu", *(["cuda"] if torch.cuda.is_available() else ["mps"] if torch.backends.mps.is_available() else [])]
