"""Nearest-neighbour supervision: an image also matches an earlier text that says nearly what its own says.

Source: DeCLIP (Li et al. 2022, arXiv 2110.05208, section 3.3), after NNCLR (Dwibedi et al. 2021, arXiv 2104.14548).
The rows of the texts of the last steps lie in a queue; each text is replaced by its nearest there. Texts that have the
same neighbour share their positives, else the neighbour would be true and false of one image at once.
"""

from typing import Any

import torch
from torch import Tensor, nn

from mirante.losses._options import count, real
from mirante.losses._positives import Truth
from mirante.losses._softmax import symmetric

_BLOCK = 1024


class Loss(nn.Module):
    """Symmetric InfoNCE of the images and the nearest neighbours of their texts.

    In training mode each call ends by adding its texts to the queue, whose rows carry no gradient. While the queue is
    empty a text is its own neighbour. Keep `size` below the number of different captions: beyond it the nearest row
    is the text itself as it was an epoch ago.

    Args:
        size: texts that the queue holds; the oldest leave.
        temperature: the cosines are divided by it.

    Raises:
        ValueError: an option is out of range.
    """

    queue: Tensor

    def __init__(self, size: int = 16384, temperature: float = 0.07) -> None:
        super().__init__()
        self.size = count("size", size)
        self.scale = 1 / real("temperature", temperature, above=0)
        self.register_buffer("queue", torch.empty(0, 0))

    def forward(self, images: Tensor, texts: Tensor, positives: Truth) -> Tensor:
        """Images (B, d) and texts (T, d) of length 1, positives (T, B) bool → scalar.

        The neighbour of a text without an image here, or an image without a text, is only a negative.
        """
        nearest, table = self._nearest(texts), positives[:]
        loss = symmetric(nearest, images, _shared(nearest, table), scale=self.scale, smoothing=0.0)
        if self.training:
            self._remember(texts)
        return loss

    def _nearest(self, texts: Tensor) -> Tensor:
        """(T, d) → the row of the queue with the highest cosine to each."""
        if not len(self.queue):
            return texts
        queue, asked = self.queue.to(texts), texts.detach()
        found = [(asked[at : at + _BLOCK] @ queue.T).argmax(dim=1) for at in range(0, len(asked), _BLOCK)]
        return queue[torch.cat(found)]

    @torch.no_grad()
    def _remember(self, texts: Tensor) -> None:
        kept = [self.queue.to(texts), texts] if len(self.queue) else [texts]
        self.queue = torch.cat(kept)[-self.size :].clone()

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """The queue of a state has the length and width that it had then."""
        stored = state_dict.get(f"{prefix}queue")
        if stored is not None:
            self.queue = self.queue.new_empty(stored.shape)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _shared(rows: Tensor, positives: Tensor) -> Tensor:
    """(T, B): what is true of a row of `rows` (T, d) or of one equal to it."""
    number = torch.unique(rows.detach(), dim=0, return_inverse=True)[1]
    union = torch.zeros_like(positives, dtype=torch.int32).index_add_(0, number, positives.to(torch.int32))
    return union[number] > 0
