"""What saved results tell: models in order, languages apart, families compared, several protocols refused."""

from pathlib import Path

import pytest

from mirante.advice.evidence import gather
from mirante.errors import UnknownName, UsageError
from mirante.evaluation import load_results, save_results


def test_models_come_best_first_with_their_intervals(evaluated) -> None:
    found = gather(evaluated({"weak": {"en": "1100000000"}, "strong": {"en": "1111110000"}}))
    assert [(one.model, one.r1.value) for one in found.models] == [("strong", 0.6), ("weak", 0.2)]
    assert found.best.r1.low < 0.6 < found.best.r1.high
    assert found.hits.values["hit_rate@1"].sum() == 6
    assert found.protocol.direction == "text_to_image"


def test_languages_are_told_apart_in_one_gallery_the_weakest_first(evaluated) -> None:
    """The worse model is better in Portuguese; the languages are those of the best one."""
    models = {
        "other": {"en": "1000000000", "pt-BR": "1111111110"},
        "best": {"en": "1111111110", "pt-BR": "1100000000"},
    }
    found = gather(evaluated(models))
    assert found.best.model == "best"
    assert [(tag, one.value) for tag, one in found.languages.items()] == [("pt-BR", 0.2), ("en", 0.9)]
    assert found.protocol.gallery == 10


def test_captions_of_one_language_are_not_parted(evaluated) -> None:
    assert gather(evaluated({"a": {"en": "1100000000"}})).languages == {}


def test_families_are_compared_where_both_are_there(evaluated) -> None:
    both = gather(evaluated({"x/siglip": {"en": "1111111100"}, "x/clip": {"en": "1111100000"}}))
    assert both.lead is not None
    assert both.lead.value.value == pytest.approx(0.3)
    assert gather(evaluated({"x/clip": {"en": "1111100000"}})).lead is None


def test_a_single_model_has_no_order(evaluated) -> None:
    assert gather(evaluated({"a": {"en": "10"}})).order is None
    order = gather(evaluated({"a": {"en": "10"}, "b": {"en": "11"}})).order
    assert order is not None
    assert [place.model for place in order.places] == ["b", "a"]


def test_of_several_data_sets_one_must_be_named(evaluated, tmp_path: Path) -> None:
    one = evaluated({"a": {"en": "1000"}}, folder=tmp_path / "one")
    other = evaluated({"a": {"en": "1110"}}, name="paintings:test", folder=tmp_path / "other")
    both = type(one)(one.folder, (*one.results, *other.results), {})
    with pytest.raises(UsageError, match=r"2 protocols: paintings:test .*photos:test.*--only"):
        gather(both)
    assert gather(both, only="photos:test").best.r1.value == 0.25
    with pytest.raises(UnknownName, match="Did you mean 'photos:test'"):
        gather(both, only="photo:test")


def test_of_languages_that_were_judged_apart_one_is_chosen_by_its_tag(evaluated, tmp_path: Path) -> None:
    english = evaluated({"a": {"en": "1000"}}, folder=tmp_path / "en", language="en")
    portuguese = evaluated({"a": {"pt": "1110"}}, folder=tmp_path / "pt", language="pt")
    both = type(english)(english.folder, (*english.results, *portuguese.results), {})
    assert gather(both, language="en").best.r1.value == 0.25
    with pytest.raises(UsageError, match="--lang"):
        gather(both)


def test_a_folder_without_results_from_text_to_image_is_refused(tmp_path: Path) -> None:
    save_results(tmp_path, [], environment={})
    with pytest.raises(UsageError, match="no result from text to image"):
        gather(load_results(tmp_path))
