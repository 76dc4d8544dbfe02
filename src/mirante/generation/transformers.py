"""A vision-language model that runs here: any checkpoint of transformers that takes pictures and text and writes text.

`transformers:MODEL`, a local folder or a hub id of the LLaVA, LLaVA-OneVision, Qwen-VL, SmolVLM, Janus or another
family that the library opens as `AutoModelForImageTextToText`. Its processor writes the conversation as the model
learnt it. Answers are greedy: the same question gets the same answer.
"""

from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import torch
from transformers import StoppingCriteria, TextIteratorStreamer

from mirante.encoders import Settings, _machine
from mirante.encoders._chat import open_chat, written
from mirante.errors import ModelError, UsageError
from mirante.generation import Asked
from mirante.generation._prompt import prompt_for

EXAMPLE = "transformers:HuggingFaceTB/SmolVLM-256M-Instruct"
TOKENS = 256
"""The longest answer."""


class Local:
    """An open model with its processor.

    Args:
        module: the network.
        processor: writes a chat out and turns it and its pictures into tensors.
        address: of the model.
        device: what it runs on, `"auto"` for the best at hand.
    """

    def __init__(self, module: Any, processor: Any, *, address: str, device: str = "auto") -> None:
        self.device = _machine.device(device)
        self.module, self.processor, self.address = module.to(self.device), processor, address

    @property
    def name(self) -> str:
        """`transformers:` and the model."""
        return f"transformers:{self.address}"

    def generate(self, asked: Asked) -> Iterator[str]:
        """Whole words, as the model writes them.

        Raises:
            ModelError: the model fails, e.g. for want of memory.
        """
        prompt = prompt_for(asked)
        said, start = written(self.processor, prompt.whole, len(prompt.images))
        given = self.processor(
            text=[said],
            images=[list(prompt.images)] if prompt.images else None,
            add_special_tokens=start,
            return_tensors="pt",
        ).to(self.device, self.module.dtype)
        yield from self._pieces(given)

    def _pieces(self, given: Any) -> Iterator[str]:
        """The model writes in a thread of its own, until it ends, fails, or nobody reads on."""
        streamer = TextIteratorStreamer(self.processor.tokenizer, skip_prompt=True, skip_special_tokens=True)
        left, failed = _Left(), list[Exception]()

        def work() -> None:
            try:
                with torch.inference_mode():
                    self.module.generate(
                        **given, max_new_tokens=TOKENS, do_sample=False, streamer=streamer, stopping_criteria=[left]
                    )
            except Exception as error:  # told in the thread that reads
                failed.append(error)
            finally:
                streamer.end()

        thread = Thread(target=work, daemon=True)
        thread.start()
        try:
            yield from filter(None, streamer)
        finally:
            left.event.set()
            thread.join()
        if failed:
            reason = " ".join(str(failed[0]).split())[:200]
            raise ModelError(
                f"{self.name!r} failed at its answer ({reason}): show fewer items (-k), or use another model."
            ) from failed[0]


class _Left(StoppingCriteria):  # type: ignore[misc]
    """Stops a model that nobody reads any more."""

    def __init__(self) -> None:
        self.event = Event()

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **given: Any) -> torch.Tensor:
        del scores, given
        return torch.full((len(input_ids),), self.event.is_set(), dtype=torch.bool, device=input_ids.device)


def open(address: str) -> Local:
    """`transformers:MODEL`.

    Raises:
        UsageError: no model is named.
        UnknownName: nothing of that name is at hand.
        ModelError: the checkpoint answers no questions on pictures.
    """
    if not address:
        raise UsageError(f"'transformers' needs a model: e.g. {EXAMPLE}.")
    module, processor, found = open_chat(address, Settings())
    return Local(module, processor, address=found)
