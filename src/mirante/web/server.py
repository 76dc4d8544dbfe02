"""Serves the page from this machine to this machine: no share link, no telemetry, no font or script from outside."""

import contextlib
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mirante.errors import UsageError

if TYPE_CHECKING:
    import gradio
    import uvicorn
    from fastapi import FastAPI

_PORT = 7860
_MAX_UPLOAD = "20mb"


def serve(
    blocks: "gradio.Blocks",
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    open_browser: bool = True,
    announce: Callable[[str], object] | None = None,
) -> None:
    """Show the page until Ctrl-C.

    Args:
        blocks: the page, from `mirante.web.page.build`.
        host: address to listen at; anything but the loopback shows the page to others.
        port: None for 7860, or any free one where that is taken.
        open_browser: whether to open the page in the system's browser.
        announce: is told the page's address as soon as it can be opened.

    Raises:
        UsageError: the port is taken or the address is not of this machine.
    """
    with _listen(host, port) as listening:
        url = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"
        server = _server(blocks)
        if announce:
            announce(url)
        if open_browser:
            webbrowser.open(url)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])


def _listen(host: str, port: int | None) -> socket.socket:
    if port is not None and not 0 <= port < 1 << 16:
        raise UsageError(f"The page cannot be served at port {port}: choose 1 to 65535, or 0 for any free one.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in (_PORT, 0) if port is None else (port,):
        try:
            return socket.create_server((host, candidate), family=family)
        except OSError as error:
            refused = error
    raise UsageError(
        f"The page cannot be served at {host}:{port or _PORT} ({refused.strerror or refused}): "
        "stop what listens there, or choose another port (0 takes any free one)."
    ) from refused


def mount(app: "FastAPI", blocks: "gradio.Blocks", path: str = "/") -> "FastAPI":
    """Show the page under `path` of an application; what the application answers itself goes before the page.

    Args:
        app: its routes are all there already.
        blocks: the page, from `mirante.web.page.build`.
        path: where it is shown.

    Returns:
        The same application.
    """
    import gradio

    theme = gradio.themes.Default(primary_hue="blue", font=["system-ui", "sans-serif"], font_mono=["monospace"])
    soft = "*neutral_600"  # Gradio's own greys are too faint to read on white
    mounted: FastAPI = gradio.mount_gradio_app(
        app,
        blocks,
        path=path,
        footer_links=[],
        run_history=False,
        max_file_size=_MAX_UPLOAD,
        ssr_mode=False,
        mcp_server=False,
        theme=theme.set(body_text_color_subdued=soft, block_info_text_color=soft, input_placeholder_color=soft),
        css_paths=Path(__file__).with_name("page.css"),
    )
    return mounted


def _server(blocks: "gradio.Blocks") -> "uvicorn.Server":
    import uvicorn
    from fastapi import FastAPI

    app = mount(FastAPI(docs_url=None, redoc_url=None, openapi_url=None), blocks)
    return uvicorn.Server(uvicorn.Config(app, log_config=None, log_level="critical", timeout_graceful_shutdown=1))
