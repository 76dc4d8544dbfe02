"""`mirante blend`: weights between a model and its fine-tune, measured, chosen by a rule, drawn."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirante.cli.options import Output, verb
from mirante.cli.output import percent
from mirante.errors import UsageError
from mirante.messages import text

if TYPE_CHECKING:
    from mirante.training.blend import Blend

RESULTS = "results.json"


@dataclass(frozen=True)
class Measuring:
    """What is measured at each α, and where."""

    data: Annotated[str, typer.Option(help=text("blend.data"))]
    retain: Annotated[str, typer.Option(help=text("blend.retain"))]
    language: Annotated[str | None, typer.Option(help=text("blend.language"))] = None
    retain_language: Annotated[str | None, typer.Option(help=text("blend.retain-language"))] = None
    device: Annotated[str, typer.Option(help=text("cli.device"))] = "auto"

    def sides(self) -> tuple[Any, Any]:
        """The target and the retained data, read."""
        from mirante import pipeline
        from mirante.datasets import ReadOptions
        from mirante.training.sides import Side

        def side(address: str, tag: str | None) -> Side:
            language = tag.replace("_", "-") if tag else None
            return Side(pipeline.read(pipeline.Source(address, ReadOptions(language=language))), language or "")

        return side(self.data, self.language), side(self.retain, self.retain_language)

    def load(self, model: str) -> Any:
        """Open a model in fp32."""
        from mirante.encoders import Settings, load

        return load(model, Settings(device=self.device))


@dataclass(frozen=True)
class Choosing:
    """Which α are tried, and what the chosen one may lose."""

    alphas: Annotated[str, typer.Option(help=text("blend.alphas"))] = "0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1"
    tolerance: Annotated[float, typer.Option(help=text("blend.tolerance"))] = 3.0

    def steps(self) -> tuple[float, ...]:
        """The α as numbers.

        Raises:
            UsageError: one of them is no number.
        """
        try:
            return tuple(float(one) for one in self.alphas.split(","))
        except ValueError as error:
            raise UsageError(
                f"--alphas must be numbers from 0 to 1 with commas between them, not {self.alphas!r}: "
                "write 0,0.5,1, say."
            ) from error


@verb
def blend(
    start: Annotated[str, typer.Argument(help=text("blend.start"))],
    end: Annotated[str, typer.Argument(help=text("blend.end"))],
    out: Annotated[Path, typer.Option(help=text("blend.out"))],
    measuring: Measuring,
    choosing: Choosing,
    output: Output,
) -> None:
    """Measure every α between two models, keep the one that the rule chooses, draw the curve."""
    from mirante.report import write_report
    from mirante.training.blend import blend as make

    steps = choosing.steps()
    if (out / RESULTS).is_file():
        raise UsageError(f"{str(out)!r} holds the results of an evaluation: give --out a folder of its own.")
    models = measuring.load(start), measuring.load(end)
    target, retain = measuring.sides()
    made = make(*models, target=target, retain=retain, out=out, alphas=steps, tolerance=choosing.tolerance)
    report = write_report(out)
    if not output.document(made.to_dict() | {"out": str(out), "report": str(report)}):
        show(made, output)
        output.say("cli.report", path=report)


def show(made: "Blend", output: Output) -> None:
    """One line an α, and what was chosen."""
    for name, measured in (("target", made.points[0].target), ("retain", made.points[0].retain)):
        said = measured.protocol
        output.say(
            "train.measured",
            side=text(f"train.{name}"),
            data=said.data,
            language=said.language or text("train.all-languages"),
            queries=said.queries,
            gallery=said.gallery,
            per_image=said.captions_per_image,
        )
    document = made.to_dict()
    rows = [
        (
            f"{one['alpha']:g}",
            percent(point.target.metrics[made.metric]),
            percent(point.retain.metrics[made.metric]),
            text("train.points", change=0.0 - one["lost"]),
            _verdict(one, made.chosen),
        )
        for one, point in zip(document["points"], made.points, strict=True)
    ]
    head = ("α", f"{made.metric}, {text('train.target')}", f"{made.metric}, {text('train.retain')}")
    output.table((*head, text("train.change"), ""), rows)
    output.say("blend.chosen", alpha=made.chosen, tolerance=made.tolerance)
    output.say("train.checkpoint", path=made.checkpoint)


def _verdict(one: dict[str, Any], chosen: float) -> str:
    if one["alpha"] == chosen:
        return text("blend.is-chosen")
    return "" if one["allowed"] else text("blend.loses")


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("blend", help=text("blend.verb"))(blend)
