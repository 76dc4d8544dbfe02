"""Pictures decoded no larger than the encoder wants: a JPEG file is read at 1/2, 1/4 or 1/8 of its size.

The scaled transform averages where the reference resizes from all pixels: on photographs the rows keep a cosine of
0.999 and more, at a third of the time. Not for exact work, so the address tells of it.
"""

from mirante.encoders._changed import Changed
from mirante.encoders._tensors import is_naflex
from mirante.errors import UsageError
from mirante.types import Encoder


class Reduced(Changed):
    """The rows of `whole` for pictures that were decoded with at least `scale` pixels a side.

    Args:
        whole: an encoder that resizes every picture to one size.

    Raises:
        UsageError: it does not.
    """

    def __init__(self, whole: Encoder) -> None:
        super().__init__(whole, decode="reduced")
        processor = getattr(whole, "image_processor", None)
        if processor is None or is_naflex(processor):
            raise UsageError(
                f"{whole.provenance.model!r} does not resize pictures to one size, so they cannot be decoded smaller: "
                "use decode exact."
            )
        sides = (processor.size[name] for name in ("shortest_edge", "height", "width") if processor.size.get(name))
        self.scale = int(max(sides))
