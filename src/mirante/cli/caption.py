"""`mirante caption`: captioners trained, captions written, measured, and cleaned by a retrieval model."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirante.cli import rows
from mirante.cli import train as training
from mirante.cli.options import Machine, Output, Reading, Running, verb
from mirante.cli.output import number
from mirante.cli.train import Spend
from mirante.messages import text

if TYPE_CHECKING:
    from mirante.captioning.naming import Named
    from mirante.types import Encoder, Pairs

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@dataclass(frozen=True)
class Wanted:
    """How captions are written."""

    prompt: Annotated[str, typer.Option(help=text("caption.prompt"))] = ""
    beams: Annotated[int, typer.Option(min=1, help=text("caption.beams"))] = 3
    tokens: Annotated[int, typer.Option(min=1, help=text("caption.tokens"))] = 40
    least: Annotated[int, typer.Option(min=0, help=text("caption.least-tokens"))] = 0
    temperature: Annotated[float, typer.Option(min=0, help=text("caption.temperature"))] = 0.0
    top_p: Annotated[float, typer.Option(min=0, max=1, help=text("caption.top-p"))] = 1.0
    seed: Annotated[int, typer.Option(help=text("caption.seed"))] = 0
    characters: Annotated[int, typer.Option(min=0, help=text("caption.characters"))] = 0


@dataclass(frozen=True)
class Job:
    """What is written, and where."""

    out: Annotated[Path, typer.Option(help=text("caption.out"))]
    batch: Annotated[int, typer.Option(min=1, help=text("caption.batch"))] = 16
    limit: Annotated[int | None, typer.Option(min=1, help=text("cli.limit"))] = None
    restart: Annotated[bool, typer.Option("--restart", help=text("caption.restart"))] = False
    usd_per_hour: Annotated[float, typer.Option(min=0, help=text("caption.usd-per-hour"))] = 0.0


@dataclass(frozen=True)
class Cleaning:
    """What is judged, and where the line is drawn."""

    out: Annotated[Path, typer.Option(help=text("caption.clean-out"))]
    captions: Annotated[Path | None, typer.Option(help=text("caption.clean-captions"))] = None
    least: Annotated[float | None, typer.Option(help=text("caption.least"))] = None
    keep: Annotated[float | None, typer.Option(min=0, max=1, help=text("caption.keep"))] = None


@verb
def train(
    config: Annotated[Path, typer.Argument(help=text("cli.config"))],
    spend: Spend,
    output: Output,
    restart: Annotated[bool, typer.Option("--restart", help=text("train.restart"))] = False,
    push_to_hub: Annotated[str | None, typer.Option(metavar="OWNER/NAME", help=text("train.push"))] = None,
) -> None:
    """Train the captioner that the `[caption]` of the TOML file asks for."""
    training.require(config, "caption", "captioner")
    training.run(config, spend, output, restart=restart, push_to_hub=push_to_hub)


@verb
def run(
    data: Annotated[str, typer.Argument(help=text("cli.data"))],
    model: Annotated[str, typer.Option(help=text("caption.model"))],
    job: Job,
    wanted: Wanted,
    reading: Reading,
    machine: Machine,
    output: Output,
) -> None:
    """Write a caption for every picture."""
    from mirante.captioning.captioner import open_captioner
    from mirante.captioning.records import SideCars, Taken, add_taken, open_records
    from mirante.captioning.styles import Style
    from mirante.captioning.writing import describe
    from mirante.cost.timing import each_image
    from mirante.datasets import open_dataset, read_pairs
    from mirante.environment import device_of

    style = Style(**{name: value for name, value in asdict(wanted).items() if name != "beams"}, beams=_beams(wanted))
    options = reading.options()
    pairs = read_pairs(open_dataset(data, options), language=options.language, limit=job.limit)
    captioner = open_captioner(model, machine.settings(batch=job.batch), prompt=style.prompt)
    made = {"data": data, "model": model, "revision": captioner.provenance.revision, "batch": job.batch}
    made |= {"preprocessing": captioner.provenance.preprocessing, **asdict(style)}
    records = open_records(job.out, made, restart=job.restart)
    reused, unreadable, began = len(records.done), dict[str, str](), time.monotonic()
    for batch in describe(captioner, pairs.images, style, done=records.done):
        records.add(batch)
        unreadable |= {one.picture.id: one.reason for one in batch if one.reason}
    kept = records.kept if isinstance(records, SideCars) else 0
    counts = {"written": len(records.captions) - reused, "reused": reused, "kept": kept}
    seconds, device = time.monotonic() - began, device_of(captioner)
    took = add_taken(records.path, Taken(counts["written"], seconds, device, job.usd_per_hour))
    named = [{"id": one, "reason": why} for one, why in unreadable.items()]
    shares = {"provenance": _named_source(made), "cost": each_image(took.each, device, job.usd_per_hour)}
    output.document({"schema": 1, **made, **counts, **shares, "unreadable": named, "out": str(records.path)})
    output.say("caption.written", **counts, out=records.path)
    for one in named:
        output.say("cli.unreadable", **one)


@verb
def score(
    data: Annotated[str, typer.Argument(help=text("cli.data"))],
    captions: Annotated[Path, typer.Argument(help=text("caption.captions"))],
    reading: Reading,
    running: Running,
    output: Output,
    references: Annotated[str, typer.Option(help=text("caption.references"))] = "all",
    model: Annotated[str | None, typer.Option(help=text("caption.clip"))] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=text("cli.limit"))] = None,
) -> None:
    """Measure captions against those of a data set."""
    from mirante.captioning import METRICS
    from mirante.captioning.measures import measure
    from mirante.captioning.references import conditions, longest, of_pictures
    from mirante.classification.caption_scores import read_candidates
    from mirante.datasets import open_dataset, read_pairs
    from mirante.errors import DataError, UnknownName

    if references not in ("all", "longest"):
        raise UnknownName("choice of references", references, ("all", "longest"))
    options, written = reading.options(), read_candidates(captions)
    pairs = read_pairs(open_dataset(data, options), language=options.language, limit=limit)
    pairs = longest(pairs) if references == "longest" else pairs
    told = of_pictures(pairs)
    own = {one: written[one] for one in told if one in written}
    if not own:
        raise DataError(f"{str(captions)!r} describes no picture of {data!r}: the ids must be those of the data set.")
    language = options.language or pairs.language
    found = measure(own, told, language=language)
    right = {one: told[one] for one in own}
    protocol = conditions(pairs, right, language=language, missing=len(told) - len(own))
    judged = _named(pairs, own, language)
    clip = _clip(pairs, own, running.load(model)) if model else None
    output.document(
        {
            "schema": 1,
            "captions": str(captions),
            "protocol": asdict(protocol),
            "metrics": found,
            "references": references,
        }
        | {"named": asdict(judged) if judged else None, "model": model, "clip_score": clip}
        | _origin(captions)
    )
    output.say(
        "caption.measured", data=pairs.name, language=language or "–", pictures=protocol.queries,
        per_image=protocol.captions_per_image, missing=protocol.dropped,
    )  # fmt: skip
    shown = [(name, number(name, found[name])) for name in METRICS]
    shown += [("CLIPScore", f"{clip.value:.4f} [{clip.low:.4f}, {clip.high:.4f}]")] if clip else []
    output.table((text("cli.column-metric"), text("caption.column-value")), shown)
    if judged:
        output.say("caption.named", **{name: 100 * judged.share(name) for name in judged.right}, unread=judged.unread)


@verb
def clean(
    data: Annotated[str, typer.Argument(help=text("cli.data"))],
    model: Annotated[str, typer.Option(help=text("caption.filter"))],
    cleaning: Cleaning,
    reading: Reading,
    running: Running,
    output: Output,
) -> None:
    """Keep the captions that fit their picture, the data's own and written ones."""
    from mirante.captioning.clean import clean as judge
    from mirante.captioning.clean import files
    from mirante.classification.caption_scores import read_candidates
    from mirante.datasets import open_dataset, read_pairs

    rows.check(cleaning.out)
    options = reading.options()
    pairs = read_pairs(open_dataset(data, options), language=options.language)
    written = read_candidates(cleaning.captions) if cleaning.captions else {}
    encoder, language = running.load(model), options.language or ""
    done = judge(pairs, written, encoder, least=cleaning.least, keep=cleaning.keep, language=language)
    fit = [one for one in done.captions if one.kept]
    paths = files(pairs, (one.image for one in fit), cleaning.out.with_suffix(""))
    told = ({"caption": one.caption, "source": one.source, "score": one.score} for one in fit)
    named = ({"image": str(paths[one.image].resolve()), "id": one.image} for one in fit)
    rows.write([one | other for one, other in zip(named, told, strict=True)], cleaning.out)
    counts = _counts(done.captions)
    unreadable = [{"id": one, "reason": why} for one, why in done.unreadable.items()]
    output.document(
        {"schema": 1, "data": data, "model": model, "threshold": done.threshold, **counts, "unreadable": unreadable}
        | {"out": str(cleaning.out)}
    )
    output.say("caption.cleaned", **counts, threshold=done.threshold, out=cleaning.out)


def _named_source(made: dict[str, Any]) -> dict[str, Any]:
    return {name: made[name] for name in ("model", "revision", "preprocessing")}


def _origin(captions: Path) -> dict[str, Any]:
    """Who wrote the captions and what each took, where `mirante caption run` did; else null."""
    from mirante.captioning.records import made, taken
    from mirante.cost.timing import each_image

    known, took = made(captions), taken(captions)
    return {
        "provenance": _named_source(known) if known else None,
        "cost": each_image(took.each, took.device, took.usd_per_hour) if took else None,
    }


def _beams(wanted: Wanted) -> int:
    """Sampling draws one caption; beams are the default elsewhere."""
    return 1 if wanted.temperature and wanted.beams == Wanted.beams else wanted.beams


def _named(pairs: "Pairs", own: dict[str, str], language: str) -> "Named | None":
    """What captions of `scenes` say, None for other data."""
    from mirante.captioning.naming import named
    from mirante.datasets.scenes import NAME, SceneDataset, language_of

    address, _, split = pairs.name.partition(":")
    if address != NAME or not language or "," in split:
        return None
    drawn, ids = SceneDataset(), {image.id for image in pairs.images}
    known = {
        item.picture.id: scene for item, scene in zip(drawn.items(split, language), drawn.scenes(split), strict=True)
    }
    return named(own, {one: scene for one, scene in known.items() if one in ids}, language_of(language))


def _clip(pairs: "Pairs", own: dict[str, str], encoder: "Encoder") -> Any:
    from mirante.classification.caption_scores import score_captions

    return score_captions(pairs, encoder, candidates=own).clip_score


def _counts(judged: Any) -> dict[str, int]:
    """How many captions of each source there were and are kept."""
    return {
        f"{name}{suffix}": sum(one.source == source and (one.kept or not suffix) for one in judged)
        for name, source in (("own", "data"), ("written", "written"))
        for suffix in ("", "_kept")
    }


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    group.command("train", help=text("caption.train"))(train)
    group.command("run", help=text("caption.run"))(run)
    group.command("score", help=text("caption.score"))(score)
    group.command("clean", help=text("caption.clean"))(clean)
    app.add_typer(group, name="caption", help=text("caption.caption"))
