"""ELIP: each candidate is looked at again under the query, by a frozen base and a small trained guide.

Source: Zhan et al. 2025 (arXiv 2502.15682). `score = base + weight · guided`, where the weight was chosen on
validation data with 0 among the choices, so that the base can win; or the guided score alone, as in the paper. Over
CLIP and SigLIP the guided score is a cosine and the run's own model is the base. A guide over a BLIP-2 (ELIP-B) scores
by match and cosine, brings its base with it, and re-ranks the run of any model.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mirante.encoders._prompted import Hidden
from mirante.errors import UsageError
from mirante.rerankers import Candidates
from mirante.rerankers._kept import Kept
from mirante.types import Encoder, Vectors

if TYPE_CHECKING:
    from mirante.rerankers._guided_files import Notes
    from mirante.rerankers._guided_matcher import AnyGuided
    from mirante.rerankers._stored import States


class Elip:
    """The base's score plus that of the picture seen under the query.

    Args:
        guided: base and guide.
        weight: of the guided score, None for it alone.
        name: for the run.
        states: pictures whose lower layers were passed before.
    """

    def __init__(
        self, guided: "AnyGuided", weight: float | None = None, name: str = "elip", *, states: "States | None" = None
    ) -> None:
        self.name, self.guided, self.weight = name, guided, weight
        self._kept = Kept(guided.see, Hidden.join, stored=states.find if states else None)

    def score(self, candidates: Candidates) -> Vectors:
        """(k,) scores; a picture passes the layers below the guided ones once while it is kept."""
        if self.weight is None:
            return self.guided_scores(candidates)
        base = self._base(candidates)
        return base + np.float32(self.weight) * self.guided_scores(candidates) if self.weight else base

    def _base(self, candidates: Candidates) -> Vectors:
        """(k,) cosines of the base; where it brings its own, whatever the run was ranked by."""
        if self.guided.kind == "matching":
            return candidates.scores
        base: Vectors = candidates.rows @ candidates.query
        return base

    def guided_scores(self, candidates: Candidates) -> Vectors:
        """(k,) the guided scores alone."""
        found, size = [], self.guided.encoder.batch
        with torch.inference_mode():
            said = self.guided.read([candidates.text])
            told = self.guided.say(said)
            for at in range(0, len(candidates.pictures), size):
                hidden = self._kept.rows(candidates.pictures[at : at + size])
                each = torch.zeros(len(hidden), dtype=torch.int64, device=said.rows.device)
                found.append(self.guided.scores(hidden, said[each], tuple(one[each] for one in told)))
        scores: Vectors = torch.cat(found).float().cpu().numpy()
        return scores


def open(address: str, base: Encoder) -> Elip:
    """`elip:FOLDER`, as training left it.

    Raises:
        UsageError: no folder is named, it holds no guide, one of another base, or its own base is not where it was.
        ModelError: the base is no pair of towers that can be guided, or the guide is damaged.
    """
    from mirante.encoders._dual import DualEncoder
    from mirante.rerankers._guided_files import describe, read
    from mirante.rerankers._stored import beside, open_states

    if not address:
        raise UsageError("'elip' needs the folder of a trained guide: e.g. elip:runs/elip/checkpoint.")
    notes = describe(Path(address))
    over = _matching(notes, address, base) if notes.kind == "matching" else base
    if not isinstance(over, DualEncoder):
        raise UsageError(f"{base.provenance.model!r} has no image tower that 'elip' can guide: use a CLIP or a SigLIP.")
    guided, weight = read(Path(address), over)
    return Elip(guided, weight, f"elip:{address}", states=open_states(beside(Path(address)), guided))


def _matching(notes: "Notes", address: str, base: Encoder) -> Encoder:
    """The BLIP-2 that a guide brings with it, on the device of `base` and with batches no larger than its."""
    from mirante.encoders import Settings
    from mirante.encoders._qformer import open_qformer
    from mirante.rerankers._guided_files import NOTES

    device = getattr(base, "device", None)
    try:
        over = open_qformer(notes.base, Settings(device=str(device) if device else "auto", revision=notes.revision))
    except UsageError as error:
        raise UsageError(
            f"The base {notes.base!r} of the guide in {address!r} cannot be opened ({error}) Put it back there, or "
            f"write where it is now as base in {NOTES}."
        ) from error
    over.batch = min(over.batch, getattr(base, "batch", over.batch))
    over.module.requires_grad_(requires_grad=False)
    return over
