"""A vision-language model as judge: "does this picture match the text?", asked of each candidate, yes or no.

`judge:MODEL` runs a checkpoint of transformers here; `judge:http://HOST:PORT/v1#MODEL` asks a server that speaks
OpenAI's protocol, such as vLLM or SGLang, with the key of `MIRANTE_API_KEY` where that is set. The first word of the
answer is read by its probability, not by its choice (Nogueira et al. 2020, arXiv 2003.06713, for texts). Each candidate
costs one pass of the model: keep the depth small.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from mirante.errors import UsageError
from mirante.rerankers import Candidates
from mirante.rerankers._question import Question, question_for
from mirante.types import Encoder, Picture, Vectors

EXAMPLES = "judge:Qwen/Qwen2-VL-2B-Instruct or judge:http://localhost:8000/v1#MODEL"
TIE_BREAK = 1e-3
"""What the first of the candidates that came in gets more than the last, in natural logarithms of odds."""


class Judge(Protocol):
    """A model that answers questions on pictures."""

    @property
    def name(self) -> str:
        """What opens it again, behind `judge:`."""

    def log_odds(self, question: Question, text: str, pictures: Sequence[Picture]) -> Vectors:
        """(k,) natural logarithms of P(yes) / P(no), each picture asked about by itself."""


class Judging:
    """The score of a candidate is the log-odds of yes, and very little of the score that came in, to break ties.

    Log-odds keep apart what a model is sure of, where P(yes) is 1.0 for all. The scores that came in, the base's
    cosines where nothing re-ranked before, are spread over [0, `TIE_BREAK`]: they decide between equal answers, and
    between odds that differ by less than 0.1 %.

    Args:
        judge: the model.
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    @property
    def name(self) -> str:
        """`judge:` and the model."""
        return f"judge:{self.judge.name}"

    def score(self, candidates: Candidates) -> Vectors:
        """(k,) scores."""
        question = question_for(candidates.text, candidates.language)
        odds = self.judge.log_odds(question, candidates.text, candidates.pictures)
        came = (candidates.scores - candidates.scores.min()) / (np.ptp(candidates.scores) or 1.0)
        scores: Vectors = (odds + TIE_BREAK * came).astype(np.float32)
        return scores


def open(address: str, base: Encoder) -> Judging:
    """`judge:MODEL` or `judge:http://HOST:PORT/v1#MODEL`.

    Raises:
        UsageError: no model is named, or the address is wrong.
        ModelError: the checkpoint answers no questions on pictures.
    """
    if not address:
        raise UsageError(f"'judge' needs a model: e.g. {EXAMPLES}.")
    if "://" in address:
        from mirante.rerankers._served_judge import open_server

        return Judging(open_server(address))
    from mirante.encoders import Settings
    from mirante.rerankers._local_judge import open_checkpoint

    device = getattr(base, "device", None)
    return Judging(open_checkpoint(address, Settings(device=str(device)) if device else Settings()))
