"""Self-supervision within each modality: two views of a picture agree, and two views of a text.

Source: the idea of DeCLIP (Li et al. 2022, arXiv 2110.05208, section 3.2). DeCLIP compares pictures with SimSiam and
lets texts guess masked words; both need networks of their own, which no checkpoint of CLIP or SigLIP has, and the
second needs the rows of single tokens. Here both sides use the contrast of SimCLR (Chen et al. 2020,
arXiv 2002.05709), which learns nothing beside the towers: each item must find its other view among those of the batch.
"""

from torch import Tensor, nn

from mirante.losses._options import real
from mirante.losses._positives import Truth
from mirante.losses._softmax import symmetric, together


class Loss(nn.Module):
    """InfoNCE between the two views of the pictures, and between those of the texts; the mean of both.

    Args:
        temperature: the cosines are divided by it.

    Raises:
        ValueError: the temperature is not above 0.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.scale = 1 / real("temperature", temperature, above=0)

    def forward(
        self, images: Tensor, texts: Tensor, positives: Truth, *, other_images: Tensor, other_texts: Tensor
    ) -> Tensor:
        """Images (B, d) and texts (T, d) of length 1, positives (T, B) bool, other views like them → scalar.

        Pictures that share a text, and texts that share a picture, are no negatives of each other. A text without an
        image here, or an image without a text, is only a negative.
        """
        table = positives[:]
        of_images = symmetric(images, other_images, together(table.T), scale=self.scale, smoothing=0.0)
        of_texts = symmetric(texts, other_texts, together(table), scale=self.scale, smoothing=0.0)
        return (of_images + of_texts) / 2
