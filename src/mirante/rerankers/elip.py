"""ELIP: each candidate is looked at again under the query, by a frozen base and a small trained guide.

Source: Zhan et al. 2025 (arXiv 2502.15682). `score = base + weight · guided`, where the weight was chosen on
validation data with 0 among the choices, so that the base can win; or the guided cosine alone, as in the paper.
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
    from mirante.rerankers._guided import Guided


class Elip:
    """The base's cosine plus that of the picture seen under the query.

    Args:
        guided: base and guide.
        weight: of the guided cosine, None for it alone.
        name: for the run.
    """

    def __init__(self, guided: "Guided", weight: float | None = None, name: str = "elip") -> None:
        self.name, self.guided, self.weight = name, guided, weight
        self._kept = Kept(guided.see, Hidden.join)

    def score(self, candidates: Candidates) -> Vectors:
        """(k,) scores; a picture passes the layers below the guided ones once while it is kept."""
        if self.weight is None:
            return self.cosines(candidates)
        base: Vectors = candidates.rows @ candidates.query
        return base + np.float32(self.weight) * self.cosines(candidates) if self.weight else base

    def cosines(self, candidates: Candidates) -> Vectors:
        """(k,) the guided cosines alone."""
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
        UsageError: no folder is named, it holds no guide, or one of another base.
        ModelError: the base is no pair of towers that can be guided, or the guide is damaged.
    """
    from mirante.encoders._dual import DualEncoder
    from mirante.rerankers._guided_files import read

    if not address:
        raise UsageError("'elip' needs the folder of a trained guide: e.g. elip:runs/elip/checkpoint.")
    if not isinstance(base, DualEncoder):
        raise UsageError(f"{base.provenance.model!r} has no image tower that 'elip' can guide: use a CLIP or a SigLIP.")
    guided, weight = read(Path(address), base)
    return Elip(guided, weight, f"elip:{address}")
