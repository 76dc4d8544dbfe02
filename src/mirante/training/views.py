"""How each view of a batch becomes unit rows: its pictures and texts, changed ones, and those of the teacher."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from mirante.batch import Batch
from mirante.encoders._tensors import shortened
from mirante.progress import track
from mirante.training import augment, patches
from mirante.training.config import TrainConfig
from mirante.training.pictures import Pictures

if TYPE_CHECKING:
    from mirante.encoders._dual import DualEncoder

_CHUNK = 256


@dataclass(frozen=True)
class View:
    """One side of a batch.

    Args:
        of: what it reads from a batch.
        encode: a part of that → (n, d) unit rows, fp32; random changes are drawn from torch's global generator.
        learns: whether a gradient flows back through it.
    """

    of: Literal["rows", "texts"]
    encode: Callable[[Any], Tensor]
    learns: bool

    def items(self, batch: Batch) -> Sequence[Any]:
        """What it reads from `batch`."""
        items: Sequence[Any] = getattr(batch, self.of)
        return items


def make(
    names: Sequence[str],
    config: TrainConfig,
    encoder: "DualEncoder",
    pictures: Pictures,
    autocast: Callable[[], Any],
) -> dict[str, View]:
    """The views `images`, `texts` and `names`; a locked image tower sees every picture once, before the first step.

    Args:
        names: out of `losses.VIEWS`.
        config: says what is trained, and how many patches are dropped.
        encoder: the model to train.
        pictures: pixels by row.
        autocast: gives the context of the forward pass.
    """

    def images(model: "DualEncoder", change: Callable[[Tensor], Tensor] | None = None) -> Callable[[Any], Tensor]:
        return image_rows(model, pictures, autocast, change)

    def texts(model: "DualEncoder", change: Callable[[str], str] = str) -> Callable[[Any], Tensor]:
        return text_rows(model, autocast, change)

    sees, reads = config.trained.image != "none", config.trained.text != "none"
    patches.drop(encoder.module, config.drop_patches)
    views = {
        "images": View("rows", images(encoder), True) if sees else _once(images(encoder), encoder, len(pictures)),
        "texts": View("texts", texts(encoder), reads),
    }
    teacher = _frozen(encoder) if any(name.startswith("teacher") for name in names) else encoder
    makers: dict[str, Callable[[], View]] = {
        "other_images": lambda: View("rows", images(encoder, augment.picture), sees),
        "other_texts": lambda: View("texts", texts(encoder, augment.text), reads),
        "teacher_images": lambda: _once(images(teacher), teacher, len(pictures)),
        "teacher_texts": lambda: View("texts", texts(teacher), False),
    }
    return views | {name: makers[name]() for name in names}


def image_rows(
    model: "DualEncoder",
    pictures: Pictures,
    autocast: Callable[[], Any],
    change: Callable[[Tensor], Tensor] | None = None,
) -> Callable[[Any], Tensor]:
    """Encodes pictures by their rows, (B,) int64 → (B, d) unit rows; `change` is made to their pixels first."""

    def encode(rows: Any) -> Tensor:
        pixels = pictures.batch(rows).to(model.device)
        with autocast():
            return normalize(model.image_features(change(pixels) if change else pixels).float(), dim=-1)

    return encode


def text_rows(
    model: "DualEncoder", autocast: Callable[[], Any], change: Callable[[str], str] = str
) -> Callable[[Any], Tensor]:
    """Encodes T texts → (T, d) unit rows; `change` is made to each first."""

    def encode(told: Any) -> Tensor:
        tokens = shortened(model.tokens([change(text) for text in told]))
        with autocast():
            return normalize(model.text_features(tokens).float(), dim=-1)

    return encode


def encode_all(
    encode: Callable[[Any], Tensor],
    items: Sequence[Any] | NDArray[np.int64],
    model: "DualEncoder",
    *,
    label: str,
    unit: str,
) -> Tensor:
    """(n, d) rows of n items by the model as it is now, in evaluation mode and without gradient."""
    chunks, training = [items[at : at + _CHUNK] for at in range(0, len(items), _CHUNK)], model.module.training
    model.module.eval()
    with torch.no_grad():
        rows = torch.cat([encode(c) for c in track(chunks, label, total=len(items), unit=unit, size=len)])
    model.module.train(training)
    return rows


def _once(encode: Callable[[Any], Tensor], model: "DualEncoder", count: int) -> View:
    """The view of a tower that stays as it is: all rows are encoded now and looked up later."""
    rows = encode_all(encode, np.arange(count), model, label="frozen images", unit="pictures")
    return View("rows", lambda wanted: rows[torch.from_numpy(wanted).to(rows.device)], False)


def _frozen(encoder: "DualEncoder") -> "DualEncoder":
    """A copy of the model as it is now, which never changes."""
    teacher = copy.copy(encoder)
    teacher.module = copy.deepcopy(encoder.module).requires_grad_(False).eval()
    return teacher
