"""What re-ranking did, as a part of the page: tables and plain sentences in both languages."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mirante.evaluation import Verdict
from mirante.report import write_report
from mirante.report.reranked import reranked_panels, words
from mirante.report.voice import Voice
from mirante.types import Estimate, Protocol

EN, PT = Voice("en"), Voice("pt")
PROTOCOL = Protocol("art:test", "pt-BR", "text_to_image", 1000, 2500, 2.5, "shared", 1000)


def side(first: float) -> dict[str, Estimate]:
    values = {"hit_rate@1": first, "hit_rate@5": 0.6, "hit_rate@10": 0.7, "mrr": first + 0.1}
    return {name: Estimate(value, value - 0.02, value + 0.02) for name, value in values.items()}


HELPS = Verdict(
    model="clip",
    reranked="clip + elip:guide",
    chain=("elip:guide",),
    depth=100,
    protocol=PROTOCOL,
    metric="hit_rate@1",
    base=side(0.4),
    after=side(0.46),
    ceiling={"hit_rate@1": 0.91, "hit_rate@5": 0.91, "hit_rate@10": 0.91, "mrr": 0.912},
    difference=0.06,
    low=0.041,
    high=0.079,
    p=0.0001,
    p_holm=0.0002,
    smallest_difference=0.012,
    queries=2500,
    clusters=1000,
    candidates=100.0,
    seconds_per_query=0.25,
    device="cpu",
    usd_per_hour=0.36,
)
HURTS = replace(HELPS, after=side(0.1), difference=-0.3, low=-0.32, high=-0.28)
UNSHOWN = replace(HELPS, after=side(0.405), difference=0.005, low=-0.004, high=0.0135, p_holm=0.21, usd_per_hour=None)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (
            HELPS,
            "clip + elip:guide helps: R@1 rises from 40.0% to 46.0%, by 6.0 points [4.1, 7.9] (corrected p < 0.001); "
            "the best order of the same candidates would reach 91.0%. A query waits 250 ms for its 100 candidates on "
            "cpu, 0.025 USD per 1,000 queries; that is 24 points for each second of waiting.",
        ),
        (
            HURTS,
            "clip + elip:guide hurts: R@1 falls from 40.0% to 10.0%, by 30.0 points [28.0, 32.0] (corrected p "
            "< 0.001); the best order of the same candidates would reach 91.0%. A query waits 250 ms for its 100 "
            "candidates on cpu, 0.025 USD per 1,000 queries; that is −120 points for each second of waiting.",
        ),
        (
            UNSHOWN,
            "clip + elip:guide: no difference shown. R@1 goes from 40.0% to 40.5%, 0.5 points [−0.4, 1.4] (corrected "
            "p 0.210), and the sample could show differences of 1.2 points; the best order of the same candidates "
            "would reach 91.0%. A query waits 250 ms for its 100 candidates on cpu.",
        ),
    ],
)
def test_a_verdict_in_words(verdict: Verdict, said: str) -> None:
    assert words(verdict, EN) == said


def test_a_verdict_in_portuguese() -> None:
    assert words(HURTS, PT) == (
        "clip + elip:guide prejudica: R@1 cai de 40,0% para 10,0%, 30,0 pontos [28,0; 32,0] (p corrigido < 0,001); a "
        "melhor ordem das mesmas candidatas chegaria a 91,0%. Uma consulta espera 250 ms por suas 100 candidatas em "
        "cpu, 0,025 USD por 1.000 consultas; são −120 pontos por segundo de espera."
    )


def test_base_reranked_and_the_best_order_stand_side_by_side() -> None:
    (panel,) = reranked_panels([HELPS], EN)
    assert panel.heading == "art:test · Brazilian Portuguese: re-ranking of the first 100 answers"
    quality, price = panel.tables
    assert quality.head == ("Model", "R@1", "R@5", "R@10", "MRR")
    assert [(row[0], row[1]) for row in quality.rows] == [
        ("clip", "40.0% [38.0, 42.0]"),
        ("clip + elip:guide", "46.0% [44.0, 48.0]"),
        ("best order of the first 100", "91.0%"),
    ]
    assert dict(zip(price.head, price.rows[0], strict=True)) == {
        "re-ranked": "clip + elip:guide",
        "verdict": "helps",
        "R@1, points": "6.0 [4.1, 7.9]",
        "corrected p": "< 0.001",
        "candidates": "100",
        "ms per query": "250",
        "USD per 1,000 queries": "0.025",
        "points per second of a query": "24 [16, 32]",
    }


def test_without_a_price_there_is_no_column_for_it() -> None:
    (panel,) = reranked_panels([UNSHOWN], EN)
    assert "USD per 1,000 queries" not in panel.tables[1].head
    assert len(panel.tables[1].head) == len(panel.tables[1].rows[0]) == 7


def test_average_precision_is_called_by_its_name() -> None:
    mean = Estimate(0.3, 0.2, 0.4)
    found = replace(HELPS, metric="map", base={"map": mean}, after={"map": mean}, ceiling={"map": 0.5})
    (panel,) = reranked_panels([found], EN)
    assert panel.tables[0].head == ("Model", "mAP")
    assert panel.sentences[0].startswith("clip + elip:guide helps: mAP rises from 30.0%")


def test_models_of_one_protocol_share_a_part_and_protocols_do_not() -> None:
    other = replace(HELPS, model="siglip", reranked="siglip + elip:guide")
    elsewhere = replace(HELPS, protocol=replace(PROTOCOL, language="en"))
    panels = reranked_panels([HELPS, other, elsewhere], EN)
    assert [(one.anchor, len(one.tables[0].rows), len(one.sentences)) for one in panels] == [("r1", 6, 2), ("r2", 3, 1)]
    assert reranked_panels([], EN) == ()


def test_the_page_says_it_before_the_protocols(saved: dict[str, Any], keep: Callable[[object], Path]) -> None:
    saved["reranked"] = [HURTS.to_dict()]
    page = write_report(keep(saved), "en").read_text(encoding="utf-8")
    assert page.index('<section id="r1"') < page.index('<section id="p1"')
    assert page.count("clip + elip:guide hurts: R@1 falls from 40.0% to 10.0%") == 2  # in the summary and in its part
