"""A judge on a server that speaks OpenAI's protocol of chat completions, such as vLLM, SGLang or llama.cpp.

Source: OpenAI's API reference, "Create chat completion" (`logprobs`, `top_logprobs`).
"""

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from mirante.endpoint import KEY, Endpoint, open_model
from mirante.errors import ModelError
from mirante.rerankers._question import Question
from mirante.rerankers._reply import Reply, read
from mirante.shown import data_url
from mirante.types import Picture, Vectors

AT_ONCE = 8
"""Questions that are under way together; servers answer them in batches."""
LISTED = 20
"""Likeliest first words that the server is asked for, the most that OpenAI's protocol allows."""
REFUSALS = (400, 403, 422)
DOUBTS = {
    "plain": "gives no probabilities of words: its yes and no are read as 1 and 0, and the run that came in orders "
    "equal answers",
    "neither": "answered neither yes nor no to some questions: those count as undecided",
}


class ServedJudge:
    """A model behind an address.

    Args:
        endpoint: up to and including the version, `http://HOST:PORT/v1`.
        model: its name on the server.
    """

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self.endpoint, self.model = endpoint, model
        self._weighed = True
        self._told: set[str] = set()

    @property
    def name(self) -> str:
        """The address and the model."""
        return f"{self.endpoint.url}#{self.model}"

    def log_odds(self, question: Question, text: str, pictures: Sequence[Picture]) -> Vectors:
        """(k,): the answers of the server, `AT_ONCE` asked together; says once what must be said of them.

        Raises:
            ModelError: the server cannot be reached, refuses, or answers nothing that can be read.
        """
        words = question.about(text)
        shown = (data_url(one.load()) for one in pictures)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            replies = list(pool.map(lambda url: self._ask(question, words, url), shown))
        for doubt in sorted({one.doubt for one in replies} - {"", *self._told}):
            self._told.add(doubt)
            warnings.warn(f"The judge {self.name!r} {DOUBTS[doubt]}.", stacklevel=2)
        return np.array([one.odds for one in replies], np.float32)

    def _ask(self, question: Question, words: str, picture: str) -> Reply:
        weighed = self._weighed
        answer = self.endpoint.post("/chat/completions", _request(self.model, words, picture, weighed=weighed))
        if weighed and answer.status in REFUSALS and b"logprobs" in answer.body:
            self._weighed = False
            answer = self.endpoint.post("/chat/completions", _request(self.model, words, picture, weighed=False))
        if answer.status != 200:
            raise ModelError(
                f"The judge {self.name!r} {answer}. Check its log, that it knows a model of this name that sees "
                f"pictures, and the key in {KEY}."
            )
        return read(answer.body, question)


def _request(model: str, words: str, picture: str, *, weighed: bool) -> dict[str, Any]:
    """One question as the protocol writes it; `weighed` asks for probabilities of the first word."""
    content = [{"type": "image_url", "image_url": {"url": picture}}, {"type": "text", "text": words}]
    asked = {"model": model, "messages": [{"role": "user", "content": content}], "max_tokens": 1, "temperature": 0}
    return asked | ({"logprobs": True, "top_logprobs": LISTED} if weighed else {})


def open_server(address: str) -> ServedJudge:
    """`http://HOST:PORT/v1#MODEL`; nothing is sent yet.

    Raises:
        UsageError: the address is wrong, or names no model.
    """
    return ServedJudge(*open_model(address, "judge"))
