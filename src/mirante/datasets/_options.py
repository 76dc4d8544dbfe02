"""What a reader of data may be told; everything has a default."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadOptions:
    """How to read a data set, where guessing is not wanted.

    Args:
        image_column: name of the column with pictures (bytes or paths).
        text_column: name of the column with captions; several are joined by commas.
        language: language tag of the wanted captions, e.g. `"pt-BR"` or `"pt_BR"`; captions without a tag get it.
        image_root: folder that paths of pictures start from.
        config: configuration (subset) of a Hugging Face data set.
        streaming: read a Hugging Face data set over the network without storing it; its pictures keep their bytes.
    """

    image_column: str | None = None
    text_column: str | None = None
    language: str | None = None
    image_root: str | None = None
    config: str | None = None
    streaming: bool = False
