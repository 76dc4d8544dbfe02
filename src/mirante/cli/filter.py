"""`mirante filter`: pictures kept or dropped by texts, with the precision and recall of the threshold."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirante.cli import rows
from mirante.cli.options import Output, Reading, Running, verb
from mirante.cli.output import percent
from mirante.errors import UnknownName, UsageError
from mirante.messages import text

if TYPE_CHECKING:
    from mirante.classification.filters import Choice, TextFilter
    from mirante.types import Encoder

POOLS = ("max", "mean")


@dataclass(frozen=True)
class Texts:
    """What the filter is about."""

    drop: Annotated[list[str] | None, typer.Option(help=text("classify.drop"))] = None
    keep: Annotated[list[str] | None, typer.Option(help=text("classify.keep"))] = None
    pool: Annotated[str, typer.Option(help=text("classify.pool"))] = "max"

    @property
    def action(self) -> str:
        """What happens to pictures that match."""
        return "drop" if self.drop else "keep"

    def filter(self, encoder: "Encoder") -> "TextFilter":
        """The filter of a model."""
        from mirante.classification.filters import TextFilter

        texts, contrast = (self.drop, self.keep) if self.drop else (self.keep, None)
        pool: Any = self.pool
        return TextFilter.of(encoder, texts or (), contrast=contrast or (), pool=pool)


@dataclass(frozen=True)
class Choosing:
    """Where the threshold comes from."""

    threshold: Annotated[float | None, typer.Option(help=text("classify.threshold"))] = None
    examples: Annotated[str | None, typer.Option(help=text("classify.examples"))] = None
    match: Annotated[list[str] | None, typer.Option(help=text("classify.match"))] = None
    least_precision: Annotated[float | None, typer.Option(min=0, max=1, help=text("classify.precision"))] = None

    def truth(self) -> tuple[str, tuple[str, ...]]:
        """The field that tells which examples match, and its values.

        Raises:
            UsageError: --match is missing, not KEY=VALUE, or names several fields.
        """
        parts = [one.partition("=") for one in self.match or []]
        names = {name for name, _, _ in parts}
        if len(names) != 1 or not all(name and equals for name, equals, _ in parts):
            raise UsageError(f"--match {self.match or ''!r} does not name one field: write KEY=VALUE, as class=unsafe.")
        return names.pop(), tuple(value for _, _, value in parts)


@dataclass(frozen=True)
class Keeping:
    """What is read and kept."""

    out: Annotated[Path | None, typer.Option(help=text("classify.out"))] = None
    limit: Annotated[int | None, typer.Option(min=1, help=text("classify.limit"))] = None
    embeddings: Annotated[Path | None, typer.Option(help=text("classify.embeddings"))] = None


@verb
def filter(
    data: Annotated[str, typer.Argument(help=text("cli.data"))],
    model: Annotated[str, typer.Option(help=text("cli.model"))],
    texts: Texts,
    choosing: Choosing,
    keeping: Keeping,
    reading: Reading,
    running: Running,
    output: Output,
) -> None:
    """Score every picture against texts, and part those that match from the others."""
    from mirante.classification import embed_examples
    from mirante.datasets import open_dataset

    rows.check(keeping.out)
    if texts.pool not in POOLS:
        raise UnknownName("pool", texts.pool, POOLS)
    _check(texts, choosing)
    dataset, encoder = open_dataset(data, reading.options()), running.load(model)
    made = texts.filter(encoder)
    choice = _choose(made, choosing, encoder, keeping, reading) if choosing.examples else None
    threshold = choice.threshold if choice else choosing.threshold or 0.0
    given = embed_examples(dataset, encoder, limit=keeping.limit, folder=keeping.embeddings)
    answers = [
        {"id": one, "path": path, "score": score, "kept": (score >= threshold) == (texts.action == "keep")}
        for one, path, score in zip(given.ids, given.paths, made.scores(given.rows).tolist(), strict=True)
    ]
    kept = sum(one["kept"] for one in answers)
    described = {"drop": texts.drop or [], "keep": texts.keep or [], "action": texts.action, "pool": texts.pool}
    unreadable = [{"id": one, "reason": reason} for one, reason in given.unreadable.items()]
    measured = {"examples": choosing.examples, "match": choosing.match, "chosen": asdict(choice) if choice else None}
    output.document(
        {"schema": 1, "model": model, "data": data, **described, "threshold": threshold, **measured}
        | {"kept": kept, "dropped": len(answers) - kept, "pictures": answers, "unreadable": unreadable}
    )
    if choice:
        output.say("classify.chosen", **_said(choice))
    output.say("classify.filtered", kept=kept, dropped=len(answers) - kept, threshold=threshold)
    for one in unreadable:
        output.say("cli.unreadable", **one)
    _show(answers, keeping.out, output)


def _check(texts: Texts, choosing: Choosing) -> None:
    if not (texts.drop or texts.keep):
        raise UsageError("A filter without texts matches nothing: give --drop or --keep.")
    if choosing.examples and choosing.threshold is not None:
        raise UsageError("--threshold and --examples both say where to cut: give one of them.")
    if choosing.examples:
        choosing.truth()
    elif choosing.threshold is None and not (texts.drop and texts.keep):
        raise UsageError(
            "Where to cut is not known: give labelled --examples with --match KEY=VALUE, a --threshold, or both --drop "
            "and --keep."
        )


def _choose(made: "TextFilter", choosing: Choosing, encoder: "Encoder", keeping: Keeping, reading: Reading) -> "Choice":
    """The threshold that the different pictures among the labelled examples suggest."""
    import numpy as np

    from mirante.classification import embed_examples
    from mirante.classification.filters import choose
    from mirante.datasets import open_dataset

    column, values = choosing.truth()
    dataset = open_dataset(choosing.examples or "", reading.options())
    examples = embed_examples(dataset, encoder, column=column, folder=keeping.embeddings)
    missing = next((value for value in values if value not in examples.labels), None)
    if missing is not None:
        raise UnknownName(f"value of {column}", missing, set(examples.labels))
    places = examples.distinct()
    truth = np.array([examples.labels[at] in values for at in places])
    return choose(made.scores(examples.rows[places]), truth, precision=choosing.least_precision)


def _said(choice: "Choice") -> dict[str, Any]:
    shares = {"precision": percent(choice.precision), "recall": percent(choice.recall)}
    return {"examples": choice.examples, "positives": choice.positives, **shares}


def _show(answers: list[dict[str, Any]], out: Path | None, output: Output) -> None:
    head = [text("cli.column-id"), text("cli.column-score"), text("classify.column-kept")]
    said = {True: text("classify.yes"), False: text("classify.no")}
    rows.finish(
        answers, out, output, head=head, cells=lambda row: [row["id"], f"{row['score']:.4f}", said[row["kept"]]]
    )


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("filter", help=text("classify.filter"))(filter)
