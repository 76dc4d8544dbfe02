"""Triplet margin with the hardest negative of the batch (VSE++).

Source: Faghri et al. 2018 (VSE++, arXiv 1707.05612, equation 6, "max of hinges"), in both directions. The paper has
one image per text; with several, each true cell is a triplet of its own against its anchor's hardest negative, and an
anchor's term is the mean of its triplets.
"""

from torch import Tensor, nn

from mirante.losses._options import real
from mirante.losses._positives import Truth


class Loss(nn.Module):
    """How far the nearest false choice comes within `margin` of each true one, of texts and of images.

    Args:
        margin: cosine by which a true choice must be nearer than every false one.

    Raises:
        ValueError: the margin is negative.
    """

    def __init__(self, margin: float = 0.2) -> None:
        super().__init__()
        self.margin = real("margin", margin, least=0)

    def forward(self, images: Tensor, texts: Tensor, positives: Truth) -> Tensor:
        """Images (B, d) and texts (T, d) of length 1, positives (T, B) bool → scalar.

        The sum of the mean over texts and the mean over images, of those that have a positive; the others are only
        negatives. An anchor without a negative costs nothing.
        """
        cosines, table = texts @ images.T, positives[:]
        return self._one_way(cosines, table) + self._one_way(cosines.T, table.T)

    def _one_way(self, cosines: Tensor, positives: Tensor) -> Tensor:
        rows = positives.any(dim=1)
        cosines, positives = cosines[rows], positives[rows]
        if not len(cosines):
            return cosines.sum()
        hardest = cosines.masked_fill(positives, float("-inf")).amax(dim=1, keepdim=True)
        excess = (self.margin + hardest - cosines).clamp(min=0).masked_fill(~positives, 0.0)
        return (excess.sum(dim=1) / positives.sum(dim=1)).mean()
