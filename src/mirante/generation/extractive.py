"""No model: the answer is put together from captions and fields of what was found, and says that it is.

It repeats, it does not reason: the first items, each with a caption, the fields that the question names (all of them
where it names none), and its id as citation.
"""

import re
from collections.abc import Iterator

from mirante import messages
from mirante.errors import UsageError
from mirante.generation import Asked, Retrieved
from mirante.generation._prompt import value_of

MOST = 3
"""Items that an answer tells of."""
FIELDS = 4
"""Fields of an item that are told where the question names none."""
_WORD = re.compile(r"\w+")


class Extractive:
    """Repeats what was found."""

    @property
    def name(self) -> str:
        """`extractive`."""
        return "extractive"

    def generate(self, asked: Asked) -> Iterator[str]:
        """One line that says what this is, then one for each item."""
        yield messages.text("ask.extractive", asked.language)
        words = set(_WORD.findall(asked.question.casefold()))
        for item in asked.items[:MOST]:
            yield "\n" + _line(item, words)


def _line(item: Retrieved, words: set[str]) -> str:
    """A caption that shares most words with the question, fields, and the citation."""
    captions = sorted(item.captions, key=lambda one: -len(words & set(_WORD.findall(one.casefold()))))
    caption = value_of(Retrieved(item.id, tuple(captions)), "caption")
    named = [name for name in item.metadata if words & set(_WORD.findall(name.casefold().replace("_", " ")))]
    chosen = {name: item.metadata[name] for name in named or list(item.metadata)[:FIELDS]}
    fields = value_of(Retrieved(item.id, metadata=chosen), "metadata")
    told = " — ".join(filter(None, (caption, fields)))
    return f"- {told} [{item.label}]" if told else f"- [{item.label}]"


def open(address: str) -> Extractive:
    """`extractive`.

    Raises:
        UsageError: something follows a colon.
    """
    if address:
        raise UsageError(f"'extractive' needs no address, not {address!r}: write extractive.")
    return Extractive()
