"""CLIPScore and RefCLIPScore: how well a caption fits its picture, without and with reference captions.

Source: Hessel et al. 2021 (arXiv 2104.08718, §3): CLIP-S = 2.5 · max(cos(caption, image), 0), captions with the prefix
"A photo depicts"; RefCLIP-S is the harmonic mean of CLIP-S and max(max over references cos(caption, reference), 0).
Published figures are of CLIP ViT-B/32; scores of different models cannot be compared.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mirante.errors import UsageError
from mirante.types import Vectors

WEIGHT = 2.5
PREFIXES = {"en": "A photo depicts ", "pt": "Uma foto mostra "}
"""What a caption of each language is put after; the Portuguese one is ours."""


def prefix(language: str) -> str:
    """The prefix for a BCP 47 tag such as `pt-BR`; of other and unknown languages, the paper's."""
    return PREFIXES.get(language[:2].lower(), PREFIXES["en"])


def clip_scores(images: Vectors, captions: Vectors) -> NDArray[np.float64]:
    """CLIPScore of n captions.

    Args:
        images: (n, d) unit rows, the picture of each caption.
        captions: (n, d) unit rows.

    Returns:
        (n,) scores from 0 to 2.5.

    Raises:
        UsageError: the two differ in shape.
    """
    if images.shape != captions.shape:
        raise UsageError(
            f"Pictures {images.shape} and captions {captions.shape} differ: give each caption its picture."
        )
    cosines = np.einsum("nd,nd->n", images, captions, dtype=np.float64)
    return np.asarray(WEIGHT * np.maximum(cosines, 0), np.float64)


def ref_clip_scores(images: Vectors, captions: Vectors, references: Sequence[Vectors]) -> NDArray[np.float64]:
    """RefCLIPScore of n captions.

    Args:
        images: (n, d) unit rows, the picture of each caption.
        captions: (n, d) unit rows.
        references: n arrays (r, d) of unit rows, at least one row each.

    Returns:
        (n,) scores; 0 where either part is.

    Raises:
        UsageError: not one set of references for each caption, or an empty one.
    """
    if len(references) != len(captions) or not all(len(one) for one in references):
        raise UsageError(
            f"{len(captions)} captions and {len([one for one in references if len(one)])} sets of references: give "
            "each caption at least one reference."
        )
    own = clip_scores(images, captions)
    nearest = np.array([float((rows @ caption).max()) for caption, rows in zip(captions, references, strict=True)])
    other = np.maximum(nearest, 0)
    total = own + other
    return np.asarray(2 * own * other / np.where(total > 0, total, 1), np.float64)
