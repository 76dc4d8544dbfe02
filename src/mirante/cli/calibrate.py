"""`mirante calibrate`: scores of an index become probabilities, fitted on pairs of known truth."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from mirante.cli.options import Output, Reading, Running, verb
from mirante.cli.output import percent
from mirante.messages import text


@dataclass(frozen=True)
class Fitting:
    """On what and how a calibration is fitted."""

    data: Annotated[str, typer.Option(help=text("classify.calibrate-data"))]
    model: Annotated[str | None, typer.Option(help=text("cli.search-model"))] = None
    answerable: Annotated[float, typer.Option(help=text("classify.answerable"))] = 0.5
    false_alarm: Annotated[float, typer.Option(help=text("classify.false-alarm"))] = 0.05
    embeddings: Annotated[Path | None, typer.Option(help=text("classify.embeddings"))] = None


@verb
def calibrate(
    index: Annotated[Path, typer.Argument(help=text("cli.search-index"))],
    fitting: Fitting,
    reading: Reading,
    running: Running,
    output: Output,
) -> None:
    """Fit on one half of the queries, measure on the other, and keep the calibration in the index's folder."""
    from mirante.classification import relevance
    from mirante.datasets import open_dataset, read_pairs
    from mirante.embeddings import embed_pairs
    from mirante.search import Gallery
    from mirante.search.gallery import require_same_space

    settings = relevance.Settings(answerable=fitting.answerable, false_alarm=fitting.false_alarm)
    gallery = Gallery.open(index / "index" if (index / "index" / "index.json").is_file() else index)
    options = reading.options()
    dataset = open_dataset(fitting.data, options)
    encoder = running.load(fitting.model or gallery.provenance.model)
    require_same_space(gallery.provenance, encoder.provenance)
    pairs = read_pairs(dataset, language=options.language)
    images, texts, unreadable = embed_pairs(pairs, encoder, fitting.embeddings)
    held = relevance.calibrate(images, texts, pairs.without_images(unreadable), holds=gallery.holds, settings=settings)
    path = held.calibration.save(gallery.folder)
    described = {"schema": 1, "calibration": str(path), **asdict(held.calibration.terms), **held.to_dict()}
    if output.document(described):
        return
    output.say("classify.calibrated", data=pairs.name, model=gallery.provenance.model, path=path)
    output.say("classify.calibration-held", queries=held.queries, first=held.first.error, every=held.every.error)
    absent, present = percent(held.told_absent), percent(held.told_present)
    output.say("classify.calibration-nothing", absent=absent, present=present)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("calibrate", help=text("classify.calibrate"))(calibrate)
