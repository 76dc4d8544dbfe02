"""Generators: a question and what was retrieved for it go in, an answer that cites it comes out, piece by piece.

Each module here is one kind, named on the command line as `KIND` or `KIND:ADDRESS`, and provides
`open(address) -> Generator`: `address` is what follows the colon, `""` where nothing does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol as Interface

from PIL.Image import Image

from mirante import registry
from mirante.errors import MissingLibrary
from mirante.generation._template import Template, read_template
from mirante.quoting import unmarked
from mirante.types import Metadata

__all__ = ["Asked", "Generator", "Retrieved", "Template", "open_generator", "read_template"]


@dataclass(frozen=True)
class Retrieved:
    """One entry that was found.

    Args:
        id: of the entry.
        captions: its texts.
        metadata: its fields.
        image: loads its picture, or raises `UnreadableImage`; None where there is none.
        relevance: calibrated probability that it is what was asked for, None where that is not known.
    """

    id: str
    captions: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=dict)
    image: Callable[[], Image] | None = field(default=None, repr=False, compare=False)
    relevance: float | None = None

    @property
    def label(self) -> str:
        """What it is cited by, `[label]`: its id, on one line and without brackets."""
        return unmarked(self.id)


@dataclass(frozen=True)
class Asked:
    """A question, and what an answer may rest on.

    Args:
        question: as it was asked.
        language: of the answer, `"en"` or `"pt"`.
        items: what was found, best first.
        template: how models are asked; None for the packaged one of the language.
    """

    question: str
    language: str
    items: tuple[Retrieved, ...]
    template: Template | None = None


class Generator(Interface):
    """Answers questions about retrieved items."""

    @property
    def name(self) -> str:
        """What opens it again, e.g. `"extractive"`, for people and protocols."""

    def generate(self, asked: Asked) -> Iterator[str]:
        """The answer in pieces of text as they come; closing the iterator ends the work.

        Raises:
            ModelError: the model cannot be reached or used; what came before stays.
        """


def open_generator(address: str) -> Generator:
    """Open `KIND[:ADDRESS]`; nothing is sent anywhere yet.

    Raises:
        UnknownName: no such kind.
        UsageError: the address is wrong.
        ModelError: the checkpoint answers no questions.
        MissingLibrary: it needs a library that is not installed.
    """
    kind, _, rest = address.partition(":")
    module = registry.load(__name__, kind)
    try:
        opened: Generator = module.open(rest)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in ("", "mirante"):
            raise
        raise MissingLibrary(library, "torch", f"The generator {kind!r}") from error
    return opened
