"""Chat models that see, as encoders: one network for pictures and texts, read where it would begin to answer."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image

from mirante import digests
from mirante.encoders import Settings, _address, _checkpoint, _machine
from mirante.encoders._batched import Batched
from mirante.encoders._dual import PROBE
from mirante.encoders._readers import Reader, described
from mirante.encoders._speech import Speech
from mirante.errors import ModelError
from mirante.types import Provenance, Vectors

LENGTH = 512
"""Tokens of a text; longer ones are cut."""
ON_PROCESSOR, ON_ACCELERATOR = 4, 16
"""Items at once; halved where memory runs out."""


class ChatEncoder(Batched):
    """A vision-language model under a stated prompt; pictures and texts come out of one network, so of one space.

    Args:
        module: the network without its head: inputs → `last_hidden_state` (B, n, d).
        reader: prepares its inputs.
        speech: what it is told, and where it is read.
        origin: model address and the commit or hash of its weights.
        settings: device, precision, batch, and the options that chose `speech`.
    """

    def __init__(
        self, module: Any, reader: Reader, *, speech: Speech, origin: tuple[str, str], settings: Settings
    ) -> None:
        self.device = _machine.device(settings.device)
        self.module, self.reader, self.speech = module.to(self.device), reader, speech
        self.batch = settings.batch or (ON_PROCESSOR if self.device.type == "cpu" else ON_ACCELERATOR)
        address, revision = origin
        self._provenance = Provenance(
            _address.join(address, settings.options), revision, self._fingerprint(settings.precision)
        )

    @property
    def provenance(self) -> Provenance:
        """Of the checkpoint as it was opened; the address names prompt, pooling and instruction where they were given.

        The preprocessing is another for each of them, so their rows are never mixed.
        """
        return self._provenance

    @property
    def dim(self) -> int:
        """Width d of the network's states."""
        return int(self.module.config.get_text_config().hidden_size)

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """RGB pictures → (n, d) float32 rows of length 1.

        Raises:
            ModelError: not even one fits the device's memory.
        """
        said = self._said(self.speech.picture, picture=True)
        return self.rows(images, lambda part: self._features(self.reader.read([said] * len(part), part)))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts → (n, d) float32 rows of length 1.

        Raises:
            ModelError: not even one fits the device's memory.
        """
        return self.rows(texts, lambda part: self._features(self._tokens(part)))

    def save(self, folder: Path | str, *, half: bool = False) -> Path:
        """Write a whole checkpoint, as `DualEncoder.save` does; prompt and pooling belong to the address, not to it."""
        target = Path(folder)
        _checkpoint.write(target, self.module, self.reader.parts(), half=half)
        return target

    def _tokens(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        return self.reader.read([self._said(self.speech.words(self._short(text))) for text in texts], ())

    def _short(self, text: str) -> str:
        tokens = self.reader.tokenizer(text, add_special_tokens=False)["input_ids"]
        return text if len(tokens) <= LENGTH else str(self.reader.tokenizer.decode(tokens[:LENGTH]))

    def _said(self, words: str, *, picture: bool = False) -> str:
        content = [{"type": "image"}] if picture else []
        content += [{"type": "text", "text": words}] if words or not picture else []
        told = [{"role": "system", "content": [{"type": "text", "text": self.speech.system}]}]
        turns = [*(told if self.speech.system else []), {"role": "user", "content": content}]
        said: str = self.reader.tokenizer.apply_chat_template(
            turns, chat_template=self.reader.template, add_generation_prompt=True, tokenize=False
        )
        return said

    def _features(self, given: dict[str, torch.Tensor]) -> torch.Tensor:
        """Inputs → (B, d) states, not normalised."""
        inputs = {name: value.to(self.device) for name, value in given.items()}
        if "pixel_values" in inputs:
            inputs["pixel_values"] = inputs["pixel_values"].to(self.module.dtype)
        states: torch.Tensor = self.module(**inputs, use_cache=False).last_hidden_state
        mask = inputs["attention_mask"]
        if self.speech.pool == "mean":
            kept = mask.unsqueeze(-1).to(torch.float32)
            return (states.float() * kept).sum(dim=1) / kept.sum(dim=1)
        return states[torch.arange(len(states), device=states.device), mask.sum(dim=1) - 1]

    def _fingerprint(self, precision: str) -> str:
        """16 hex digits that change with anything between a picture or text and the network, prompt and pooling too."""
        content = {
            **described(self.reader),
            "speech": asdict(self.speech),
            "length": LENGTH,
            "probe": self._tokens(PROBE)["input_ids"].tolist(),
            "precision": precision,
        }
        return digests.of(content)


def require_template(template: Any, address: str) -> None:
    """Let pass only models that chat.

    Raises:
        ModelError: there is no chat template.
    """
    if not template or template == "None":
        raise ModelError(f"{address!r} has no chat template: use a model that was tuned to follow instructions.")
