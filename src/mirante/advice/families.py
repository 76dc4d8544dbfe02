"""CLIP against SigLIP: which family a model is of, and how far apart the means of the two are, paired by query."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from mirante.encoders import _locate
from mirante.errors import MiranteError
from mirante.evaluation import PerQuery, compare
from mirante.types import Estimate

Family: TypeAlias = Literal["siglip", "clip"]

METRIC = "hit_rate@1"


@dataclass(frozen=True)
class Lead:
    """Mean R@1 of the SigLIP models less mean R@1 of the CLIP models, on the same queries.

    Args:
        value: the difference and its 95 % interval, by the paired bootstrap over images.
        p: two-sided, of the randomisation test.
        smallest_difference: a true difference of this size would be found with 80 % power.
        models: family → its models.
    """

    value: Estimate
    p: float
    smallest_difference: float
    models: Mapping[Family, tuple[str, ...]]


def family_of(model: str) -> Family | None:
    """The family of a model: by the type of its checkpoint where that is here, else by its name.

    >>> family_of("google/siglip2-base-patch16-224"), family_of("openai/clip-vit-base-patch32")
    ('siglip', 'clip')

    Returns:
        None for any other family.
    """
    name = (_type(model) or re.split("[@#]", model)[0].rstrip("/").rpartition("/")[2]).lower()
    if "siglip" in name:
        return "siglip"
    return "clip" if "clip" in name else None


def compare_families(models: Sequence[PerQuery]) -> Lead | None:
    """How far SigLIP is ahead of CLIP; None where a family has no model.

    A family is judged as its mean: each query counts with the mean of what the family's models found for it.

    Args:
        models: measured under one protocol on the same queries.

    Raises:
        DataError: they were not.
    """
    groups: dict[Family, list[PerQuery]] = {"siglip": [], "clip": []}
    for one in models:
        if family := family_of(one.model):
            groups[family].append(one)
    if not all(groups.values()):
        return None
    (found,) = compare([_mean(family, held) for family, held in groups.items()])
    ahead = found if found.first == "siglip" else found.turned()
    return Lead(
        Estimate(ahead.difference, ahead.low, ahead.high),
        ahead.p,
        ahead.smallest_difference,
        {family: tuple(one.model for one in held) for family, held in groups.items()},
    )


def _type(model: str) -> str | None:
    """The `model_type` of a checkpoint on this machine, None of any other."""
    if not (_locate.is_checkpoint(model) or model in _locate.embedded()):
        return None
    try:
        return _locate.model_type(_locate.locate(model))
    except MiranteError:
        return None


def _mean(name: str, models: Sequence[PerQuery]) -> PerQuery:
    """A family as one model: the mean of its models, query by query."""
    first = models[0]
    values = np.mean([one.values[METRIC] for one in models], axis=0)
    return PerQuery(name, first.protocol, first.queries, first.clusters, {METRIC: values})
