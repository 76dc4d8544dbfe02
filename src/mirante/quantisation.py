"""Models in 8 bits: calibrated on the user's pictures, measured on others of them, kept only where they cost little."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from PIL.Image import Image

from mirante.embeddings import embed_pairs
from mirante.encoders import Settings, load
from mirante.errors import DataError, ModelError, UnreadableImage
from mirante.evaluation import Comparison, Judgement, compare, evaluate
from mirante.evaluation import Settings as Conditions
from mirante.types import Direction, Embeddings, Encoder, Estimate, Pairs, Picture, Protocol

T = TypeVar("T")

METRIC = "hit_rate@1"
DIRECTIONS: tuple[Direction, ...] = ("text_to_image", "image_to_text")
_BATCH = 16
LEAST = 2


@dataclass(frozen=True)
class Change:
    """One direction, in fp32 and in int8, on the same queries.

    Args:
        protocol: the conditions.
        before: R@1 in fp32.
        after: R@1 in int8.
        difference: `after` less `before`.
        low: lower end of its 95 % interval, by the paired bootstrap.
        high: upper end.
    """

    protocol: Protocol
    before: Estimate
    after: Estimate
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Quantised:
    """What 8 bits change.

    Args:
        model: its address.
        runtime: that measured it.
        calibrated: pictures that the ranges of activations are from.
        measured: other pictures.
        cosine: kind → least and mean cosine of a row with the same row in fp32.
        changes: direction → what becomes of R@1.
    """

    model: str
    runtime: str
    calibrated: int
    measured: int
    cosine: dict[str, dict[str, float]]
    changes: dict[Direction, Change]

    @property
    def loss(self) -> float:
        """Points of R@1 lost from text to image, which decides; below 0 where there is a gain."""
        return -100 * self.changes["text_to_image"].difference

    def to_dict(self) -> dict[str, Any]:
        """The document of `mirante quantize --json`."""
        return {"schema": 1, **asdict(self), "loss": self.loss}


def quantise(pairs: Pairs, model: str, *, runtime: str, calibrated: int, tolerance: float) -> Quantised:
    """Make the int8 networks of `model` and keep them on this machine.

    Args:
        pairs: the user's; the first `calibrated` pictures and their captions calibrate, the others measure.
        model: address of an encoder of two plain towers.
        runtime: an engine that computes in int8.
        calibrated: pictures.
        tolerance: points of R@1 from text to image that may be lost.

    Raises:
        DataError: too few pictures.
        ModelError: more is lost than `tolerance`, and nothing is kept; or the model cannot be exported.
        UsageError: the model has other than two plain towers.
        MissingLibrary: a library for it is not installed.
    """
    from mirante.encoders import _exported

    if len(pairs.images) < calibrated + LEAST:
        raise DataError(
            f"{pairs.name!r} has {len(pairs.images)} pictures, {calibrated} are to calibrate and at least {LEAST} to "
            "measure: give more, or a smaller --calibrate."
        )
    encoder = _exported.exportable(load(model, Settings(device="cpu")))
    first = {one.id for one in pairs.images[:calibrated]}
    told, others = (
        pairs.without_images({one.id for one in pairs.images} - first),
        pairs.without_images(first),
    )
    before = _Rows.of(others, encoder)
    samples: dict[_exported.Kind, list[_exported.Arrays]] = {
        "images": [_exported.image_arrays(encoder, part) for part in _parts(_readable(told.images))],
        "texts": [_exported.text_arrays(encoder, [one.text for one in part]) for part in _parts(told.captions)],
    }

    def accept(exported: Encoder) -> Quantised:
        found = _compared(before, _Rows.of(others, exported), model, runtime, len(told.images))
        if not found.loss <= tolerance:
            raise ModelError(
                f"In 8 bits {model!r} loses {found.loss:.2f} points of R@1 on {found.measured} pictures, more than "
                f"{tolerance:g}: it is not kept. Stay with fp32, calibrate on more pictures, or raise --tolerance."
            )
        return found

    return _exported.quantise(encoder, samples, runtime, accept)


@dataclass(frozen=True)
class _Rows:
    """The rows of readable pairs, and how good they are."""

    images: Embeddings
    texts: Embeddings
    judged: dict[Direction, Judgement]

    @classmethod
    def of(cls, pairs: Pairs, encoder: Encoder) -> "_Rows":
        images, texts, unreadable = embed_pairs(pairs, encoder)
        readable = pairs.without_images(unreadable)
        judged = {
            direction: evaluate(
                images,
                texts,
                readable,
                Conditions(direction=direction, metrics=(METRIC,), language=pairs.language, dropped=len(unreadable)),
            )
            for direction in DIRECTIONS
        }
        return cls(images, texts, judged)


def _compared(before: _Rows, after: _Rows, model: str, runtime: str, calibrated: int) -> Quantised:
    cosine = {
        kind: {"least": float(found.min()), "mean": float(found.mean())}
        for kind, found in (
            ("images", _cosines(before.images, after.images)),
            ("texts", _cosines(before.texts, after.texts)),
        )
    }
    changes = {one: _change(before.judged[one], after.judged[one]) for one in DIRECTIONS}
    return Quantised(model, runtime, calibrated, len(after.images.ids), cosine, changes)


def _change(before: Judgement, after: Judgement) -> Change:
    found: Comparison = compare([after.per_query, before.per_query])[0]
    if found.first != after.per_query.model:
        found = found.turned()
    was, now = (one.result.metrics[METRIC] for one in (before, after))
    return Change(after.result.protocol, was, now, found.difference, found.low, found.high)


def _cosines(one: Embeddings, other: Embeddings) -> Any:
    return np.einsum("nd,nd->n", one.vectors, other.select(one.ids).vectors)


def _readable(pictures: Iterable[Picture]) -> Iterator[Image]:
    for one in pictures:
        with suppress(UnreadableImage):
            yield one.load()


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    given = iter(items)
    while part := list(islice(given, _BATCH)):
        yield part
