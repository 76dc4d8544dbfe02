"""`mirante train`: one configuration, one training run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirante.cli.evaluate import SHOWN
from mirante.cli.options import Output, verb
from mirante.cli.output import number, percent, speaks
from mirante.messages import text

if TYPE_CHECKING:
    from mirante.training import TrainConfig, Training
    from mirante.training.snapshot import Measured
    from mirante.types import Estimate

NAMED = 3
"""So many unreadable pictures are named."""


@verb
def train(
    config: Annotated[Path, typer.Argument(help=text("cli.config"))],
    output: Output,
    restart: Annotated[bool, typer.Option("--restart", help=text("train.restart"))] = False,
    push_to_hub: Annotated[str | None, typer.Option(metavar="OWNER/NAME", help=text("train.push"))] = None,
) -> None:
    """Train as the TOML file says."""
    from mirante import training
    from mirante.training import hub

    recipe = training.read_config(config)
    if push_to_hub is not None:
        hub.check(recipe)
    repository = hub.repository(push_to_hub) if push_to_hub is not None else None
    done = training.train(recipe, restart=restart)
    if not speaks():
        return
    show(done, recipe, output)
    url = repository.upload(done.checkpoint) if repository else None
    output.document(done.to_dict() | {"hub": url})
    if url:
        output.say("train.pushed", url=url)


def show(done: "Training", recipe: "TrainConfig", output: Output) -> None:
    """What happened, for people: both sides before and after, what was forgotten, what it took, where it lies."""
    if done.resumed:
        output.say("train.resumed" if done.resumed < done.steps else "train.over", step=done.resumed)
    side(output, "target", recipe.data.language, before=done.before.target, after=done.after.target)
    side(output, "retain", recipe.data.retain_language, before=done.before.retain, after=done.after.retain)
    forgetting(done, output)
    trained, whole = done.parameters.trained, done.parameters.all
    share = 100 * trained / max(1, whole)
    output.say("train.done", steps=done.steps, seconds=done.seconds, trained=trained, all=whole, share=share)
    output.say("train.cost" if recipe.usd_per_hour else "train.hours", **done.cost)
    if done.unreadable:
        names = ", ".join(list(done.unreadable)[:NAMED])
        more = text("train.and-more", names=names) if len(done.unreadable) > NAMED else names
        output.say("train.unreadable", count=len(done.unreadable), names=more)
    output.say("train.checkpoint", path=done.checkpoint)


def side(
    output: Output, name: str, language: str | None, *, before: "Measured | None", after: "Measured | None"
) -> None:
    """One data set under its protocol: each metric before and after, and the change."""
    if after is None:
        return
    said = after.protocol
    output.say(
        "train.measured",
        side=text(f"train.{name}"),
        data=said.data,
        language=language or text("train.all-languages"),
        queries=said.queries,
        gallery=said.gallery,
        per_image=said.captions_per_image,
    )
    known = before.metrics if before else {}
    head = ("cli.column-metric", "cli.column-before", "cli.column-after")
    rows = [_row(metric, known, after.metrics) for metric in SHOWN if metric in after.metrics]
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
    written = f"{change:+g}" if metric == "median_rank" else text("train.points", change=100 * change)
    return metric, number(metric, before[metric]), number(metric, new), written


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("train", help=text("cli.train"))(train)
