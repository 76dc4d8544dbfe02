"""A judge that runs here: a checkpoint of transformers that answers questions on pictures, of whatever family."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor

from mirante.encoders import Settings, _checkpoint, _machine
from mirante.encoders._chat import open_chat, written
from mirante.errors import ModelError
from mirante.rerankers._question import Question
from mirante.shown import shown
from mirante.types import Picture, Vectors

ON_CUDA = 8
"""Pictures that are asked about at once; one on a processor, where more are no faster."""


class LocalJudge:
    """An open model with its processor.

    Args:
        module: the network.
        processor: writes a chat out and turns it and its pictures into tensors.
        address: of the model.
        settings: device and batch.
    """

    def __init__(self, module: Any, processor: Any, *, address: str, settings: Settings) -> None:
        self.device = _machine.device(settings.device)
        self.module, self.processor, self.name = module.to(self.device), processor, address
        self.batch = settings.batch or (ON_CUDA if self.device.type == "cuda" else 1)
        processor.tokenizer.padding_side = "left"

    def log_odds(self, question: Question, text: str, pictures: Sequence[Picture]) -> Vectors:
        """(k,): the logits of the words for yes at the first place of the answer, summed, against those for no."""
        yes, no = answers(self.processor.tokenizer, question, self.name)
        words, found = question.about(text), []
        for at in range(0, len(pictures), self.batch):
            logits = self.logits(words, [shown(one.load()) for one in pictures[at : at + self.batch]])
            found.append(logits[:, yes].logsumexp(dim=1) - logits[:, no].logsumexp(dim=1))
        odds: Vectors = torch.cat(found).cpu().numpy() if found else np.empty(0, np.float32)
        return odds

    def logits(self, words: str, images: Sequence[Image]) -> Tensor:
        """One prompt and B pictures → (B, vocabulary) float32 logits of the first word of each answer."""
        said, start = written(self.processor, words, 1)
        with torch.inference_mode(), _checkpoint.quiet():
            given = self.processor(
                text=[said] * len(images),
                images=[[one] for one in images],
                padding=True,
                add_special_tokens=start,
                return_tensors="pt",
            ).to(self.device, self.module.dtype)
            made = self.module.generate(
                **given, max_new_tokens=1, do_sample=False, output_logits=True, return_dict_in_generate=True
            )
        first: Tensor = made.logits[0].float()
        return first


def answers(tokenizer: Any, question: Question, address: str) -> tuple[list[int], list[int]]:
    """The tokens that an answer of yes, and one of no, can begin with: as they are, capital, after a space.

    A token that begins both tells nothing and is left out, and so is a space of its own.

    Raises:
        ModelError: no token is left that tells them apart.
    """
    yes, no = _starts(tokenizer, question.yes), _starts(tokenizer, question.no)
    if not yes - no or not no - yes:
        raise ModelError(
            f"The tokenizer of {address!r} does not tell {question.yes[0]!r} from {question.no[0]!r} by the first "
            "token: use another model as judge."
        )
    return sorted(yes - no), sorted(no - yes)


def _starts(tokenizer: Any, words: Sequence[str]) -> set[int]:
    forms = (space + form for word in words for form in (word, word.capitalize()) for space in ("", " "))
    first = {tokenizer.encode(form, add_special_tokens=False)[0] for form in forms} - {tokenizer.unk_token_id}
    return {token for token in first if tokenizer.decode([token]).strip()}


def open_checkpoint(address: str, settings: Settings = Settings()) -> LocalJudge:  # noqa: B008 - frozen
    """Open the vision-language model at `address`: a local folder or a hub id.

    Raises:
        UnknownName: nothing of that name is at hand.
        ModelError: it is of a type that answers no questions, has no chat template, or is damaged or pickled.
    """
    module, processor, found = open_chat(address, settings)
    return LocalJudge(module, processor, address=found, settings=settings)
