from pathlib import Path
from string import Formatter

import numpy as np
import pytest

from mirante import messages
from mirante.errors import UnknownName

CATALOGUE = messages.catalogue()
EVERY_TEXT = [(key, lang, said) for key, texts in CATALOGUE.items() for lang, said in texts.items()]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_area_is_one_file() -> None:
    areas = {path.stem for path in Path(messages.__file__).parent.glob("*.toml")}
    assert {key.partition(".")[0] for key in CATALOGUE} == areas
    assert "report" in areas


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_text_exists_in_every_language(key: str) -> None:
    assert set(CATALOGUE[key]) == set(messages.LANGUAGES)
    assert all(text.strip() for text in CATALOGUE[key].values())


@pytest.mark.parametrize("key", CATALOGUE)
def test_languages_have_the_same_placeholders(key: str) -> None:
    english, *others = (placeholders(CATALOGUE[key][lang]) for lang in messages.LANGUAGES)
    assert all(other == english for other in others)
    assert "" not in english, "placeholders need names: another language may need another order"


@pytest.mark.parametrize(("key", "lang", "said"), EVERY_TEXT)
def test_no_text_has_outer_space(key: str, lang: str, said: str) -> None:
    assert said == said.strip(), (key, lang)


def test_a_text_is_said_in_the_wanted_language() -> None:
    assert messages.text("report.query", "en") == "Query"
    assert messages.text("report.query", "pt") == "Consulta"
    assert messages.text("report.rank_later", "pt", rank="3") == "A primeira resposta certa é a de número 3."


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'report\.title'"):
        messages.text("report.titel")


@pytest.mark.parametrize(
    ("wanted", "environment", "chosen"),
    [
        ("pt", {}, "pt"),
        ("pt_BR", {}, "pt"),
        ("pt-BR", {"LANG": "en_US.UTF-8"}, "pt"),
        ("EN", {"MIRANTE_LANG": "pt"}, "en"),
        (None, {"MIRANTE_LANG": "pt", "LC_ALL": "en_US.UTF-8"}, "pt"),
        (None, {"LC_ALL": "pt_BR.UTF-8", "LANG": "en_US.UTF-8"}, "pt"),
        (None, {"LANG": "pt_PT.UTF-8"}, "pt"),
        (None, {"LANG": "C.UTF-8"}, "en"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
        ("de", {"LANG": "pt_BR.UTF-8"}, "pt"),
        (None, {}, "en"),
    ],
)
def test_which_language_is_chosen(
    wanted: str | None, environment: dict[str, str], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MIRANTE_LANG", "LC_ALL", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert messages.language(wanted) == chosen


def test_numbers_of_a_text_have_the_signs_of_its_language() -> None:
    values = {"all": 1921410, "trained": np.int64(473344), "share": np.float32(24.6)}
    assert "1,921,410" in messages.text("estimate.parameters", "en", **values)
    assert messages.text("estimate.parameters", "pt", **values) == (
        "Parâmetros: 1.921.410, dos quais 473.344 são treinados (24,6 %)"
    )
