"""The rule table, row by row, at its bounds.

n > 200 and (u < 15 or u/n < 0.1)         classification, otherwise diverse
R@1 < 0.10, < 0.20, < 0.35, ≥ 0.35        very low, low, moderate, high
mean SigLIP − mean CLIP > 0.02, < −0.02   SigLIP ahead, CLIP ahead, else similar
R@1 < 0.15: n < 300, ≤ 100,000, more      collect, fine-tune now, robust strategy
0.15 ≤ R@1 < 0.35                         fine-tuning likely to help, less so when small
R@1 ≥ 0.35                                no fine-tuning, deploy
"""

from pathlib import Path

import pytest

from mirante.advice.rules import Answer, Facts, Table, answer, answers, load_table
from mirante.errors import UnknownName, UsageError
from mirante.types import Estimate


@pytest.fixture(scope="module")
def table() -> Table:
    return load_table()


def exactly(value: float) -> Estimate:
    """A value without an interval."""
    return Estimate(value, value, value)


def said(table: Table, topic: str, **facts: object) -> str | None:
    known = {"rows": 1_000, "texts": 1_000, **facts}
    found = answer(table, topic, Facts(**known))  # type: ignore[arg-type]
    return found.verdict if found else None


@pytest.mark.parametrize(
    ("rows", "texts", "kind"),
    [
        (200, 14, "diverse"),
        (201, 14, "classification"),
        (200, 1, "diverse"),
        (201, 1, "classification"),
        (201, 15, "classification"),  # 15 / 201 is below 0.1
        (201, 21, "diverse"),  # 21 / 201 is above
        (201, 20, "classification"),  # 20 / 201 is below
        (300, 30, "diverse"),  # exactly 0.1
        (300, 29, "classification"),
        (1_000, 100, "diverse"),
        (1_000, 99, "classification"),
        (1_000, 1_000, "diverse"),
        (0, 0, "diverse"),
    ],
)
def test_few_texts_on_many_pictures_are_classes(table: Table, rows: int, texts: int, kind: str) -> None:
    assert said(table, "kind", rows=rows, texts=texts) == kind


def test_fewer_than_15_texts_are_classes_whatever_their_share() -> None:
    """With u/n at most 0.1 left out of the table only the count of texts answers: 14 or 15 on 201 pictures."""
    without_share = Table(tuple(rule for rule in load_table().rules if rule.texts_per_row is None))
    assert said(without_share, "kind", rows=201, texts=14) == "classification"
    assert said(without_share, "kind", rows=201, texts=15) == "diverse"


@pytest.mark.parametrize(
    ("r1", "level"),
    [
        (0.0, "very-low"),
        (0.0999, "very-low"),
        (0.10, "low"),
        (0.1999, "low"),
        (0.20, "moderate"),
        (0.3499, "moderate"),
        (0.35, "high"),
        (1.0, "high"),
    ],
)
def test_levels_of_r1(table: Table, r1: float, level: str) -> None:
    assert said(table, "level", r1=exactly(r1)) == level


@pytest.mark.parametrize(
    ("siglip", "clip", "family"),
    [
        (0.521, 0.50, "siglip-ahead"),
        (0.520, 0.50, "similar"),  # exactly 0.02, which is 0.020000000000000018 in binary
        (0.50, 0.50, "similar"),
        (0.50, 0.520, "similar"),
        (0.50, 0.521, "clip-ahead"),
    ],
)
def test_a_family_is_ahead_by_more_than_two_points(table: Table, siglip: float, clip: float, family: str) -> None:
    assert said(table, "family", lead=exactly(siglip - clip)) == family


@pytest.mark.parametrize(
    ("r1", "rows", "step"),
    [
        (0.149, 299, "collect"),
        (0.149, 300, "fine-tune-now"),
        (0.149, 100_000, "fine-tune-now"),
        (0.149, 100_001, "robust"),
        (0.0, 1, "collect"),
        (0.15, 299, "fine-tune-likely-small"),
        (0.15, 300, "fine-tune-likely"),
        (0.15, 100_001, "fine-tune-likely"),
        (0.349, 100_001, "fine-tune-likely"),
        (0.35, 299, "deploy"),
        (0.35, 100_001, "deploy"),
    ],
)
def test_the_next_step(table: Table, r1: float, rows: int, step: str) -> None:
    assert said(table, "step", rows=rows, r1=exactly(r1)) == step


def test_what_was_not_measured_is_not_answered(table: Table) -> None:
    assert [one.topic for one in answers(table, Facts(1_000, 1_000))] == ["kind"]
    assert [one.topic for one in answers(table, Facts(1_000, 1_000, exactly(0.4)))] == ["kind", "level", "step"]
    every = answers(table, Facts(1_000, 1_000, exactly(0.4), exactly(0.1)))
    assert [one.topic for one in every] == ["kind", "level", "family", "step"]


@pytest.mark.parametrize(
    ("low", "value", "high", "others"),
    [
        (0.21, 0.25, 0.34, ()),
        (0.20, 0.25, 0.3499, ()),  # ends that touch a bound from the right side
        (0.19, 0.25, 0.34, ("low",)),
        (0.21, 0.25, 0.35, ("high",)),
        (0.05, 0.15, 0.40, ("very-low", "moderate", "high")),  # the middle ones lie between the ends
    ],
)
def test_an_interval_over_a_bound_means_that_the_sample_cannot_tell(
    table: Table, low: float, value: float, high: float, others: tuple[str, ...]
) -> None:
    found = answer(table, "level", Facts(1_000, 1_000, Estimate(value, low, high)))
    assert found is not None
    assert set(found.others) == set(others)
    assert found.sure == (not others)


def test_an_answer_that_holds_only_between_two_bounds_is_found(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(
        '[[rules]]\ntopic = "level"\nanswer = "moderate"\nr1 = { above = 0.2, below = 0.3 }\n'
        '[[rules]]\ntopic = "level"\nanswer = "high"\n',
        encoding="utf-8",
    )
    found = answer(load_table(own), "level", Facts(9, 9, Estimate(0.1, 0.1, 0.4)))
    assert found == Answer("level", "high", ("moderate",))


def test_the_interval_of_the_lead_counts_too(table: Table) -> None:
    lead = Estimate(0.03, -0.04, 0.10)
    assert answer(table, "family", Facts(9, 9, lead=lead)) == Answer(
        "family", "siglip-ahead", ("clip-ahead", "similar")
    )


def test_r1_does_not_make_the_kind_of_data_unsure(table: Table) -> None:
    found = answer(table, "kind", Facts(1_000, 1_000, Estimate(0.3, 0.0, 1.0)))
    assert found == Answer("kind", "diverse")


def test_a_table_of_ones_own_is_read(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text('[[rules]]\ntopic = "level"\nanswer = "high"\nr1 = { least = 0.8 }\n', encoding="utf-8")
    assert said(load_table(own), "level", r1=exactly(0.8)) == "high"
    assert said(load_table(own), "level", r1=exactly(0.79)) is None


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        ('topic = "level"\nanswer = "splendid"', UnknownName, "splendid"),
        ('topic = "weather"\nanswer = "high"', UnknownName, "weather"),
        ('topic = "level"\nanswer = "high"\nr1 = { under = 0.1 }', UnknownName, "under"),
        ('topic = "level"\nanswer = "high"\nr2 = { below = 0.1 }', UnknownName, "r2"),
        ('topic = "level"', UsageError, "answer"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, row: str, error: type[Exception], message: str) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(f"[[rules]]\n{row}\n", encoding="utf-8")
    with pytest.raises(error, match=message):
        load_table(own)
