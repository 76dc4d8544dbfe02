"""Symmetric InfoNCE, the loss of CLIP, with several positives and label smoothing.

Source: Radford et al. 2021 (arXiv 2103.00020); an anchor with several positives counts the probability of all of
them together, so that equal captions are never negatives of each other. Smoothing is that of Szegedy et al. 2016
(arXiv 1512.00567, section 7): of each anchor's truth the share ε is spread evenly over all choices, and the term is
(1 − ε) · (−log p(positives)) + ε · KL(even ‖ p). With the cross-entropy in place of KL, from which it differs by the
constant log m of m choices, a text told twice would cost more.
"""

import math

import torch
from torch import Tensor, nn

from mirante.losses._options import real
from mirante.losses._positives import Truth
from mirante.losses._softmax import symmetric


class Loss(nn.Module):
    """Cross-entropy of each text over the images and of each image over the texts, at a learned temperature.

    Args:
        scale: factor of the cosines at the start.
        smoothing: share ε of the truth spread over all choices, 0 to less than 1.

    Raises:
        ValueError: an option is out of range.
    """

    def __init__(self, scale: float = 1 / 0.07, smoothing: float = 0.0) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(real("scale", scale, above=0))))
        self.smoothing = real("smoothing", smoothing, least=0, below=1)

    def forward(self, images: Tensor, texts: Tensor, positives: Truth) -> Tensor:
        """Images (B, d) and texts (T, d) of length 1, positives (T, B) bool → scalar.

        A text without an image here, or an image without a text, is only a negative.
        """
        return symmetric(texts, images, positives[:], scale=self.logit_scale.exp(), smoothing=self.smoothing)
