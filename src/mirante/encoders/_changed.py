"""An encoder over another: other rows, made from its own or by other means, and an address that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PIL.Image import Image

from mirante import digests
from mirante.encoders import _address
from mirante.types import Encoder, Preparing, Provenance, Vectors


def with_options(made: Provenance, added: Mapping[str, object]) -> Provenance:
    """What made rows, after options that change them: they stand in the address, and in the preprocessing's digest."""
    if not added:
        return made
    plain, options = _address.split(made.model)
    told = " ".join(f"{name} {value}" for name, value in sorted(added.items()))
    digest = digests.short(f"{made.preprocessing} {told}")
    return replace(made, model=_address.join(plain, {**options, **added}), preprocessing=digest)


class Changed:
    """The rows of `whole` after `changed`.

    Address and preprocessing tell of the options, so the rows are of another space. What `whole` offers besides, to
    prepare pictures and to take them at a smaller scale, is offered on.

    Args:
        whole: the encoder.
        options: what changes its rows, as it stands in an address.
    """

    def __init__(self, whole: Encoder, **options: object) -> None:
        self.whole, self._options = whole, options
        self.scale: int | None = getattr(whole, "scale", None)
        if isinstance(whole, Preparing):
            self.prepare = whole.prepare
            self.encode_prepared = lambda prepared: self.changed(whole.encode_prepared(prepared))

    @property
    def provenance(self) -> Provenance:
        """That of the whole encoder, with the options."""
        return with_options(self.whole.provenance, self._options)

    @property
    def dim(self) -> int:
        """Width d of its rows."""
        return self.whole.dim

    @property
    def device(self) -> Any:
        """Where the network runs; None where there is none."""
        return getattr(self.whole, "device", None)

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """RGB pictures → (n, d) float32 rows of length 1."""
        return self.changed(self.whole.encode_images(images))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts → (n, d) float32 rows of length 1."""
        return self.changed(self.whole.encode_texts(texts))

    def changed(self, rows: Vectors) -> Vectors:
        """What becomes of the rows of the whole encoder."""
        return rows
