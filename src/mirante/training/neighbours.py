"""Who is alike: for each picture the others whose picture or text a model confuses with its own.

Source: global hard-negative mining as for dense retrieval (ANCE: Xiong et al. 2021, arXiv 2007.00808), with groups of
neighbours in one batch as in ELIP (Zhan et al. 2025, arXiv 2502.15682). Exact, block by block.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mirante.types import Direction

Truth: TypeAlias = Callable[[int], NDArray[np.int64]]
"""Number of a picture → numbers of all pictures that a text of it describes, its own among them."""

_CELLS = 1 << 24


def nearest(
    images: Tensor,
    texts: Tensor,
    anchors: Tensor,
    *,
    count: int,
    direction: Direction,
    truth: Truth,
    ceiling: float,
) -> Tensor:
    """The `count` nearest neighbours of each anchor that are false, nearest first, (a, count) int64, −1 for none.

    Args:
        images: (n, d) unit rows of all pictures.
        texts: (n, d) unit rows of a text of each.
        anchors: (a,) int64, the pictures asked about.
        count: neighbours of each.
        direction: `"text_to_image"` looks for pictures near the anchor's text, `"image_to_text"` for texts near its
            picture.
        truth: pictures that are no negatives of one.
        ceiling: nor are those whose picture is nearer to the anchor's, or whose text is to its text, than this cosine.
    """
    asking, answering = (texts, images) if direction == "text_to_image" else (images, texts)
    found = torch.full((len(anchors), count), -1, dtype=torch.int64, device=images.device)
    size = max(1, _CELLS // len(images))
    for at in range(0, len(anchors), size):
        block = anchors[at : at + size]
        scores = asking[block] @ answering.T
        for rows in (images, texts):
            scores[rows[block] @ rows.T > ceiling] = -torch.inf
        scores[_true_cells(block, truth)] = -torch.inf
        best, places = scores.topk(min(count, len(images)), dim=1)
        found[at : at + size, : places.shape[1]] = torch.where(best.isinf(), -1, places)
    return found


def _true_cells(block: Tensor, truth: Truth) -> tuple[Tensor, Tensor]:
    """(row of the block, picture) of everything that is true."""
    known = [truth(anchor) for anchor in block.tolist()]
    rows = np.repeat(np.arange(len(known)), [len(one) for one in known])
    return torch.from_numpy(rows).to(block.device), torch.from_numpy(np.concatenate(known)).to(block.device)
