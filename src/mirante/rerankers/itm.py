"""Image–text matching: each candidate is judged together with the query, by a BLIP or BLIP-2 checkpoint.

Sources: Li et al. 2022 (BLIP, arXiv 2201.12086), Li et al. 2023 (BLIP-2, arXiv 2301.12597).
"""

from typing import TYPE_CHECKING

import torch

from mirante.errors import UsageError
from mirante.rerankers import Candidates
from mirante.rerankers._kept import Kept
from mirante.types import Encoder, Vectors

if TYPE_CHECKING:
    from mirante.encoders._matcher import Matcher

EXAMPLE = "itm:Salesforce/blip-itm-base-coco"


class Matching:
    """The score of a candidate is the logit of a match plus the model's own cosine.

    Args:
        matcher: the model.
    """

    def __init__(self, matcher: "Matcher") -> None:
        self.matcher, self.kept = matcher, Kept(matcher.see, torch.cat)

    @property
    def name(self) -> str:
        """`itm:` and the model."""
        return f"itm:{self.matcher.provenance.model}"

    def score(self, candidates: Candidates) -> Vectors:
        """(k,) scores; each picture passes the vision tower once while it is kept."""
        found, size = [], self.matcher.batch
        with torch.inference_mode():
            for at in range(0, len(candidates.pictures), size):
                seen = self.kept.rows(candidates.pictures[at : at + size])
                match = self.matcher.match(candidates.text, seen)
                found.append(match + self.matcher.similarity(candidates.text, seen))
        scores: Vectors = torch.cat(found).cpu().numpy()
        return scores


def open(address: str, base: Encoder) -> Matching:
    """`itm:MODEL`.

    Raises:
        UsageError: no model is named.
        ModelError: it is no BLIP or BLIP-2 for matching.
    """
    from mirante.encoders import Settings
    from mirante.encoders._matcher import open_matcher

    if not address:
        raise UsageError(f"'itm' needs a model: e.g. {EXAMPLE}.")
    device = getattr(base, "device", None)
    return Matching(open_matcher(address, Settings(device=str(device)) if device else Settings()))
