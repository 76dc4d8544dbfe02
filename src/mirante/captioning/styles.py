"""How captions are written: beams or sampling, and how long they may be."""

from dataclasses import dataclass

from mirante.errors import UsageError


@dataclass(frozen=True)
class Style:
    """How a captioner writes.

    Args:
        prompt: words that every caption goes on from and that are not part of it, such as BLIP's "a picture of".
        beams: searched side by side; 1 writes the likeliest next word each time.
        tokens: of a caption, at most.
        least: of a caption, at least.
        temperature: of sampling; 0 does not sample.
        top_p: likeliest words that make up this probability are sampled from.
        seed: of sampling; the same pictures in the same batches get the same captions.
        characters: of a caption, at most, cut at a word; 0 for no limit.
    """

    prompt: str = ""
    beams: int = 1
    tokens: int = 40
    least: int = 0
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    characters: int = 0

    def __post_init__(self) -> None:
        bounds = {"beams": (1, 64), "tokens": (1, 4096), "least": (0, self.tokens), "temperature": (0, 100)}
        bounds |= {"top_p": (0, 1), "characters": (0, 1_000_000)}
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"{name} of a caption must be from {low} to {high}, not {value!r}: change it.")
        if self.temperature and self.beams > 1:
            raise UsageError(
                f"beams = {self.beams} search and temperature = {self.temperature:g} samples: give one of the two."
            )


def cut(text: str, characters: int) -> str:
    """At most so many characters, ending with a whole word; 0 for no limit.

    >>> cut("um gato preto dorme", 12)
    'um gato'
    """
    plain = " ".join(text.split())
    if not characters or len(plain) <= characters:
        return plain
    short = plain[: characters + 1].rpartition(" ")[0] or plain[:characters]
    return short.rstrip(" ,;:–-")
