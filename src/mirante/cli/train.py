"""`mirante train`: one configuration, one training run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirante.captioning import METRICS
from mirante.cli.estimate import duration, expect, gigabytes
from mirante.cli.evaluate import SHOWN
from mirante.cli.options import Output, verb
from mirante.cli.output import number, percent, speaks
from mirante.messages import text

if TYPE_CHECKING:
    from mirante.diagnosis import Leaks
    from mirante.training import TrainConfig, Training
    from mirante.training.snapshot import Measured
    from mirante.types import Estimate

NAMED = 3
"""So many unreadable pictures are named."""


@dataclass(frozen=True)
class Spend:
    """What the run may take; what is given here stands above the configuration."""

    budget: Annotated[str | None, typer.Option(metavar="5usd", help=text("train.budget"))] = None
    max_hours: Annotated[float | None, typer.Option(help=text("train.max-hours"))] = None
    usd_per_hour: Annotated[float | None, typer.Option(help=text("estimate.usd-per-hour"))] = None

    def over(self, recipe: "TrainConfig") -> "TrainConfig":
        """The configuration with these limits."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        return replace(recipe, **given)


@verb
def train(
    config: Annotated[Path, typer.Argument(help=text("cli.config"))],
    spend: Spend,
    output: Output,
    restart: Annotated[bool, typer.Option("--restart", help=text("train.restart"))] = False,
    push_to_hub: Annotated[str | None, typer.Option(metavar="OWNER/NAME", help=text("train.push"))] = None,
) -> None:
    """Train as the TOML file says."""
    run(config, spend, output, restart=restart, push_to_hub=push_to_hub)


def require(config: Path, section: str, what: str) -> None:
    """Let pass a configuration that asks for `what` in its `section`.

    Raises:
        UsageError: it has no such section.
    """
    from mirante.errors import UsageError
    from mirante.training import read_config

    if getattr(read_config(config), section) is None:
        raise UsageError(
            f"{str(config)!r} has no [{section}], so no {what} would be trained: add it, or call `mirante train`."
        )


def run(config: Path, spend: Spend, output: Output, *, restart: bool, push_to_hub: str | None = None) -> None:
    """The whole verb."""
    from mirante import cost, training
    from mirante.training import hub

    recipe = spend.over(training.read_config(config))
    training.check(recipe)
    if push_to_hub is not None:
        hub.check(recipe)
    repository = hub.repository(push_to_hub) if push_to_hub is not None else None
    expected = cost.predict(recipe) if speaks() else None
    if expected:
        expect(expected)
    done = training.train(recipe, restart=restart, predicted=expected.predicted() if expected else None)
    if not speaks():
        return
    drawn = _draw(Path(recipe.out)) if recipe.caption and done.measured else None
    show(done, recipe, output)
    url = repository.upload(done.checkpoint) if repository and not done.stopped else None
    output.document(done.to_dict() | {"hub": url, "report": str(drawn) if drawn else None})
    if drawn:
        output.say("cli.report", path=drawn)
    if url:
        output.say("train.pushed", url=url)


def _draw(folder: Path) -> Path:
    """The page of a captioner's training."""
    from mirante.report import write_report

    return write_report(folder)


def show(done: "Training", recipe: "TrainConfig", output: Output) -> None:
    """What happened, for people: both sides before and after, what was forgotten, what it took, where it lies."""
    if done.resumed:
        stayed = "train.broke" if done.stopped else "train.over"
        output.say("train.resumed" if done.resumed < done.steps else stayed, step=done.resumed)
    for leaks in done.near_copies:
        output.say("leaks.line", sentence=found_sentence(leaks))
    side(output, "target", recipe.data.language, before=done.before.target, after=done.after.target)
    side(output, "retain", recipe.data.retain_language, before=done.before.retain, after=done.after.retain)
    forgetting(done, output)
    trained, whole = done.parameters.trained, done.parameters.all
    share = 100 * trained / max(1, whole)
    output.say("train.done", steps=done.steps, seconds=done.seconds, trained=trained, all=whole, share=share)
    output.say("train.cost" if recipe.usd_per_hour else "train.hours", **done.cost)
    against(done, output)
    if done.stopped:
        output.say(f"train.stopped-{done.stopped}", steps=done.steps, budget=recipe.budget, hours=recipe.max_hours)
    if done.unreadable:
        names = ", ".join(list(done.unreadable)[:NAMED])
        more = text("train.and-more", names=names) if len(done.unreadable) > NAMED else names
        output.say("train.unreadable", count=len(done.unreadable), names=more)
    output.say("train.checkpoint", path=done.checkpoint)


def against(done: "Training", output: Output) -> None:
    """What the run took beside what was expected of it."""
    if not done.predicted or done.stopped:
        return
    told, took = done.predicted, done.cost
    output.say(
        "train.expected",
        hours=duration(3600 * (told["hours"] or 0)),
        peak=gigabytes(told["peak_bytes"] or 0),
        took=duration(3600 * took["hours"]),
        most=gigabytes(took["peak_bytes"]),
    )


def found_sentence(leaks: "Leaks") -> str:
    """What was found of training pictures among measured ones."""
    from mirante.diagnosis.saved import Look
    from mirante.diagnosis.words import summary

    return summary(Look((), leaks))


def side(
    output: Output, name: str, language: str | None, *, before: "Measured | None", after: "Measured | None"
) -> None:
    """One data set under its protocol: each metric before and after, and the change."""
    if after is None:
        return
    said = after.protocol
    written = not said.gallery
    ranked = {} if written else {"gallery": said.gallery}
    output.say(
        "train.captioned" if written else "train.measured",
        side=text(f"train.{name}"),
        data=said.data,
        language=language or text("train.all-languages"),
        queries=said.queries,
        per_image=said.captions_per_image,
        **ranked,
    )
    known = before.metrics if before else {}
    head = ("cli.column-metric", "cli.column-before", "cli.column-after")
    shown = METRICS if written else SHOWN
    rows = [_row(metric, known, after.metrics) for metric in shown if metric in after.metrics]
    output.table((*map(text, head), text("train.change")), rows)


def forgetting(done: "Training", output: Output) -> None:
    """One sentence on what the retained data lost."""
    from mirante.training.forgetting import forgetting as compare

    if found := compare(done.before, done.after):
        shares = {"before": percent(found.before), "after": percent(found.after)}
        output.say(f"train.{found.verdict}", change=f"{found.change:+.1f}", **shares)


def _row(metric: str, before: "Mapping[str, Estimate]", after: "Mapping[str, Estimate]") -> tuple[str, ...]:
    new = after[metric]
    if metric not in before:
        return metric, "–", number(metric, new), "–"
    change = new.value - before[metric].value
    plain = metric in ("median_rank", "cider_d")
    written = f"{change:+.3g}" if plain else text("train.points", change=100 * change)
    return metric, number(metric, before[metric]), number(metric, new), written


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("train", help=text("cli.train"))(train)
