"""Listens until Ctrl-C or SIGTERM; requests under way are answered first."""

import contextlib
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from mirante.errors import MissingLibrary, UsageError
from mirante.service.logs import start_logging
from mirante.service.settings import ServiceConfig

if TYPE_CHECKING:
    from fastapi import FastAPI

try:
    import uvicorn
except ModuleNotFoundError as error:
    raise MissingLibrary("uvicorn", "serve", "The service") from error


def run(app: "FastAPI", config: ServiceConfig, announce: Callable[[str], object]) -> None:
    """Serve `app` at the configuration's address.

    Args:
        app: from `mirante.service.app.create`.
        config: host, port and limits of it.
        announce: is told the address as soon as connections are taken.

    Raises:
        UsageError: the port is taken, or the address is not of this machine.
    """
    start_logging()
    with _listen(config.host, config.port) as listening:
        host = f"[{config.host}]" if ":" in config.host else config.host
        announce(f"http://{host}:{listening.getsockname()[1]}")
        grace = max(1, round(config.limits.seconds))
        made = uvicorn.Config(
            app, log_config=None, log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=grace,
        )  # fmt: skip
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(made).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port < 1 << 16:
        raise UsageError(f"Nothing can be served at port {port}: choose 1 to 65535, or 0 for any free one.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise UsageError(
            f"Nothing can be served at {host}:{port} ({error.strerror or error}): stop what listens there, or choose "
            "another port (0 takes any free one)."
        ) from error
