import math

import pytest

from mirante.report.summary import summary
from mirante.report.tables import mark, protocol_words, table
from mirante.report.voice import Voice
from mirante.types import Estimate, Protocol, Provenance, Result

PROTOCOL = Protocol("d:test", "en", "text_to_image", 100, 200, 2.0, "as given", 100)


def measured(model: str, value: float, low: float, high: float) -> Result:
    estimate = Estimate(value, low, high)
    return Result(model, "d:test", PROTOCOL, {"hit_rate@1": estimate}, Provenance(model, "r", "p"))


@pytest.mark.parametrize(
    ("metric", "estimates", "marks"),
    [
        ("mrr", [(0.5, 0.4, 0.6), (0.8, 0.7, 0.9)], ["", "best"]),
        ("mrr", [(0.5, 0.4, 0.6), (0.6, 0.55, 0.7)], ["tied", "tied"]),
        ("mrr", [(0.5, 0.4, 0.6), (0.6, 0.6, 0.7)], ["tied", "tied"]),
        ("mrr", [(0.1, 0.0, 0.2), (0.5, 0.4, 0.6), (0.6, 0.55, 0.7)], ["", "tied", "tied"]),
        ("mrr", [(0.5, 0.4, 0.6)], [""]),
        ("mrr", [(0.5, 0.5, 0.5), (0.6, 0.6, 0.6)], ["", ""]),
        ("mrr", [(0.0, 0.0, 0.0), (0.6, 0.5, 0.7)], ["", "best"]),
        ("mrr", [(math.nan, math.nan, math.nan), (0.6, 0.5, 0.7)], ["", ""]),
        ("median_rank", [(9.0, 8.0, 10.0), (3.0, 2.0, 4.0)], ["", "best"]),
        ("median_rank", [(9.0, 4.0, 10.0), (3.0, 2.0, 4.0)], ["tied", "tied"]),
        ("median_rank", [(math.inf, math.inf, math.inf), (3.0, 2.0, 4.0)], ["", "best"]),
        ("median_rank", [(math.inf, 9.0, math.inf), (3.0, 2.0, math.inf)], ["tied", "tied"]),
        ("mrr", [(math.inf, math.inf, math.inf), (0.6, 0.5, 0.7), (0.2, 0.1, 0.3)], ["", "best", ""]),
    ],
)
def test_best_needs_intervals_that_do_not_meet(
    metric: str, estimates: list[tuple[float, float, float]], marks: list[str]
) -> None:
    assert mark(metric, [Estimate(*one) for one in estimates]) == marks


def test_columns_stand_in_one_order_and_gaps_are_dashes() -> None:
    some = {
        "map": Estimate(0.1, 0.1, 0.1),
        "hit_rate@10": Estimate(0.9, 0.8, 1.0),
        "hit_rate@5": Estimate(0.5, 0.4, 0.6),
    }
    other = {"median_rank": Estimate(2.5, 2.0, 3.0), "own": Estimate(0.25, 0.25, 0.25)}
    found = table([("a", some), ("b", other)], PROTOCOL, Voice("en"))
    assert [(group.name, group.cutoffs) for group in found.groups] == [
        ("Hit rate (any right answer)", ("@5", "@10")),
        ("mAP", ("",)),
        ("Median rank", ("",)),
        ("own", ("",)),
    ]
    (_, first), (_, second) = found.rows
    assert [cell.value for cell in first] == ["50.0%", "90.0%", "10.0%", "—", "—"]
    assert [cell.interval for cell in first] == ["40.0–60.0", "80.0–100.0", "", "", ""]
    assert [cell.value for cell in second] == ["—", "—", "—", "2.5", "25.0%"]


def test_a_rank_that_was_never_reached_is_infinite() -> None:
    found = table([("a", {"median_rank": Estimate(7.0, 5.0, math.inf)})], PROTOCOL, Voice("en"))
    assert found.rows[0][1][0].value == "7.0"
    assert found.rows[0][1][0].interval == "5.0–∞"


def test_queries_without_a_right_answer_are_counted() -> None:
    assert "left out because nothing is right for them: 4." in table([], PROTOCOL, Voice("en"), unjudged=4).protocol[-1]
    assert "left out because" not in table([], PROTOCOL, Voice("en")).protocol[-1]


def test_a_foreign_tie_rule_is_quoted() -> None:
    protocol = Protocol("d", "de", "image_to_text", 10, 5, 2.0, "shared", 10, ties="first come")
    assert "Equal scores are ordered by first come." in protocol_words(protocol, Voice("en"))
    assert "10 captions (German)" in protocol_words(protocol, Voice("en"))[0]


def test_one_model_is_summed_up_alone() -> None:
    assert summary([measured("a", 0.5, 0.4, 0.6)], PROTOCOL, Voice("en")) == (
        "a puts a right picture first for 50.0% of the queries, "
        "in a gallery of 100 images (R@1, interval 40.0% to 60.0%)."
    )


def test_the_best_model_is_named_with_its_second() -> None:
    found = summary([measured("a", 0.5, 0.4, 0.6), measured("b", 0.8, 0.7, 0.9)], PROTOCOL, Voice("pt"))
    assert found == (
        "b está à frente: coloca uma imagem certa em primeiro lugar em 80,0% das consultas, "
        "em uma galeria de 100 imagens (R@1, intervalo de 70,0% a 90,0%); o segundo, a, em 50,0%."
    )


def test_overlapping_models_are_not_ordered() -> None:
    results = [measured("a", 0.5, 0.4, 0.6), measured("b", 0.55, 0.45, 0.65), measured("c", 0.1, 0.0, 0.2)]
    found = summary(results, PROTOCOL, Voice("en"))
    assert found.startswith("b and a cannot be told apart on these queries: their intervals overlap.")
    assert " c " not in found


def test_without_intervals_nobody_is_ahead() -> None:
    found = summary([measured("a", 0.5, 0.5, 0.5), measured("b", 0.6, 0.6, 0.6)], PROTOCOL, Voice("en"))
    assert "ahead" not in found
    assert found.endswith("No interval was computed.")
