"""The page of advice, from `advice.json` alone: the one step, why, what was measured, what is wrong with the data."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mirante import messages
from mirante.errors import UsageError
from mirante.report.advice_chart import LearningChart
from mirante.report.advice_words import Said, duration, signed
from mirante.report.frame import render
from mirante.report.saved import draw_saved
from mirante.report.tables import protocol_words
from mirante.report.voice import Voice
from mirante.types import Estimate, Protocol

NAME = "advice.json"
PAGE = "advice.html"
SCHEMA = 1


def write_advice(folder: Path, lang: str | None = None) -> Path:
    """Draw `folder/advice.json` as `folder/advice.html`, one file that opens offline.

    Args:
        folder: what `mirante advise` wrote.
        lang: `"en"` or `"pt"`; by default the language of the environment.

    Raises:
        UsageError: there is no advice.
        StoreError: it is damaged or of another schema.
    """
    path, voice = folder / NAME, Voice(messages.language(lang))
    try:
        page = draw_saved(path, SCHEMA, "advise", lambda saved: _page(saved, voice))
    except FileNotFoundError as error:
        raise UsageError(f"There is no {str(path)!r}: give the folder that `mirante advise` wrote.") from error
    unfinished = folder / f"{PAGE}.part"
    unfinished.write_text(page, encoding="utf-8")
    return unfinished.replace(folder / PAGE)


def _page(saved: Mapping[str, Any], voice: Voice) -> str:
    measured, curve = saved["measured"], saved["learning_curve"]
    return render(
        "advice.html",
        saved.get("environment") or {},
        voice,
        data=saved["data"],
        said=Said.of(saved, voice.lang),
        config=saved["recommendation"]["config"],
        models=list(_models(measured, voice)) if measured else [],
        languages=list(_languages(measured, voice)) if measured else [],
        protocol=protocol_words(Protocol(**measured["protocol"]), voice) if measured else (),
        answers=list(_answers(saved, voice)),
        chart=LearningChart.of(curve, voice).draw() if curve else None,
        points=list(_points(curve, voice)) if curve else [],
        held=protocol_words(Protocol(**curve["protocol"]), voice) if curve else (),
    )


def _models(measured: Mapping[str, Any], voice: Voice) -> Iterator[tuple[str, str, str]]:
    families = {"siglip": "SigLIP", "clip": "CLIP"}
    for one in measured["models"]:
        yield one["model"], families.get(one["family"], voice.say("advise.other-family")), _value(one["r1"], voice)


def _languages(measured: Mapping[str, Any], voice: Voice) -> Iterator[tuple[str, str]]:
    for tag, r1 in measured["languages"].items():
        yield voice.language(tag), _value(r1, voice)


def _answers(saved: Mapping[str, Any], voice: Voice) -> Iterator[tuple[str, str, str]]:
    """Rows: question, answer, what else the interval allows; then those of the language that is advised on."""
    for one in saved["answers"]:
        yield voice.say(f"advise.topic-{one['topic']}"), *_answer(one, voice)
    focus = saved["focus"]
    for one in focus["answers"] if focus else ():
        if one["topic"] in ("level", "step"):
            question = voice.say(f"advise.topic-{one['topic']}")
            yield f"{question} ({voice.language(focus['language'])})", *_answer(one, voice)


def _answer(one: Mapping[str, Any], voice: Voice) -> tuple[str, str]:
    others = [voice.say(f"advise.short-{other}") for other in one["others"]]
    return voice.say(f"advise.short-{one['verdict']}"), ", ".join(others)


def _points(curve: Mapping[str, Any], voice: Voice) -> Iterator[Sequence[str]]:
    """Rows: pictures, share, R@1 with interval, change against the start, seconds of training."""
    points = curve["points"]
    start = points[0]["r1"]["value"]
    for one in points:
        share = voice.say("advise.as-it-is") if not one["share"] else f"{voice.short(round(100 * one['share'], 2))}%"
        change = "—" if not one["share"] else signed(one["r1"]["value"] - start, voice)
        took = "—" if not one["share"] else duration(one["seconds"] / 3600, voice)
        yield voice.number(one["pictures"]), share, _value(one["r1"], voice), change, took
    expected = _value(curve["expected"], voice)
    gained = signed(curve["gain"]["value"], voice)
    yield voice.number(curve["pictures"]), voice.say("advise.followed"), expected, gained, "—"


def _value(r1: Mapping[str, float], voice: Voice) -> str:
    one = Estimate(**r1)
    return voice.percent(one.value) + voice.interval(one)
