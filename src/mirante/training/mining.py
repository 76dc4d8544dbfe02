"""Hard negatives: batches of pictures and texts that the model, as it is now, finds alike."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from mirante.encoders._dual import DualEncoder


class Mining:
    """Searches for neighbours every so many steps."""

    def search(self, encoder: "DualEncoder", step: int) -> None:
        """Search again if it is time."""

    def tensors(self) -> Mapping[str, Tensor]:
        """What a state must keep."""
        return {}

    def restore(self, kept: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
