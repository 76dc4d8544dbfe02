"""`mirante estimate`: what a run will need, before anything is spent."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirante.cli.options import Output, verb
from mirante.messages import text

if TYPE_CHECKING:
    from mirante.cost import Estimate, Expected, Note

_SIZES = ("bytes", "peak", "free")
"""Values of notes that are bytes."""
MAPPED = 1_000_000_000
"""Bytes of prepared pictures from which on it is said that they can be given back."""
_SMALL = 0.01
"""Parts below this share of the whole are not named."""


@dataclass(frozen=True)
class Prices:
    """Which machines, at which price."""

    gpu: Annotated[str | None, typer.Option(metavar="NAME", help=text("estimate.gpu"))] = None
    gpus: Annotated[Path | None, typer.Option(metavar="FILE", help=text("estimate.gpus"))] = None
    usd_per_hour: Annotated[float | None, typer.Option(min=0, help=text("estimate.usd-per-hour"))] = None


@verb
def estimate(
    config: Annotated[Path, typer.Argument(help=text("cli.config"))],
    prices: Prices,
    output: Output,
    no_probe: Annotated[bool, typer.Option("--no-probe", help=text("estimate.no-probe"))] = False,
) -> None:
    """Say what the TOML file will need."""
    from mirante import cost, training

    recipe = training.read_config(config)
    table = cost.load(prices.gpus)
    if prices.gpu is not None:
        table = (cost.named(prices.gpu, table),)
    found = cost.estimate(recipe, probe=not no_probe, usd_per_hour=prices.usd_per_hour, gpus=table)
    cost.remember(recipe, found)
    if not output.document(found.to_dict()):
        show(found, output)


def show(found: "Estimate", output: Output) -> None:
    """The figures, the GPUs, and what must be known beside them."""
    for note in found.notes:
        if note.key == "large_download":
            output.say("estimate.note_large_download", **_written(note))
    trained, whole = found.parameters.trained, found.parameters.all
    output.say("estimate.parameters", all=whole, trained=trained, share=100 * trained / max(1, whole))
    sizes = {"pictures": found.data.pictures, "captions": found.data.captions or 0, "steps": found.steps}
    output.say("estimate.data_unknown" if found.data.pictures is None else "estimate.data", **sizes)
    peak = gigabytes(found.memory.peak)
    output.say("estimate.memory", device=found.device, peak=peak, parts=parts(found.memory.parts))
    if (mapped := found.memory.parts.get("pixels", 0)) > MAPPED:
        output.say("estimate.mapped", size=gigabytes(mapped))
    output.say("estimate.disk", peak=gigabytes(found.disk.peak), parts=parts(found.disk.parts))
    output.say("estimate.time", hours=duration(3600 * found.hours), step=duration(found.step_seconds))
    if found.usd is not None:
        output.say("estimate.money", usd=found.usd)
    if one := found.trial:
        factors = {"time": one.time_factor, "memory": one.memory_factor}
        output.say("estimate.tried", steps=one.steps, batch=one.batch, **factors)
    if found.rows:
        output.say("estimate.gpu_memory", peak=gigabytes(max(row.peak for row in found.rows)))
    rows = [
        (
            row.name,
            text("estimate.yes" if row.fits else "estimate.no"),
            duration(3600 * row.hours) if row.fits else "–",
            f"{row.usd:.2f}" if row.fits else "–",
            f"{row.usd_per_hour:.2f}",
        )
        for row in found.rows
    ]
    columns = ("gpu", "fits", "hours", "usd", "price")
    output.table([text(f"estimate.column-{name}") for name in columns], rows)
    dates: dict[str, set[str]] = {}
    for row in found.rows:
        dates.setdefault(row.source, set()).add(row.priced)
    sources = "; ".join(f"{source} ({', '.join(sorted(days))})" for source, days in dates.items())
    output.say("estimate.prices", sources=sources)
    for note in found.notes:
        if note.key != "large_download":
            output.say(f"estimate.note_{note.key}", **_written(note))


def expect(found: "Expected") -> None:
    """Before a run begins, on standard error: what it is expected to take, and what it will download."""
    for note in found.notes:
        if note.key in ("large_download", "memory_short", "disk_short", "not_tried"):
            typer.echo(text(f"estimate.note_{note.key}", None, **_written(note)), err=True)
    money = text("estimate.expected_money", None, usd=found.usd) if found.usd is not None else ""
    told = {"hours": duration(3600 * found.hours), "peak": gigabytes(found.peak), "money": money}
    typer.echo(text("estimate.expected", None, **told), err=True)


def duration(seconds: float) -> str:
    """Seconds below two minutes, minutes below two hours, else hours, as people say them."""
    if seconds < 120:
        return text("estimate.seconds", None, number=f"{seconds:.2g}" if seconds < 10 else f"{seconds:.0f}")
    if seconds < 7200:
        return text("estimate.minutes", None, number=f"{seconds / 60:.0f}")
    return text("estimate.hours", None, number=f"{seconds / 3600:,.1f}")


def gigabytes(count: float) -> str:
    """Bytes as `3.4 GB` or `1.2 TB`, in powers of ten."""
    unit, size = ("TB", 1e12) if count >= 1e12 else ("GB", 1e9)
    return f"{count / size:.2f} {unit}" if count < size else f"{count / size:,.1f} {unit}"


def parts(sizes: Mapping[str, int]) -> str:
    """The larger parts of a need, the largest first."""
    whole = sum(sizes.values()) or 1
    named = sorted(((size, name) for name, size in sizes.items() if size >= _SMALL * whole), reverse=True)
    return ", ".join(f"{text(f'estimate.part_{name}')} {gigabytes(size)}" for size, name in named)


def _written(note: "Note") -> dict[str, object]:
    """The values of a note, bytes as people read them."""
    written = {key: gigabytes(value) if key in _SIZES else value for key, value in note.values.items()}
    return {"size" if key == "bytes" else key: value for key, value in written.items()}


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("estimate", help=text("estimate.help"))(estimate)
