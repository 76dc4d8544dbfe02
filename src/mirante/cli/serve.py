"""`mirante serve`: galleries behind a REST interface."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirante.cli.options import Output, Running, verb
from mirante.errors import UsageError
from mirante.messages import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from mirante.service import ServiceConfig
    from mirante.service.shelf import Shelf


@dataclass(frozen=True)
class Serving:
    """What is served, and where."""

    config: Annotated[Path | None, typer.Option(help=text("serve.config"))] = None
    host: Annotated[str | None, typer.Option(help=text("serve.host"))] = None
    port: Annotated[int | None, typer.Option(min=0, max=65535, help=text("serve.port"))] = None
    page: Annotated[bool, typer.Option("--page", help=text("web.serve_page"))] = False

    def settings(self, given: list[str]) -> "ServiceConfig":
        """The configuration, with what the call says in place of what the file says.

        Raises:
            UsageError: nothing is named, or the configuration cannot be.
        """
        from mirante.service import ServiceConfig, read_config
        from mirante.service.shelf import parse_indexes

        if self.config is None and not given:
            raise UsageError("There is nothing to serve: name an INDEX, or a --config that does.")
        indexes = parse_indexes(given)
        made = read_config(self.config) if self.config else ServiceConfig(indexes)
        named: dict[str, Any] = {"indexes": indexes, "host": self.host, "port": self.port}
        return replace(made, **{name: value for name, value in named.items() if value not in (None, {})})


@verb
def serve(
    serving: Serving,
    running: Running,
    output: Output,
    index: Annotated[list[str] | None, typer.Argument(metavar="[NAME=]INDEX", help=text("serve.index"))] = None,
) -> None:
    """Serve indexes until Ctrl-C."""
    from mirante.service.app import create
    from mirante.service.running import run

    config = serving.settings(index or [])
    app = create(config, load=running.load, mount=_page(config) if serving.page else None)

    def announce(url: str) -> None:
        if not output.document({"schema": 1, "url": url, "indexes": list(config.indexes)}):
            typer.echo(text("serve.serving", None, url=url), err=True)

    run(app, config, announce)


def _page(config: "ServiceConfig") -> "Callable[[FastAPI, Shelf], FastAPI]":
    from mirante.cli.served_page import page_for

    return page_for(config, text("web.serve_title"))


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("serve", help=text("serve.verb"))(serve)
