"""A model on a server that speaks OpenAI's protocol of chat completions: vLLM, SGLang, llama.cpp, Ollama and others.

`openai:http://HOST:PORT/v1#MODEL`, with the key of `MIRANTE_API_KEY` where that is set. The answer is streamed;
pictures go along as data URLs, and are left out, with a warning, where the model refuses them.

Source: OpenAI's API reference, "Create chat completion" (`stream`), and server-sent events (WHATWG HTML, 9.2).
"""

import json
import warnings
from collections.abc import Iterator
from typing import Any

from mirante.endpoint import Endpoint, Refused, open_model
from mirante.errors import ModelError
from mirante.generation import Asked
from mirante.generation._prompt import Prompt, prompt_for
from mirante.shown import data_url

PATH = "/chat/completions"
TOKENS = 512
"""The longest answer."""
REFUSALS = (400, 415, 422, 500)
_DONE = "[DONE]"


class Served:
    """A model behind an address.

    Args:
        endpoint: up to and including the version, `http://HOST:PORT/v1`.
        model: its name on the server.
    """

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self.endpoint, self.model = endpoint, model
        self._sees = True

    @property
    def name(self) -> str:
        """`openai:`, the address and the model."""
        return f"openai:{self.endpoint.url}#{self.model}"

    def generate(self, asked: Asked) -> Iterator[str]:
        """The pieces that the server sends.

        Raises:
            ModelError: the server cannot be reached, refuses, answers what cannot be read, or stops in the middle.
        """
        prompt = prompt_for(asked, pictures=self._sees)
        try:
            yield from self._pieces(prompt)
        except Refused as refused:
            if not (prompt.images and _dislikes_pictures(refused)):
                raise
            warnings.warn(f"{self.name!r} takes no pictures: it is told of the items in words.", stacklevel=2)
            self._sees = False
            yield from self._pieces(prompt_for(asked, pictures=False))

    def _pieces(self, prompt: Prompt) -> Iterator[str]:
        plain: list[str] = []
        ended = False
        for line in self.endpoint.lines(PATH, _request(self.model, prompt)):
            event, colon, content = line.partition(":")
            if event == "data" and colon:
                if content.strip() == _DONE:
                    return
                piece, last = self._piece(content)
                ended = ended or last
                if piece:
                    yield piece
            elif not ended and event not in ("", "event", "id", "retry"):
                plain.append(line)
        if plain and not ended:
            yield self._whole("".join(plain))
        elif not ended:
            raise ModelError(f"{self.name!r} stopped in the middle of its answer: ask again, or look at its log.")

    def _piece(self, content: str) -> tuple[str, bool]:
        """The text of one event, and whether it is the last one of the answer."""
        said = self._read(content)
        if said.get("error"):
            raise ModelError(f"{self.name!r} gave up: {_short(said['error'])}. Look at its log.")
        choices = said.get("choices") or [{}]
        try:
            text = (choices[0].get("delta") or {}).get("content") or ""
            return str(text), choices[0].get("finish_reason") is not None
        except (AttributeError, KeyError, TypeError) as error:
            raise self._unread(content) from error

    def _whole(self, content: str) -> str:
        """The text of an answer that was not streamed."""
        said = self._read(content)
        try:
            return str(said["choices"][0]["message"]["content"] or "")
        except (KeyError, IndexError, TypeError) as error:
            raise self._unread(content) from error

    def _read(self, content: str) -> dict[str, Any]:
        try:
            said = json.loads(content)
        except ValueError as error:
            raise self._unread(content) from error
        if not isinstance(said, dict):
            raise self._unread(content)
        return said

    def _unread(self, content: str) -> ModelError:
        return ModelError(
            f"{self.name!r} answers {_short(content)}, which is no chat completion: check that the address ends where "
            "the protocol begins, e.g. in /v1."
        )


def _request(model: str, prompt: Prompt) -> dict[str, Any]:
    shown = [{"type": "image_url", "image_url": {"url": data_url(one)}} for one in prompt.images]
    said: Any = [*shown, {"type": "text", "text": prompt.words}] if shown else prompt.words
    asked = [{"role": "system", "content": prompt.system}, {"role": "user", "content": said}]
    return {"model": model, "messages": asked, "max_tokens": TOKENS, "temperature": 0, "stream": True}


def _dislikes_pictures(refused: Refused) -> bool:
    body = refused.answer.body.lower()
    return refused.answer.status in REFUSALS and any(word in body for word in (b"image", b"vision", b"multimodal"))


def _short(said: Any) -> str:
    return repr(" ".join(str(said).split())[:200])


def open(address: str) -> Served:
    """`http://HOST:PORT/v1#MODEL`; nothing is sent yet.

    Raises:
        UsageError: the address is wrong, or names no model.
    """
    return Served(*open_model(address, "openai"))
