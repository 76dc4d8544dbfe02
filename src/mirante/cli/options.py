"""Options that several verbs share, written once as frozen data.

A parameter annotated with one of these classes becomes one command-line option per field; the verb gets the filled
dataclass. Typer reads a function's signature, so `verb` writes the longer one.
"""

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import partial, wraps
from typing import Annotated, Any, get_type_hints

import typer

from mirante.cli.output import Output, speaks
from mirante.messages import text
from mirante.progress import Line, listening

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells count it."""


@dataclass(frozen=True)
class Reading:
    """How the data set is read."""

    image_column: Annotated[str | None, typer.Option(help=text("cli.image-column"))] = None
    text_column: Annotated[str | None, typer.Option(help=text("cli.text-column"))] = None
    image_root: Annotated[str | None, typer.Option(help=text("cli.image-root"))] = None
    lang: Annotated[str | None, typer.Option(help=text("cli.lang"))] = None
    streaming: Annotated[bool, typer.Option("--streaming", help=text("cli.streaming"))] = False

    def options(self) -> Any:
        """As the data sets take them; imported late, so that help stays fast."""
        from mirante.datasets import ReadOptions

        language = self.lang.replace("_", "-") if self.lang else None
        columns = {"image_column": self.image_column, "text_column": self.text_column}
        return ReadOptions(**columns, language=language, image_root=self.image_root, streaming=self.streaming)


@dataclass(frozen=True)
class Machine:
    """What a model runs on."""

    device: Annotated[str, typer.Option(help=text("cli.device"))] = "auto"
    precision: Annotated[str, typer.Option(help=text("cli.precision"))] = "fp32"

    def settings(self, **others: Any) -> Any:
        """As models take them, with `others` of `mirante.encoders.Settings`.

        Raises:
            UnknownName: no such runtime or precision.
        """
        from mirante import runtimes
        from mirante.encoders import Settings

        runtimes.check(others.get("runtime", "torch"), self.precision)
        return Settings(device=self.device, precision=self.precision, **others)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Running(Machine):
    """How the model runs."""

    dim: Annotated[int | None, typer.Option(min=1, help=text("cli.dim"))] = None
    runtime: Annotated[str, typer.Option(help=text("cli.runtime"))] = "torch"
    decode: Annotated[str, typer.Option(help=text("cli.decode"))] = "exact"

    def load(self, model: str) -> Any:
        """Open the encoder at `model` so.

        Raises:
            UsageError: no such model, device or precision.
        """
        return self.opener(model)()

    def opener(self, model: str) -> Callable[[], Any]:
        """What opens the encoder at `model` so, here or in another process.

        Raises:
            UnknownName: no such runtime or precision.
        """
        from mirante.encoders import load

        return partial(load, model, self._settings())

    def recall(self, model: str) -> Any:
        """The encoder at `model`, opened when it is first asked to encode where it was opened so before.

        Raises:
            UsageError: no such model, device or precision.
        """
        from mirante.encoders import recall

        return recall(model, self._settings())

    def _settings(self) -> Any:
        return self.settings(dim=self.dim, runtime=self.runtime, decode=self.decode)


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """Spread dataclass parameters into options, and show progress on standard error while the verb runs."""
    hints = get_type_hints(function, include_extras=True)
    plain, spread = [], []
    groups: dict[str, type] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        kind = hints[name]
        if isinstance(kind, type) and is_dataclass(kind):
            groups[name] = kind
            spread += _parameters(kind)
        else:
            plain.append(parameter.replace(annotation=kind, kind=inspect.Parameter.KEYWORD_ONLY))

    @wraps(function)
    def spoken(**given: Any) -> None:
        for name, kind in groups.items():
            given[name] = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
        try:
            with listening(Line()) if speaks() else nullcontext():
                function(**given)
        except KeyboardInterrupt:
            typer.echo(f"\nmirante: {text('cli.interrupted')}", err=True)
            raise typer.Exit(INTERRUPTED) from None

    signature = inspect.Signature([*plain, *spread])
    spoken.__signature__ = signature  # type: ignore[attr-defined]
    spoken.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
    return spoken


def _parameters(kind: type) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(kind)
    ]


__all__ = ["Machine", "Output", "Reading", "Running", "verb"]
