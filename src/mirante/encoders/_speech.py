"""What a chat model is told so that its answer's first state stands for a picture or a text, and where it is read.

Sources: Jiang et al. 2024 (E5-V, arXiv 2407.12580) for a summary in one word; Li et al. 2026 (Qwen3-VL-Embedding, arXiv
2601.04720) for models that were trained to represent, under an instruction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from mirante.errors import UnknownName

Pooling: TypeAlias = Literal["last", "mean"]
OPTIONS = ("prompt", "pool", "instruction")
"""What an address may say after `#`, as in `MODEL#pool=mean`."""


@dataclass(frozen=True)
class Speech:
    """How a chat model is asked for a vector.

    Args:
        picture: said behind the picture.
        text: said in place of a text, `{text}` is the text itself.
        system: the instruction, `""` for the chat template's own.
        pool: `"last"`: the state of the last token, which has seen all; `"mean"`: of all tokens.
    """

    picture: str
    text: str
    system: str = ""
    pool: Pooling = "last"

    def words(self, text: str) -> str:
        """What is said in place of `text`."""
        return self.text.replace("{text}", text)

    def instructed(self, instruction: str) -> "Speech":
        """The same with another instruction: to the system where there is one, else behind picture and text."""
        if self.system:
            return replace(self, system=instruction)
        return replace(self, picture=instruction, text="{text}\n" + instruction)


PROMPTS: Mapping[str, Speech] = {
    "one-word": Speech(
        picture="Summary above image in one word: ", text="{text}\nSummary above sentence in one word: "
    ),
    "represent": Speech(picture="", text="{text}", system="Represent the user's input."),
}
"""`one-word` for models that chat, `represent` for models that were trained to embed."""


def chosen(options: Mapping[str, str], default: str) -> Speech:
    """The speech that an address asks for; `default` is the family's own prompt.

    Raises:
        UnknownName: no such prompt or pooling.
    """
    name, pool = options.get("prompt", default), options.get("pool", "last")
    if name not in PROMPTS:
        raise UnknownName("prompt", name, PROMPTS)
    if pool not in get_args(Pooling):
        raise UnknownName("pooling", pool, get_args(Pooling))
    speech = replace(PROMPTS[name], pool="mean" if pool == "mean" else "last")
    return speech.instructed(options["instruction"]) if "instruction" in options else speech
