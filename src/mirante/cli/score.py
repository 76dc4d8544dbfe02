"""`mirante score`: CLIPScore and RefCLIPScore of captions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from mirante.cli.options import Output, Reading, Running, verb
from mirante.messages import text


@dataclass(frozen=True)
class Scoring:
    """Which captions are scored, and how."""

    candidates: Annotated[Path | None, typer.Option(help=text("classify.candidates"))] = None
    prefix: Annotated[str | None, typer.Option(help=text("classify.prefix"))] = None
    limit: Annotated[int | None, typer.Option(min=1, help=text("classify.limit"))] = None
    embeddings: Annotated[Path | None, typer.Option(help=text("classify.embeddings"))] = None


@verb
def score(
    data: Annotated[str, typer.Argument(help=text("cli.data"))],
    model: Annotated[str, typer.Option(help=text("cli.model"))],
    scoring: Scoring,
    reading: Reading,
    running: Running,
    output: Output,
) -> None:
    """Score the captions of a data set, or captions written for its pictures."""
    from mirante.classification.caption_scores import read_candidates, score_captions
    from mirante.datasets import open_dataset, read_pairs

    candidates = read_candidates(scoring.candidates) if scoring.candidates else None
    options = reading.options()
    pairs = read_pairs(open_dataset(data, options), language=options.language, limit=scoring.limit)
    done = score_captions(
        pairs, running.load(model), candidates=candidates, put_before=scoring.prefix, folder=scoring.embeddings
    )
    if output.document({"schema": 1, "model": model, "data": data, **done.to_dict()}):
        return
    output.say("classify.scored", data=pairs.name, captions=done.captions, pictures=done.pictures, model=model)
    if done.unreadable or done.unknown:
        output.say("classify.not-scored", unreadable=len(done.unreadable), unknown=done.unknown)
    found = {"CLIPScore": (done.captions, done.clip_score), "RefCLIPScore": (done.referenced, done.ref_clip_score)}
    output.table(
        (text("cli.column-metric"), text("cli.column-captions"), text("classify.column-value")),
        [
            (name, f"{count:,}", f"{one.value:.4f} [{one.low:.4f}, {one.high:.4f}]")
            for name, (count, one) in found.items()
            if one is not None
        ],
    )


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("score", help=text("classify.score"))(score)
