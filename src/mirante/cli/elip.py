"""`mirante elip`: guides that look at a picture again under the query."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from mirante.cli import train as training
from mirante.cli.options import Output, Reading, Running, verb
from mirante.cli.train import Spend
from mirante.messages import text

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@verb
def train(
    config: Annotated[Path, typer.Argument(help=text("cli.config"))],
    spend: Spend,
    output: Output,
    restart: Annotated[bool, typer.Option("--restart", help=text("train.restart"))] = False,
) -> None:
    """Train the guide that the `[elip]` of the TOML file asks for."""
    training.require(config, "elip", "guide")
    training.run(config, spend, output, restart=restart)


@verb
def states(
    data: Annotated[str, typer.Argument(help=text("cli.data"))],
    guide: Annotated[Path, typer.Option(help=text("elip.guide"))],
    reading: Reading,
    running: Running,
    output: Output,
    model: Annotated[str | None, typer.Option(help=text("elip.model"))] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=text("cli.limit"))] = None,
) -> None:
    """Store the states of a gallery below the layer where the guide enters; `elip:GUIDE` then finds them."""
    from mirante.datasets import open_dataset
    from mirante.rerankers._stored import beside
    from mirante.rerankers._storing import Storing, open_guide

    guided = open_guide(guide, running.load, model=model, device=running.device)
    options = reading.options()
    dataset = open_dataset(data, options)
    items = (islice(dataset.items(split, options.language), limit) for split in dataset.splits)
    storing = Storing(guided, beside(guide), [item.picture for some in items for item in some])
    plan = storing.plan
    output.say(
        "elip.plan",
        pictures=plan.pictures, gigabytes=plan.bytes / 1e9, entry=plan.entry, layers=plan.layers, stored=plan.stored,
    )  # fmt: skip
    done = storing.run()
    output.document(done.to_dict())
    output.say("elip.stored", **done.pictures, seconds=done.seconds, out=plan.out)
    for image, reason in done.unreadable.items():
        output.say("cli.unreadable", id=image, reason=reason)


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    group.command("train", help=text("elip.train"))(train)
    group.command("states", help=text("elip.states"))(states)
    app.add_typer(group, name="elip", help=text("elip.elip"))
