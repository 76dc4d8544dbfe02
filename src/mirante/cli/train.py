"""`mirante train`: one configuration, one training run."""

from pathlib import Path
from typing import Annotated

import typer

from mirante.cli.options import Output, verb
from mirante.cli.output import number
from mirante.messages import text


@verb
def train(config: Annotated[Path, typer.Argument(help=text("cli.config"))], output: Output) -> None:
    """Train as the TOML file says."""
    from mirante import training

    done = training.train(training.read_config(config))
    output.document(done.to_dict())
    output.say("cli.trained", checkpoint=done.checkpoint, steps=done.steps, seconds=done.seconds)
    before = done.before.target.metrics if done.before.target else {}
    after = done.after.target.metrics if done.after.target else {}
    rows = [(name, number(name, before[name]) if name in before else "–", number(name, after[name])) for name in after]
    if rows:
        output.table((text("cli.column-metric"), text("cli.column-before"), text("cli.column-after")), rows)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("train", help=text("cli.train"))(train)
