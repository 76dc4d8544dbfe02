"""The end of advice: one step, why, the exact command, its configuration, and its price."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mirante.advice import commands, say
from mirante.advice.decide import Action, Basis, Decision
from mirante.advice.ground import Asked
from mirante.advice.learning import SHARES, Learning
from mirante.advice.notes import Note
from mirante.advice.price import Price, part_of, price
from mirante.advice.toml import to_toml
from mirante.evaluation.files import write
from mirante.training import TrainConfig

CONFIG = "fine-tune.toml"


@dataclass(frozen=True)
class Recommendation:
    """What to do next.

    Args:
        action: the step.
        basis: what decided.
        others: actions that the sample cannot exclude.
        warnings: what every figure here must be read with.
        reasons: why, the most important first.
        command: that does it, as printed.
        config: the file that the command reads, None where it reads none.
        afterwards: commands that belong to it.
        price: of the command, None where it trains nothing or nobody can tell.
    """

    action: Action
    basis: Basis
    others: tuple[Action, ...]
    warnings: tuple[Note, ...]
    reasons: tuple[Note, ...]
    command: str
    config: Path | None
    afterwards: tuple[str, ...]
    price: Price | None


@dataclass(frozen=True)
class Case:
    """What a recommendation is made from.

    Args:
        asked: what advice is wanted on.
        measured: address with splits of what models were measured on.
        models: that were measured, best first.
        config: of the fine-tune of the best one, None where it cannot be trained.
        pictures: there are to learn from.
        learning: fine-tunes on shares, None where none were tried.
        out: the folder of the advice.
    """

    asked: Asked
    measured: str
    models: tuple[str, ...]
    config: TrainConfig | None
    pictures: int
    learning: Learning | None
    out: Path


def recommend(
    case: Case, decision: Decision, *, warnings: tuple[Note, ...], reasons: tuple[Note, ...]
) -> Recommendation:
    """Write the configuration that the step needs, and say how to run it and what it costs."""
    trains = decision.action in ("fine-tune", "robust")
    config, paid = None, None
    if case.config and (trains or decision.action == "learn"):
        paid = price(case.config, probe=case.learning is not None)
        if paid and decision.action == "learn":
            paid = paid.times(part_of(case.config, SHARES, case.pictures))
    if trains and case.config:
        config = case.out / CONFIG
        write(config, (to_toml(case.config, "The fine-tune that `mirante advise` recommends."),))
    if trains and not case.config:
        warnings = (*warnings, Note("advise.untrainable", {"model": case.models[0]}))
    cost = tuple(_cost(paid, case.learning)) if trains else ()
    return Recommendation(
        decision.action,
        decision.basis,
        decision.others,
        warnings,
        (*reasons, *cost),
        _command(case, decision.action, config),
        config,
        tuple(_afterwards(case, config)),
        paid,
    )


def _command(case: Case, action: Action, config: Path | None) -> str:
    if action == "measure" or not case.models:
        return commands.measure(case.asked, case.out)
    if config is not None:
        return commands.train(config)
    if action == "learn":
        return commands.learn(case.asked, case.models[0], case.out)
    if action == "deploy":
        return commands.index(case.asked, case.models[0], case.out / "index")
    return commands.again(case.asked, case.models, case.out)


def _afterwards(case: Case, config: Path | None) -> Iterator[str]:
    """After a fine-tune: weigh it against what it forgot, and measure it."""
    if config is None or case.config is None:
        return
    start, data = str(case.config.model.start), case.config.data
    tuned = str(Path(case.config.out) / "checkpoint")
    if say.loses_much(case.learning) and data.validation and data.retain:
        yield commands.blend(start, tuned, data, case.out / "blend")
        tuned = str(case.out / "blend" / "checkpoint")
    if data.validation:
        yield commands.evaluate(case.measured, (start, tuned), data.language, case.out / "after")


def _cost(paid: Price | None, learning: Learning | None) -> Iterator[Note]:
    """What a point of R@1 costs."""
    gain = learning.curve.gain.value if learning else 0.0
    if paid is None or gain <= 0 or not (learning and learning.curve.trusted):
        return
    if paid.usd:
        yield Note("advise.cost-usd", {"usd": paid.usd, "each": paid.usd / (100 * gain), "gained": gain})
    elif paid.elsewhere:
        away = paid.elsewhere
        yield Note(
            "advise.cost-away", {"usd": away.usd, "each": away.usd / (100 * gain), "gained": gain, "gpu": away.gpu}
        )
    else:
        yield Note("advise.cost-hours", {"hours": paid.hours, "gained": gain})
