"""The fine-tune that would be recommended for the best model on these data."""

from dataclasses import replace
from pathlib import Path

from mirante.advice.decide import ENOUGH
from mirante.advice.evidence import Evidence
from mirante.advice.families import family_of
from mirante.advice.ground import HOLD_OUT, Ground
from mirante.advice.recipe import Learner, recipe
from mirante.cost import shapes
from mirante.errors import MiranteError
from mirante.training import TrainConfig
from mirante.training.config import Data, Model

FOLDER = "fine-tune"


def fine_tune(soil: Ground, evidence: Evidence, out: Path, *, focus: str, leaked: bool) -> TrainConfig | None:
    """Its configuration; None where the model cannot be trained, or its shape cannot be known here.

    Where one language is known and another is not, the known pictures keep their places: the image tower is locked
    (LiT: Zhai et al. 2022, arXiv 2111.07991), and the known language is what must not be forgotten.

    Args:
        soil: the data.
        evidence: what was measured.
        out: folder of the advice; the run lies under it.
        focus: language to be learnt, `""` for all captions.
        leaked: whether measured pictures are, to the byte, among those to learn from, which `mirante train` refuses:
            the run then measures itself on a tenth that it holds out.
    """
    data, strong = soil.data, ""
    if focus:
        strong = list(evidence.languages)[-1]
        data = replace(data, language=focus)
        if data.validation and not data.retain:
            data = replace(data, retain=data.validation, retain_language=strong)
    if leaked and data.validation:
        retained = {"retain": None, "retain_language": None} if data.retain == data.validation else {}
        data = replace(data, validation=None, hold_out=HOLD_OUT, **retained)  # type: ignore[arg-type]
    known = bool(focus) and evidence.languages[strong].value >= ENOUGH
    learner = _learner(evidence.best.model, data, locked=known)
    return recipe(learner, data, pictures=soil.rows, out=str(out / FOLDER)) if learner else None


def _learner(model: str, data: Data, *, locked: bool) -> Learner | None:
    try:
        found = shapes.shape(TrainConfig(out="", model=Model(start=model), data=data))
    except MiranteError:
        return None
    if not found.learns:
        return None
    return Learner(
        model,
        family_of(model),
        found.parameters.all,
        "none" if locked else "all",
        "bf16" if _has_gpu() else "fp32",
    )


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())
