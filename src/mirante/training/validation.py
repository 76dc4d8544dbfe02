"""Validation by retrieval, not by loss."""

from mirante.datasets import ReadOptions, open_dataset, read_pairs
from mirante.embeddings import embed_pairs
from mirante.evaluation import Settings, evaluate
from mirante.types import Encoder, Estimate, Pairs


def validation_pairs(address: str, language: str | None) -> Pairs:
    """The pairs at `address` to validate on."""
    return read_pairs(open_dataset(address, ReadOptions(language=language)), language=language)


def measure(encoder: Encoder, pairs: Pairs, *, resamples: int = 1000) -> dict[str, Estimate]:
    """Text-to-image metrics of `encoder` as it is now, unreadable pictures left out."""
    images, texts, unreadable = embed_pairs(pairs, encoder)
    readable = pairs.without_images(unreadable)
    judged = evaluate(images, texts, readable, Settings(resamples=resamples, dropped=len(unreadable)))
    return dict(judged.result.metrics)
