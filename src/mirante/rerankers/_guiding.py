"""How a query guides an image tower: plain settings, of a training run and of a saved guide."""

from dataclasses import dataclass
from typing import Literal

from mirante.errors import UsageError

HEADS = 4
_WIDTH = 256


@dataclass(frozen=True)
class Guiding:
    """How a query guides the image tower.

    Args:
        form: `"prompts"`, tokens beside the patches (ELIP), or `"attention"`, in which every patch looks at the words
            of the query through a gate that starts shut (as in Flamingo: Alayrac et al. 2022, arXiv 2204.14198).
        entry: layers that a picture passes before it is guided; 0 is the paper's form, and what is below needs no
            query.
        deep: layers that are guided, from there on.
        prompts: m, tokens that enter (`form = "prompts"` only).
        reads: `"pooled"`, the query's row in the shared space (the paper), or `"tokens"`, every token of it, which
            still knows which word stands where.
        width: of the hidden layers; 0 for the paper's 1024 per prompt, or 256 where tokens are read.
        dropout: while it is trained.
    """

    form: Literal["prompts", "attention"] = "prompts"
    entry: int = 0
    deep: int = 1
    prompts: int = 10
    reads: Literal["pooled", "tokens"] = "pooled"
    width: int = 0
    dropout: float = 0.0

    @property
    def inner(self) -> int:
        """Width of the hidden layers."""
        return self.width or (1024 * self.prompts if self.reads == "pooled" else _WIDTH)


@dataclass(frozen=True)
class Sizes:
    """Widths that a guide is made for.

    Args:
        rows: d of the shared space.
        words: w of the text tower.
        tower: w of the image tower.
        length: tokens of a query.
    """

    rows: int
    words: int
    tower: int
    length: int


def check(guiding: Guiding) -> None:
    """Refuse what no guide can be.

    Raises:
        UsageError: a number is out of range, or two settings exclude each other.
    """
    for name, least in (("prompts", 1), ("deep", 1), ("entry", 0), ("width", 0)):
        if getattr(guiding, name) < least:
            raise UsageError(f"{name} of a guide must be at least {least}, not {getattr(guiding, name)}.")
    if not 0 <= guiding.dropout < 1:
        raise UsageError(f"dropout of a guide must be from 0 to less than 1, not {guiding.dropout:g}.")
    if guiding.form == "attention" and guiding.reads == "pooled":
        raise UsageError('form = "attention" looks at the words of a query: set reads = "tokens".')
    if guiding.reads == "tokens" and guiding.inner % HEADS:
        raise UsageError(f"width = {guiding.width} must be a multiple of {HEADS} where a guide reads tokens.")
