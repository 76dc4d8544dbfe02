"""Distillation from the starting model: what it found alike stays alike, so that less is forgotten.

Source: Hinton et al. 2015 (arXiv 1503.02531): a softened softmax of the teacher is the target; Li and Hoiem 2016
(Learning without Forgetting, arXiv 1606.09282): the teacher is the model before fine-tuning, asked about the new data.
Hinton's factor, the square of the temperature, is left to the weight of the term.
"""

from torch import Tensor, nn
from torch.nn.functional import kl_div

from mirante.losses._options import real
from mirante.losses._positives import Truth


class Loss(nn.Module):
    """KL(teacher ‖ student) of each text over the images and of each image over the texts; the mean of both.

    Args:
        temperature: the cosines of both models are divided by it; the higher, the more the order far from the top
            counts.

    Raises:
        ValueError: the temperature is not above 0.
    """

    def __init__(self, temperature: float = 0.05) -> None:
        super().__init__()
        self.scale = 1 / real("temperature", temperature, above=0)

    def forward(
        self, images: Tensor, texts: Tensor, positives: Truth, *, teacher_images: Tensor, teacher_texts: Tensor
    ) -> Tensor:
        """Images (B, d) and texts (T, d) of length 1, and those of the teacher → scalar.

        The positives are not read: the teacher says what is alike. No gradient reaches its rows.
        """
        student = self.scale * texts @ images.T
        teacher = self.scale * teacher_texts.detach() @ teacher_images.detach().T
        return (_one_way(student, teacher) + _one_way(student.T, teacher.T)) / 2


def _one_way(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean over rows of KL(teacher ‖ student), of logits (n, m)."""
    return kl_div(student.log_softmax(dim=1), teacher.log_softmax(dim=1), reduction="batchmean", log_target=True)
