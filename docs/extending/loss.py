"""A loss in one file: the triplet margin over every negative of the batch (`triplet` counts the hardest only).

Source: the sum-of-hinges loss of Faghri et al. 2018 (VSE++, arXiv 1707.05612, equation 4), text to image.
"""

from torch import Tensor, nn


class Loss(nn.Module):
    """How far each false image comes within `margin` of the worst true one; `Loss()` needs no argument."""

    def __init__(self, margin: float = 0.2) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, images: Tensor, texts: Tensor, positives: Tensor) -> Tensor:
        """Unit rows, images (B, d) and texts (T, d), positives (T, B) bool → scalar, the mean over texts."""
        cosines, true = texts @ images.T, positives[:]  # the slice is dense, whichever form the truth came in
        worst = cosines.masked_fill(~true, 1.0).min(dim=1, keepdim=True).values
        excess = (self.margin + cosines - worst).clamp(min=0).masked_fill(true, 0.0)
        return excess.sum(dim=1).mean()
