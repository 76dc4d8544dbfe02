"""The notes of advice as sentences; how a figure is written follows from the name of its placeholder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mirante.report.voice import Voice
from mirante.types import Estimate

Form: TypeAlias = Callable[[Voice, Any], str]

LEAST_USD = 0.0001
UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def sentence(note: Mapping[str, Any], voice: Voice) -> str:
    """One note, `{"key": …, "values": {…}}`.

    Raises:
        UnknownName: no such message.
        KeyError: a placeholder has no figure.
    """
    values: Mapping[str, Any] = note["values"]
    written = {name: FORMS.get(name, _plain)(voice, one) for name, one in values.items()}
    return voice.say(note["key"], **written, interval=_interval(values, voice))


def duration(hours: float, voice: Voice) -> str:
    """Hours as people say them: seconds, minutes, hours with a decimal."""
    seconds = 3600 * hours
    if seconds < 90:
        return voice.say("advise.seconds", number=voice.number(seconds))
    if hours < 1.5:
        return voice.say("advise.minutes", number=voice.number(60 * hours))
    return voice.say("advise.hours", number=voice.number(hours, 1))


def money(usd: float, voice: Voice) -> str:
    """`US$ 0.25`; sums below a cent keep their first digits."""
    if 0 < usd < LEAST_USD:
        return voice.say("less_than", value=f"US$ {voice.number(LEAST_USD, 4)}")
    places = 2 if usd >= 0.01 or usd <= 0 else 4
    return f"US$ {voice.number(usd, places)}"


def size(count: float, voice: Voice) -> str:
    """Bytes in the largest unit that they fill."""
    scale, unit = next(((scale, unit) for scale, unit in UNITS if count >= scale), (1.0, "B"))
    number = count / scale
    return f"{voice.number(number, 1 if number < 10 and unit != 'B' else 0)} {unit}"


def signed(share: float, voice: Voice) -> str:
    """A difference of shares in points, with its sign."""
    number = voice.number(100 * share, 1)
    return f"+{number}" if round(100 * share, 1) > 0 else number


def _points(voice: Voice, share: float) -> str:
    return voice.number(100 * share, 1)


def _share(voice: Voice, share: float) -> str:
    """A percentage with as few decimals as it has."""
    return f"{voice.short(round(100 * share, 2))}%"


def _said(voice: Voice, keys: Sequence[str]) -> str:
    """`a, b and c` of messages."""
    return voice.names([voice.say(key) for key in keys])


def _plain(voice: Voice, value: Any) -> str:
    return voice.number(value) if isinstance(value, int) else str(value)


def _interval(values: Mapping[str, Any], voice: Voice) -> str:
    if not {"value", "low", "high"} <= values.keys():
        return ""
    return voice.interval(Estimate(values["value"], values["low"], values["high"]))


FORMS: Mapping[str, Form] = {
    **dict.fromkeys(("value", "low", "high", "other", "before"), Voice.percent),
    **dict.fromkeys(("points", "points_low", "points_high"), lambda voice, one: signed(one, voice)),
    **dict.fromkeys(("lead", "lead_low", "lead_high", "smallest", "gained"), _points),
    **dict.fromkeys(("usd", "each"), lambda voice, one: money(one, voice)),
    **dict.fromkeys(("peak", "disk"), lambda voice, one: size(one, voice)),
    **dict.fromkeys(("weak", "strong", "language"), Voice.language),
    "share": _share,
    "hours": lambda voice, one: duration(one, voice),
    "names": Voice.names,
    "verdicts": _said,
}


@dataclass(frozen=True)
class Said:
    """Advice in words.

    Args:
        warnings: what every figure must be read with.
        headline: the one step.
        why: the step in a sentence.
        basis: what decided.
        reasons: the evidence, the most important first.
        commands: the one that does it, then those that belong to it.
        price: of it.
        where: the page, `""` where it was not written.
    """

    warnings: tuple[str, ...]
    headline: str
    why: str
    basis: str
    reasons: tuple[str, ...]
    commands: tuple[str, ...]
    price: tuple[str, ...]
    where: str

    @classmethod
    def of(cls, document: Mapping[str, Any], lang: str) -> "Said":
        """Say what `advice.json`, or the answer of `mirante advise --json`, holds."""
        voice, told = Voice(lang), document["recommendation"]
        basis = voice.say(f"advise.basis-{told['basis']}")
        if told["others"]:
            others = _said(voice, [f"advise.short-{one}" for one in told["others"]])
            basis = f"{basis} {voice.say('advise.others', verdicts=others)}"
        return cls(
            warnings=tuple(sentence(one, voice) for one in told["warnings"]),
            headline=voice.say(f"advise.do-{told['action']}"),
            why=voice.say(f"advise.why-{told['action']}"),
            basis=basis,
            reasons=tuple(sentence(one, voice) for one in told["reasons"]),
            commands=(told["command"], *told["afterwards"]),
            price=tuple(_price(told, voice)),
            where=voice.say("advise.where", path=document["page"]) if "page" in document else "",
        )


def _price(told: Mapping[str, Any], voice: Voice) -> Iterator[str]:
    price: Mapping[str, Any] | None = told["price"]
    if price is None:
        trains = told["action"] in ("fine-tune", "robust", "learn")
        yield voice.say("advise.price-unknown" if trains else "advise.price-none")
        return
    yield voice.say(
        "advise.price-here",
        device=price["device"],
        hours=duration(price["hours"], voice),
        peak=size(price["peak"], voice),
        disk=size(price["disk"], voice),
    )
    if price["usd"] is not None:
        yield voice.say("advise.price-money", usd=money(price["usd"], voice))
    if away := price["elsewhere"]:
        rent = {"hours": duration(away["hours"], voice), "usd": money(away["usd"], voice)}
        yield voice.say("advise.price-away", gpu=away["gpu"], priced=away["priced"], **rent)
    yield voice.say("advise.price-tried" if price["tried"] else "advise.price-guessed")
