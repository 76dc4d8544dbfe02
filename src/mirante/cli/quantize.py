"""`mirante quantize`: a model in 8 bits, calibrated and measured on the user's own pictures."""

from typing import Annotated

import typer

from mirante.cli.options import Output, Reading, verb
from mirante.cli.output import percent
from mirante.messages import text


@verb
def quantize(
    model: Annotated[str, typer.Argument(help=text("quantize.model"))],
    data: Annotated[str, typer.Argument(help=text("cli.data"))],
    reading: Reading,
    output: Output,
    runtime: Annotated[str, typer.Option(help=text("quantize.runtime"))] = "onnx",
    calibrate: Annotated[int, typer.Option(min=1, help=text("quantize.calibrate"))] = 128,
    measure: Annotated[int, typer.Option(min=2, help=text("quantize.measure"))] = 1000,
    tolerance: Annotated[float, typer.Option(min=0, help=text("quantize.tolerance"))] = 0.5,
) -> None:
    """Keep 8-bit networks of a model on this machine, unless they lose more than is tolerated."""
    from mirante import quantisation, runtimes
    from mirante.datasets import open_dataset, read_pairs
    from mirante.types import Estimate

    runtimes.check(runtime, "int8")
    options = reading.options()
    pairs = read_pairs(open_dataset(data, options), language=options.language, limit=calibrate + measure)
    found = quantisation.quantise(pairs, model, runtime=runtime, calibrated=calibrate, tolerance=tolerance)
    output.document(found.to_dict())
    output.say(
        "quantize.measured", calibrated=found.calibrated, measured=found.measured, data=pairs.name,
        images=found.cosine["images"]["least"], texts=found.cosine["texts"]["least"],
    )  # fmt: skip
    rows = [
        (
            text(f"cli.{direction}"),
            percent(one.before),
            percent(one.after),
            percent(Estimate(one.difference, one.low, one.high)),
        )
        for direction, one in found.changes.items()
    ]
    head = [text(f"quantize.{name}") for name in ("direction", "before", "after", "difference")]
    output.table(head, rows)
    output.say("quantize.use", runtime=runtime)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("quantize", help=text("quantize.quantize"))(quantize)
