"""The fine-tune that would be recommended: which language, what is locked or retained, what it measures itself on."""

from dataclasses import replace
from pathlib import Path

import pytest
from captioned_pictures import captioned

from mirante.advice.evidence import Evidence, gather
from mirante.advice.fine_tune import fine_tune
from mirante.advice.ground import Ground
from mirante.training.config import Data

KNOWN, UNKNOWN, HALF = "1111111110", "0000000000", "1110000000"


@pytest.fixture
def soil() -> Ground:
    pairs = captioned(10, ("en", "pt-BR"))
    return Ground("photos:test", pairs, True, Data("photos:train", validation="photos:test"), pairs)


@pytest.fixture
def evidence(evaluated) -> Evidence:
    return gather(evaluated({"scenes": {"en": KNOWN, "pt-BR": UNKNOWN}}))


def test_without_a_language_of_its_own_everything_is_trained(soil: Ground, evidence: Evidence) -> None:
    config = fine_tune(soil, evidence, Path("advice"), focus="", leaked=False)
    assert config is not None
    assert (config.out, config.model.start, config.trained.image) == ("advice/fine-tune", "scenes", "all")
    assert config.data == soil.data


def test_where_pictures_are_known_the_image_tower_is_locked_and_the_known_language_retained(
    soil: Ground, evidence: Evidence
) -> None:
    config = fine_tune(soil, evidence, Path("advice"), focus="pt-BR", leaked=False)
    assert config is not None
    assert config.trained.image == "none"
    assert config.data == Data(
        "photos:train", validation="photos:test", language="pt-BR", retain="photos:test", retain_language="en"
    )


def test_where_no_language_is_known_the_pictures_are_learnt_too(soil: Ground, evaluated) -> None:
    weak = gather(evaluated({"scenes": {"en": HALF, "pt-BR": UNKNOWN}}))
    config = fine_tune(soil, weak, Path("advice"), focus="pt-BR", leaked=False)
    assert config is not None
    assert config.trained.image == "all"


def test_what_is_to_be_retained_can_be_named(soil: Ground, evidence: Evidence) -> None:
    named = replace(soil, data=replace(soil.data, retain="other:test", retain_language="en"))
    config = fine_tune(named, evidence, Path("advice"), focus="pt-BR", leaked=False)
    assert config is not None
    assert config.data.retain == "other:test"


def test_a_run_that_would_learn_what_it_measures_holds_out_a_tenth(soil: Ground, evidence: Evidence) -> None:
    config = fine_tune(soil, evidence, Path("advice"), focus="pt-BR", leaked=True)
    assert config is not None
    assert config.data == Data("photos:train", language="pt-BR", hold_out=0.1)
    kept = replace(soil, data=replace(soil.data, retain="other:test"))
    other = fine_tune(kept, evidence, Path("advice"), focus="", leaked=True)
    assert other is not None
    assert (other.data.retain, other.data.hold_out, other.data.validation) == ("other:test", 0.1, None)


def test_a_model_without_weights_to_train_gets_none(soil: Ground, evaluated) -> None:
    found = gather(evaluated({"toy": {"en": KNOWN}}))
    assert fine_tune(soil, found, Path("advice"), focus="", leaked=False) is None
