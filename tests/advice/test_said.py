"""Advice in words: every reason in both languages, figures as each language writes them."""

import re

import pytest

from mirante import messages
from mirante.advice.decide import STEPS
from mirante.report.advice_words import Said, duration, money, sentence, signed, size
from mirante.report.voice import Voice

EN, PT = Voice("en"), Voice("pt")

ANY = {
    "model": "a/model", "value": 0.123, "low": 0.1, "high": 0.15, "queries": 1234, "gallery": 500, "language": "pt-BR",
    "names": ["one", "two"], "weak": "pt-BR", "strong": "en", "other": 0.9, "rows": 12345, "texts": 99, "lead": 0.03,
    "lead_low": 0.01, "lead_high": 0.05, "smallest": 0.02, "pictures": 40, "share": 0.01, "points": 0.25,
    "points_low": -0.01, "points_high": 0.3, "all": 4000, "data": "scenes:test", "before": 0.5, "usd": 1.5,
    "each": 0.03, "gained": 0.25, "gpu": "L4", "hours": 2.0, "count": 7, "train": "scenes:train",
    "captions": 500, "text": "a cat", "times": 9, "most": 200,
    "verdicts": ["advise.short-low", "advise.short-high"],
}  # fmt: skip

REASONS = [
    key
    for key in messages.catalogue()
    if re.match(r"advise\.(level|step|family|kind|languages|curve|doubt|retain|cost|unsure|leak|short)-", key)
    or key
    in (
        "advise.tied",
        "advise.untrainable",
        "advise.left-out",
        "advise.leak",
        "advise.lists",
        "advise.doubted",
        "advise.foreign",
        "advise.repeated",
        "advise.copies",
        "advise.long",
    )
]


@pytest.mark.parametrize("voice", [EN, PT], ids=["en", "pt"])
@pytest.mark.parametrize("key", REASONS)
def test_every_reason_is_a_whole_sentence(key: str, voice: Voice) -> None:
    said = sentence({"key": key, "values": ANY}, voice)
    assert not re.search(r"[{}]|0\.\d{3,}|\[", said), said
    assert "-short" in key or key.startswith("advise.short-") or said.endswith((".", ":", ").")), said


def test_figures_are_written_as_the_language_does() -> None:
    note = {"key": "advise.level-low", "values": ANY}
    assert "12.3% of the queries (R@1, interval 10.0% to 15.0%; 1,234 queries, 500 pictures)" in sentence(note, EN)
    assert "12,3% das consultas (R@1, intervalo de 10,0% a 15,0%; 1.234 consultas" in sentence(note, PT)


def test_an_estimate_without_an_interval_has_none_in_words() -> None:
    note = {"key": "advise.level-low", "values": {**ANY, "low": 0.123, "high": 0.123}}
    assert "(R@1; 1,234 queries" in sentence(note, EN)


def test_alternatives_are_named() -> None:
    note = {
        "key": "advise.unsure-level",
        "values": {
            "captions": 500,
            "text": "a cat",
            "times": 9,
            "most": 200,
            "verdicts": ["advise.short-low", "advise.short-high"],
        },
    }
    assert sentence(note, EN).endswith("cannot tell between low and high.")


@pytest.mark.parametrize(
    ("hours", "said"), [(0.001, "4 s"), (0.02, "72 s"), (0.5, "30 min"), (1.49, "89 min"), (2.25, "2.2 h")]
)
def test_hours_are_said_as_people_do(hours: float, said: str) -> None:
    assert duration(hours, EN) == said


def test_money_bytes_and_points() -> None:
    assert [money(one, EN) for one in (0.0, 0.0044, 0.25, 1234.5)] == [
        "US$ 0.00",
        "US$ 0.0044",
        "US$ 0.25",
        "US$ 1,234.50",
    ]
    assert money(0.25, PT) == "US$ 0,25"
    assert "US$ 0.0001" in money(0.00005, EN) != money(0.0001, EN)
    assert [size(one, EN) for one in (12, 2_500, 64e6, 1.7e9, 1e12)] == ["12 B", "2.5 kB", "64 MB", "1.7 GB", "1.0 TB"]
    assert [signed(one, EN) for one in (0.251, 0.0, -0.02, 0.0001)] == ["+25.1", "0.0", "\u22122.0", "0.0"]


def document(**changed: object) -> dict[str, object]:
    told = {
        "action": "deploy", "basis": "rules", "others": [], "warnings": [], "reasons": [], "command": "mirante index x",
        "config": None, "afterwards": [], "price": None, **changed,
    }  # fmt: skip
    return {"recommendation": told}


@pytest.mark.parametrize("lang", messages.LANGUAGES)
@pytest.mark.parametrize("action", [*STEPS.values(), "measure", "learn"])
@pytest.mark.parametrize("basis", ["nothing", "rules", "shares", "curve"])
def test_every_step_has_a_headline_a_why_and_a_price(action: str, basis: str, lang: str) -> None:
    said = Said.of(document(action=action, basis=basis, others=["deploy", "fine-tune", "collect", "robust"]), lang)
    assert said.headline
    assert said.why.endswith(".")
    assert said.basis.endswith(".")
    assert len(said.price) == 1
    assert said.commands == ("mirante index x",)


def test_what_trains_and_has_no_price_says_that_nobody_can_tell() -> None:
    assert "cannot be told" in Said.of(document(action="fine-tune"), "en").price[0]
    assert "No training" in Said.of(document(action="deploy"), "en").price[0]


def test_the_price_names_this_machine_and_a_rented_one() -> None:
    price = {
        "device": "cpu", "hours": 12.0, "usd": 3.0, "peak": 2e9, "disk": 5e8, "steps": 10, "tried": True,
        "elsewhere": {"gpu": "L4", "hours": 0.5, "usd": 0.4, "priced": "2026-03-10"},
    }  # fmt: skip
    assert Said.of(document(action="fine-tune", price=price), "en").price == (
        "On this machine (cpu): 12.0 h, 2.0 GB of memory, 500 MB of disk.",
        "At the price that the configuration gives: US$ 3.00.",
        "On a rented L4: 30 min, US$ 0.40 (price of 2026-03-10).",
        "A few steps were timed here.",
    )


def test_warnings_come_apart_from_reasons() -> None:
    leak = {"key": "advise.leak", "values": ANY}
    kind = {"key": "advise.kind-diverse", "values": ANY}
    said = Said.of(document(warnings=[leak], reasons=[kind]), "en")
    assert said.warnings[0].startswith("7 of the 40 measured pictures are also among those to learn from")
    assert said.reasons[0].startswith("The texts are diverse")
