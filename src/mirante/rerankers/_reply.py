"""A server's answer to a question, as log-odds of yes: from the probabilities of its first word, or from the word."""

import json
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from mirante.errors import ModelError
from mirante.rerankers._question import Question

PLAIN = 4.0
"""Log-odds of a yes without probabilities (of a no, −4): P(yes) is 1 or 0, written so that ties can be broken."""
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Reply:
    """What was read.

    Args:
        odds: natural logarithm of P(yes) / P(no).
        doubt: what must be said about it, empty for nothing: `"plain"` where the server gives no probabilities,
            `"neither"` where the answer is neither yes nor no.
    """

    odds: float
    doubt: str = ""


def read(body: bytes, question: Question) -> Reply:
    """Read the body of a chat completion with `max_tokens` 1.

    Of the words that the server lists, those that begin with yes and with no are summed; where it lists only one of
    the two, the other counts as the least likely of the list. Neither is even odds.

    Raises:
        ModelError: it is not a chat completion.
    """
    try:
        (choice, *_) = json.loads(body)["choices"]
        told = ((choice.get("logprobs") or {}).get("content") or [{}])[0]
        listed = [(str(one["token"]), float(one["logprob"])) for one in told.get("top_logprobs") or ()]
        said = str(choice["message"]["content"] or "")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        start = body[:80].decode("utf-8", "replace")
        raise ModelError(
            f"The judge's server answered {start!r}, which is no chat completion ({error!r}): check that the address "
            "is one of an OpenAI-compatible server and ends in its version, as in /v1."
        ) from error
    return _weighed(listed, question) if listed else _chosen(said, question)


def _weighed(listed: list[tuple[str, float]], question: Question) -> Reply:
    yes = [score for token, score in listed if _begins(token, question.yes)]
    no = [score for token, score in listed if _begins(token, question.no)]
    if not yes and not no:
        return Reply(0.0, "neither")
    least = min(score for _, score in listed)
    return Reply(_log_sum(yes or [least]) - _log_sum(no or [least]))


def _chosen(said: str, question: Question) -> Reply:
    yes, no = _begins(said, question.yes), _begins(said, question.no)
    return Reply(PLAIN * (yes - no), "neither" if yes == no else "plain")


def _begins(token: str, words: Iterable[str]) -> bool:
    """Whether a text's first word is one of `words` or its first letters, whatever the case and the signs before it."""
    word = _LETTERS.search(unicodedata.normalize("NFC", token).casefold().lstrip("ġ"))
    return word is not None and any(one.startswith(word[0]) for one in words)


def _log_sum(scores: list[float]) -> float:
    highest = max(scores)
    return highest + math.log(sum(math.exp(one - highest) for one in scores))
