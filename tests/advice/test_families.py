"""CLIP against SigLIP: who is what, and the paired difference of the two means, by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from mirante.advice.families import compare_families, family_of
from mirante.evaluation import PerQuery
from mirante.types import Protocol


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("google/siglip-so400m-patch14-384", "siglip"),
        ("google/siglip2-base-patch16-224@main", "siglip"),
        ("openai/clip-vit-base-patch32", "clip"),
        ("laion/CLIP-ViT-H-14-laion2B-s32B-b79K", "clip"),
        ("zer0int/CLIP-GmP-ViT-L-14", "clip"),
        ("patrickjohncyh/fashion-clip", "clip"),
        ("Salesforce/blip-itm-base-coco", None),
        ("clip-lovers/resnet", None),  # the owner says nothing
        ("runs/siglip-tuned/checkpoint", None),  # its folder is not here
        ("toy", None),
        ("scenes", "siglip"),  # the embedded checkpoint says so itself
    ],
)
def test_the_family_of_a_model(model: str, family: str | None) -> None:
    assert family_of(model) == family


def test_a_checkpoint_on_this_machine_says_its_family_itself(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint-like-siglip"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "clip"}), encoding="utf-8")
    assert family_of(str(folder)) == "clip"


def judged(model: str, hits: str, protocol: Protocol) -> PerQuery:
    """A model's hits as ones and zeros, one query an image."""
    values = np.array([float(one) for one in hits])
    ids = tuple(f"q{number}" for number in range(len(hits)))
    return PerQuery(model, protocol, ids, ids, {"hit_rate@1": values, "mrr": values})


@pytest.fixture
def protocol() -> Protocol:
    return Protocol("photos:test", "en", "text_to_image", 10, 10, 1.0, "shared", 10)


def test_each_family_counts_as_the_mean_of_its_models(protocol: Protocol) -> None:
    """SigLIP: 0.8 and 0.6, mean 0.7. CLIP: 0.5. Lead: 0.2."""
    models = [
        judged("a/siglip-one", "1111111100", protocol),
        judged("a/siglip-two", "1111110000", protocol),
        judged("a/clip", "1111100000", protocol),
        judged("a/other", "0000000000", protocol),
    ]
    lead = compare_families(models)
    assert lead is not None
    assert lead.value.value == pytest.approx(0.2)
    assert lead.value.low < 0.2 < lead.value.high
    assert lead.models == {"siglip": ("a/siglip-one", "a/siglip-two"), "clip": ("a/clip",)}


def test_the_lead_is_negative_where_clip_is_ahead(protocol: Protocol) -> None:
    models = [judged("a/clip", "1111111110", protocol), judged("a/siglip", "1111110000", protocol)]
    lead = compare_families(models)
    assert lead is not None
    assert lead.value.value == pytest.approx(-0.3)
    assert lead.value.low <= -0.3 <= lead.value.high


def test_pairing_makes_the_interval_narrow(protocol: Protocol) -> None:
    """Both miss the same half; where they differ, SigLIP is always right: no resample turns that round."""
    models = [judged("a/siglip", "1" * 60 + "0" * 40, protocol), judged("a/clip", "1" * 50 + "0" * 50, protocol)]
    lead = compare_families(models)
    assert lead is not None
    assert lead.value.low > 0.03
    assert lead.value.high < 0.2
    assert lead.p < 0.01


def test_one_family_alone_leads_nobody(protocol: Protocol) -> None:
    assert compare_families([judged("a/clip", "10", protocol), judged("b/clip", "11", protocol)]) is None
    assert compare_families([]) is None
