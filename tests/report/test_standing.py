"""Who is ahead: sentences in both languages, bands of letters, and marks that follow the tests."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mirante.errors import UnknownName
from mirante.evaluation import Comparison
from mirante.report import write_report
from mirante.report.standing import sentence, standing
from mirante.report.summary import summary
from mirante.report.tables import preset_words, protocol_words, table
from mirante.report.voice import Voice
from mirante.types import Estimate, Protocol, Provenance, Result

PROTOCOL = Protocol("d:test", "en", "text_to_image", 100, 200, 2.0, "as given", 100)
EN, PT = Voice("en"), Voice("pt")


def measured(model: str, value: float) -> Result:
    estimate = Estimate(value, value - 0.1, value + 0.1)  # all of them overlap
    return Result(model, "d:test", PROTOCOL, {"hit_rate@1": estimate}, Provenance(model, "r", "p"))


def compared(first: str, second: str, difference: float, p_holm: float) -> Comparison:
    ends = difference - 0.0212, difference + 0.0212
    return Comparison("hit_rate@1", first, second, PROTOCOL, difference, *ends, 0.01, 0.01, p_holm, 0.024, 200, 100)


RESULTS = [measured("B", 0.5), measured("A", 0.531), measured("C", 0.49)]
TESTS = [compared("A", "B", 0.031, 0.012), compared("B", "C", 0.01, 0.4), compared("A", "C", 0.041, 0.0002)]


def test_a_difference_is_one_sentence() -> None:
    assert sentence(TESTS[0], EN) == (
        "A is 3.1 points above B [1.0, 5.2]; the sample could show differences of 2.4 points."
    )
    assert sentence(TESTS[0], PT) == (
        "A está 3,1 pontos acima de B [1,0; 5,2]; a amostra poderia mostrar diferenças de 2,4 pontos."
    )


def test_no_difference_is_one_sentence_too() -> None:
    assert sentence(TESTS[1], EN) == (
        "B and C cannot be told apart: 1.0 points [−1.1, 3.1] may be chance (corrected p = 0.400); "
        "the sample could show differences of 2.4 points."
    )
    assert sentence(TESTS[1], PT).startswith("Não dá para distinguir B de C: 1,0 pontos [−1,1; 3,1] podem ser acaso")


def test_models_stand_in_order_with_their_letters() -> None:
    found = standing(RESULTS, TESTS, EN)
    assert found is not None
    assert [(letters, model) for letters, model, _ in found.rows] == [("a", "A"), ("b", "B"), ("b", "C")]
    assert found.rows[0][2] == "53.1%, interval 43.1% to 63.1%"
    assert [one.split(":")[0].split(" is ")[0] for one in found.sentences] == ["A", "B and C cannot be told apart"]
    assert [(one.first, one.second, one.p, one.told_apart) for one in found.pairs] == [
        ("A", "B", "0.012", True),
        ("B", "C", "0.400", False),
        ("A", "C", "< 0.001", True),
    ]
    assert standing(RESULTS, [], EN) is None
    with pytest.raises(UnknownName, match="compared by 'mrr'"):
        standing(RESULTS, TESTS, EN, "mrr")


def test_marks_and_summary_follow_the_tests_and_not_the_overlap() -> None:
    rows = [(one.model, one.metrics) for one in RESULTS]
    tested, untested = (table(rows, PROTOCOL, EN, comparisons=tests) for tests in (TESTS, []))
    assert {model: cells[0].mark for model, cells in tested.rows} == {"A": "best", "B": "", "C": ""}
    assert {cells[0].mark for _, cells in untested.rows} == {"tied"}
    assert (tested.tested, untested.tested) == (True, False)
    assert summary(RESULTS, PROTOCOL, EN, TESTS).startswith("A is ahead")
    alike = [compared("A", "B", 0.031, 0.2), *TESTS[1:]]
    assert summary(RESULTS, PROTOCOL, EN, alike).startswith(
        "A and B cannot be told apart on these queries. The highest"
    )


def test_a_test_under_another_protocol_says_nothing_here() -> None:
    elsewhere = Protocol("d:test", "en", "text_to_image", 1000, 200, 2.0, "as given", 1000)
    found = table([(one.model, one.metrics) for one in RESULTS], elsewhere, EN, comparisons=TESTS)
    assert {cells[0].mark for _, cells in found.rows} == {"tied"}


def test_the_conditions_of_a_selection_are_said() -> None:
    drawn = Protocol("d", "en", "text_to_image", 60, 60, 1.0, "as given", 60, 0, "t", 1, 0.1, 42)
    words = " ".join(protocol_words(drawn, PT))
    assert "As imagens são 10% dos dados, sorteadas com a semente 42." in words
    assert "De cada imagem só se usa a primeira legenda." in words
    parts = Protocol("d", "en", "text_to_image", 1000, 25000, 5.0, "as given", 1000, 0, "t", 5, 1.0, 0, 5)
    words = " ".join(protocol_words(parts, EN))
    assert "the first 5." in words
    assert "in 5 parts" in words


def test_a_published_protocol_is_named() -> None:
    preset = {"title": "Flickr30k 1k", "source": "Karpathy", "recall": "any-hit"}
    result = Result("m", "d", PROTOCOL, {}, Provenance("m", "r", "p"), {"preset": preset})
    assert preset_words(result, EN) == (
        "These are the conditions of Flickr30k 1k: Karpathy.",
        "What is published as R@K under them is the hit rate.",
    )
    assert preset_words(measured("m", 0.5), EN) == ()


@pytest.mark.parametrize(("lang", "said"), [("en", "points above"), ("pt", "pontos acima de")])
def test_the_page_shows_who_is_ahead(
    saved: dict[str, Any], keep: Callable[[object], Path], lang: str, said: str
) -> None:
    protocol = saved["results"][0]["protocol"]
    names = [one["model"] for one in saved["results"][:2]]
    plain = asdict(TESTS[0]) | {"protocol": protocol, "first": names[1], "second": names[0]}
    saved["comparisons"] = [plain]
    page = write_report(keep(json.loads(json.dumps(saved))), lang).read_text(encoding="utf-8")
    assert f"{names[1]} " in page
    assert page.count(said) == 1
    assert Voice(lang).say("marks_tested") in page
    assert page.count(Voice(lang).say("standing_note")) == 1
