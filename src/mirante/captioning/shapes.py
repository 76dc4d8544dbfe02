"""The shape of a decoder that is to be made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NewDecoder:
    """A decoder to be made from nothing: GPT-2's blocks with cross-attention (Radford et al. 2019).

    Args:
        width: of the decoder.
        depth: number of its layers.
        head_width: width of one attention head.
        vocabulary: tokens of the tokenizer that is trained on the captions.
        dropout: of every layer.
    """

    width: int = 128
    depth: int = 3
    head_width: int = 32
    vocabulary: int = 1000
    dropout: float = 0.1
