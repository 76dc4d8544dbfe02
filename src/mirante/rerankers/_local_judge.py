"""A judge that runs here: a checkpoint of transformers that answers questions on pictures, of whatever family."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL.Image import Image
from torch import Tensor
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as FAMILIES

from mirante.encoders import Settings, _checkpoint, _locate, _machine
from mirante.errors import ModelError
from mirante.rerankers._question import Question
from mirante.rerankers._shown import shown
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
        content = [{"type": "image"}, {"type": "text", "text": words}]
        template = self.processor
        silent = {"enable_thinking": False} if "enable_thinking" in str(template.chat_template) else {}
        said = template.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, **silent
        )
        start = self.processor.tokenizer.bos_token
        with torch.inference_mode(), _checkpoint.quiet():
            given = self.processor(
                text=[said] * len(images),
                images=[[one] for one in images],
                padding=True,
                add_special_tokens=not (start and said.startswith(start)),
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
    found = _locate.locate(address, settings.revision)
    kind = _locate.model_type(found)
    if kind not in FAMILIES:
        raise ModelError(
            f"{address!r} is a model of type {kind!r}, which answers no questions on pictures: use one of type llava, "
            "qwen2_vl, smolvlm or another that takes pictures and text and writes text."
        )
    processor = _processor(found.address, found.folder)
    if not processor.chat_template:
        raise ModelError(f"{address!r} has no chat template: use a model that was tuned to follow instructions.")
    module = _checkpoint.read_module(
        transformers.AutoModelForImageTextToText, found.address, found.folder, settings.precision
    )
    return LocalJudge(module, processor, address=found.address, settings=settings)


def _processor(address: str, folder: Path) -> Any:
    try:
        with _checkpoint.quiet():
            return transformers.AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except ImportError as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"The processor of {address!r} needs a library that is not installed ({reason}): install it, e.g. "
            "pip install torchvision."
        ) from error
    except _checkpoint.DAMAGE as error:
        raise _checkpoint.unreadable("The processor", address, error) from error
