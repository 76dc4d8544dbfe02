"""What is trained: a model that writes captions."""

import copy
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from mirante.captioning import decoder
from mirante.captioning.captioner import Captioner, open_captioner
from mirante.captioning.measures import measure
from mirante.captioning.references import conditions, of_pictures
from mirante.captioning.styles import Style
from mirante.captioning.writing import describe
from mirante.encoders import Settings, _adapters
from mirante.training import adapters, captions, parts
from mirante.training.config import Caption, TrainConfig
from mirante.training.data import Sets, words
from mirante.training.pictures import Pictures, input_size
from mirante.training.snapshot import Measured, Written
from mirante.training.start import open_model
from mirante.training.task import Task
from mirante.types import Pairs

if TYPE_CHECKING:
    from accelerate import Accelerator


class Writes:
    """A captioner in training, or as it was opened.

    Args:
        config: the run; its `trained` says what of the captioner is trained.
        caption: its `caption`, known to be there.
        captioner: changed in place.
    """

    def __init__(self, config: TrainConfig, caption: Caption, captioner: Captioner) -> None:
        self._config, self._caption, self._captioner = config, caption, captioner

    def choose(self) -> tuple[int, int]:
        """Unlock what is trained → numbers that are trained, and all."""
        module, trained = self._captioner.module, self._config.trained
        sees = self._captioner.form.vision
        allowed = {True: trained.image != "none", False: trained.text != "none"}

        def wanted(name: str) -> bool:
            return allowed[name.startswith(sees)]

        for name, parameter in module.named_parameters():
            parameter.requires_grad_(wanted(name))
        if trained.lora:
            adapters.inject(module, trained.lora, wanted)
        return parts.counts(module)

    def task(self, pictures: Pictures, accelerator: "Accelerator") -> Task:
        """What a run over these pictures learns."""
        return captions.task(self._config, self._caption, self._captioner, pictures, accelerator)

    def save(self, folder: Path) -> Path:
        """Write the checkpoint: whole weights, adapters folded in."""
        plain = copy.copy(self._captioner)
        if self._config.trained.lora:
            plain.module = _adapters.merge(copy.deepcopy(plain.module))
        return plain.save(folder)

    def reopen(self, folder: Path) -> "Writes":
        """The checkpoint, to be measured."""
        settings = Settings(device=str(self._captioner.device))
        return Writes(self._config, self._caption, open_captioner(str(folder), settings, prompt=self._caption.prompt))

    def tune(self, sets: Sets) -> None:
        """Nothing: it has nothing to choose."""

    def measure(self, pairs: Pairs, *, resamples: int = 1000) -> Measured:
        """Its captions of the pictures of `pairs` against theirs, unreadable pictures left out."""
        style = Style(beams=self._caption.beams, tokens=self._caption.tokens)
        described = frozenset[str]().union(*pairs.relevance.values())
        wanted = [image for image in pairs.images if image.id in described]
        answers = [one for some in describe(self._captioner, wanted, style) for one in some]
        written = {one.picture.id: one.caption for one in answers if not one.reason}
        told = {one: texts for one, texts in of_pictures(pairs).items() if one in written}
        language = pairs.language or self._config.data.language or ""
        metrics = measure(written, told, language=language, resamples=resamples)
        said = conditions(pairs, told, language=language, missing=len(answers) - len(written))
        shown = islice(written.items(), self._caption.shown)
        return Measured(metrics, said, tuple(Written(one, text, tuple(told[one][:1])) for one, text in shown))


def open_captioner_of(config: TrainConfig, caption: Caption, device: str) -> Captioner:
    """The captioner that a run trains: `model.start` itself, or a new one with its image tower."""
    settings = Settings(device=device, revision=config.model.revision)
    if caption.decoder is None:
        captioner = open_captioner(config.model.start or "", settings, prompt=caption.prompt)
    else:
        texts = list(words(config))
        encoder = open_model(config.model, texts, device)
        captioner = decoder.build(encoder, caption.decoder, texts, longest=caption.tokens, prompt=caption.prompt)
    input_size(captioner)
    return captioner
