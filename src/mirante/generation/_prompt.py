"""What a model is told: its rules, the items between marks that nothing in them can forge, and the question.

Captions, fields and ids are data. Their brackets are replaced, so that none can close an item, open another, look like
a citation, or write a mark of the chat; and the rules, which no template can leave out, say that they order nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from PIL.Image import Image

from mirante import messages
from mirante.errors import UnreadableImage
from mirante.generation import Asked, Retrieved
from mirante.generation._template import filled, packaged
from mirante.quoting import unmarked
from mirante.shown import shown
from mirante.types import Scalar


@dataclass(frozen=True)
class Prompt:
    """What is said and shown.

    Args:
        system: who the model is, and its rules.
        words: the items and the question.
        images: RGB pictures, in the order of `pictured`.
        pictured: labels of the items that they show.
    """

    system: str
    words: str
    images: tuple[Image, ...]
    pictured: tuple[str, ...]

    @property
    def whole(self) -> str:
        """Rules and words as one text, for models that know no system role."""
        return f"{self.system}\n\n{self.words}"


def prompt_for(asked: Asked, *, pictures: bool = True) -> Prompt:
    """The prompt for a question; items whose picture cannot be read, or all without `pictures`, are told in words."""
    template = asked.template or packaged(asked.language)
    seen = list(_seen(asked.items)) if pictures else []
    pictured = tuple(label for label, _ in seen)
    rules = [template.system.strip(), messages.text("ask.rules", asked.language)]
    if pictured:
        listed = " ".join(f"[{label}]" for label in pictured)
        rules.append(messages.text("ask.pictured", asked.language, items=listed))
    said = {
        "items": "\n".join(_marked(one, template.item) for one in asked.items),
        "question": unmarked(asked.question),
        "language": asked.language,
    }
    words = filled(template.prompt, said.__getitem__).strip()
    return Prompt("\n".join(filter(None, rules)), words, tuple(image for _, image in seen), pictured)


def _marked(item: Retrieved, template: str) -> str:
    told = filled(template, lambda name: value_of(item, name)).strip()
    return f"<item id={item.label}>\n{told}\n</item>"


def value_of(item: Retrieved, name: str) -> str:
    """A field of an item as text that is data; empty where it has none."""
    if name.startswith("metadata."):
        found = item.metadata.get(name.removeprefix("metadata."), "")
        return unmarked(_written(found))
    fields = {
        "id": item.label,
        "caption": unmarked(item.captions[0]) if item.captions else "",
        "captions": " · ".join(unmarked(one) for one in item.captions),
        "relevance": "" if item.relevance is None else f"{100 * item.relevance:.0f} %",
        "metadata": "; ".join(f"{unmarked(key)}: {unmarked(_written(one))}" for key, one in item.metadata.items()),
    }
    return fields[name]


def _written(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _seen(items: tuple[Retrieved, ...]) -> Iterator[tuple[str, Image]]:
    for item in items:
        try:
            image = item.image() if item.image else None
        except UnreadableImage:
            continue
        if image is not None:
            yield item.label, shown(image.convert("RGB"))
