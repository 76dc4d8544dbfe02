"""What a captioner learns by: how likely it finds each word of a caption, given the picture and the words before it."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy


class Likelihood(nn.Module):
    """Cross-entropy of words, summed; padding and what stands before a caption are never counted.

    Args:
        smoothing: of labels (Szegedy et al. 2016, arXiv 1512.00567).
    """

    def __init__(self, smoothing: float = 0.0) -> None:
        super().__init__()
        self._smoothing = smoothing

    def forward(self, logits: Tensor, ids: Tensor, real: Tensor) -> Tensor:
        """(B, L, V) logits, the (B, L) ids that are right, and which of them are no padding, (B, L) bool → scalar."""
        total: Tensor = cross_entropy(logits[real].float(), ids[real], reduction="sum", label_smoothing=self._smoothing)
        return total

    def clamp(self) -> None:
        """It has no scale."""

    def write_back(self, module: nn.Module) -> None:
        """It learns nothing of its own."""
