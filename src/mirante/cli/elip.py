"""`mirante elip`: guides that look at a picture again under the query."""

from pathlib import Path
from typing import Annotated

import typer

from mirante.cli import train as training
from mirante.cli.options import Output, verb
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
    from mirante.errors import UsageError
    from mirante.training import read_config

    if read_config(config).elip is None:
        raise UsageError(
            f"{str(config)!r} has no [elip], so no guide would be trained: add it, or call `mirante train`."
        )
    training.run(config, spend, output, restart=restart)


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    group.command("train", help=text("elip.train"))(train)
    app.add_typer(group, name="elip", help=text("elip.elip"))
