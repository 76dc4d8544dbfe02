"""`mirante classify`: labels for a picture or a folder, and accuracies on a labelled data set."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirante.cli import figures, rows
from mirante.cli.options import Output, Reading, Running, verb
from mirante.errors import UsageError
from mirante.messages import LANGUAGES, text

if TYPE_CHECKING:
    from mirante.classification import Examples, Label, Scale, ZeroShot
    from mirante.types import Dataset, Encoder


@dataclass(frozen=True)
class Naming:
    """Which labels there are, and how a model is asked for them."""

    labels: Annotated[str | None, typer.Option(help=text("classify.labels"))] = None
    label_column: Annotated[str | None, typer.Option(help=text("classify.label-column"))] = None
    templates: Annotated[str, typer.Option(help=text("classify.templates"))] = "simple"
    language: Annotated[str | None, typer.Option(help=text("classify.language"))] = None

    def prompts(self, lang: str | None) -> tuple[str, tuple[str, ...]]:
        """The language of the prompts, and the templates."""
        from mirante.classification import read_templates

        spoken = (self.language or lang or LANGUAGES[0])[:2].lower()
        return spoken, read_templates(self.templates, spoken)


@dataclass(frozen=True)
class Learning:
    """What probes learn from, and what is kept."""

    probe: Annotated[list[str] | None, typer.Option(help=text("classify.probe"))] = None
    train: Annotated[str | None, typer.Option(help=text("classify.train"))] = None
    out: Annotated[Path | None, typer.Option(help=text("classify.out"))] = None
    limit: Annotated[int | None, typer.Option(min=1, help=text("classify.limit"))] = None
    embeddings: Annotated[Path | None, typer.Option(help=text("classify.embeddings"))] = None


@verb
def classify(
    what: Annotated[str, typer.Argument(help=text("classify.what"))],
    model: Annotated[str, typer.Option(help=text("cli.model"))],
    naming: Naming,
    learning: Learning,
    reading: Reading,
    running: Running,
    output: Output,
) -> None:
    """Classify one picture, or every picture of a data set; measure where the truth is known."""
    from mirante.pixels import SUFFIXES

    rows.check(learning.out)
    if bool(learning.probe) != bool(learning.train):
        raise UsageError("--probe and --train go together: the kind of probe, and the data that it learns from.")
    job = _Job(model, naming, learning, reading, output)
    if Path(what).is_file() and Path(what).suffix.lower() in SUFFIXES:
        job.picture(Path(what), running)
    else:
        job.data(what, running)


@dataclass(frozen=True)
class _Job:
    """One call: what was asked, and where the answer goes."""

    model: str
    naming: Naming
    learning: Learning
    reading: Reading
    output: Output

    def picture(self, path: Path, running: Running) -> None:
        """Every label of one picture."""
        from mirante import pixels
        from mirante.classification import ZeroShot, read_labels

        if self.naming.labels is None:
            raise UsageError("One picture needs --labels 'cat,dog' (or a file of them): say what it could be.")
        labels, image = read_labels(self.naming.labels), pixels.read_file(path)
        spoken, templates = self.naming.prompts(self.reading.lang)
        encoder = running.load(self.model)
        zero = ZeroShot.of(encoder, labels, templates)
        found = zero.ranked(encoder.encode_images([image])[0])
        if self.output.document({**self._asked(zero.scale, spoken), "picture": str(path), "labels": found}):
            return
        self._say_scale(zero)
        sigmoid = zero.scale.bias is not None
        head = [text("classify.column-label"), text("classify.column-probability")]
        shown = [[one["words"], f"{100 * one['probability']:.1f} %"] for one in found]
        if sigmoid:
            head.append(text("classify.column-match"))
            for cells, one in zip(shown, found, strict=True):
                cells.append(f"{100 * one['match']:.1f} %")
            self.output.say("classify.match-said")
        self.output.table(head, shown)

    def data(self, address: str, running: Running) -> None:
        """Every picture of a data set; figures where the truth is known."""
        from mirante.classification import ZeroShot
        from mirante.classification.contest import compare, told
        from mirante.datasets import open_dataset

        dataset = open_dataset(address, self.reading.options())
        column = self._column(dataset)
        spoken, templates = self.naming.prompts(self.reading.lang)
        encoder = running.load(self.model)
        given = self._examples(dataset, encoder, column)
        train = None
        if self.learning.train and column:
            train = self._examples(open_dataset(self.learning.train, self.reading.options()), encoder, column)
        zero = ZeroShot.of(encoder, self._labels(given, train), templates)
        answers = told(zero, given)
        outcomes = compare(zero, given, train, self.learning.probe or ()) if column else {}
        shared = len(set(given.contents) & set(train.contents)) if train else 0
        document = {
            **self._asked(zero.scale, spoken),
            "data": address,
            "pictures": answers,
            "unreadable": [{"id": one, "reason": reason} for one, reason in given.unreadable.items()],
            "unlabelled": given.unlabelled,
            "train": {"data": self.learning.train, "shared": shared} if train else None,
            "results": [one.to_dict(method) for method, one in outcomes.items()],
            "out": str(self.learning.out) if self.learning.out else None,
        }
        self.output.document(document)
        self._say_scale(zero)
        self.output.say(
            "classify.measured",
            data=address,
            pictures=len(given.ids),
            labels=len(zero.labels),
            templates=self.naming.templates,
            language=spoken,
        )
        if outcomes:
            figures.show(outcomes, shared, self.output)
        self._answers(answers, given, measured=bool(outcomes))

    def _column(self, dataset: "Dataset") -> str | None:
        """Where the truth is: as asked; the class folders of a data set without other captions."""
        if self.learning.train and not self.naming.label_column:
            raise UsageError("--probe needs the true labels: name their column or metadata field with --label-column.")
        if self.naming.label_column or self.naming.labels:
            return self.naming.label_column
        if dataset.columns.get("text") == "name of the class folder":
            return "class"
        raise UsageError(
            f"{dataset.name!r} has no class folders: give --labels 'cat,dog', or --label-column with the name of its "
            "column or metadata field."
        )

    def _examples(self, dataset: "Dataset", encoder: "Encoder", column: str | None) -> "Examples":
        from mirante.classification import embed_examples

        kept = self.learning
        return embed_examples(dataset, encoder, column=column, limit=kept.limit, folder=kept.embeddings)

    def _labels(self, given: "Examples", train: "Examples | None") -> "tuple[Label, ...]":
        from mirante.classification import read_labels
        from mirante.classification.labels import labels_of

        if self.naming.labels is not None:
            return read_labels(self.naming.labels)
        return labels_of([*given.labels, *(train.labels if train else ())])

    def _asked(self, scale: "Scale", spoken: str) -> dict[str, Any]:
        return {
            "schema": 1,
            "model": self.model,
            "probability": "softmax",
            "scale": {"factor": scale.factor, "bias": scale.bias, "learned": scale.learned},
            "templates": self.naming.templates,
            "language": spoken,
        }

    def _say_scale(self, zero: "ZeroShot") -> None:
        key = "classify.softmax" if zero.scale.learned else "classify.softmax-assumed"
        self.output.say(key, labels=len(zero.labels), scale=zero.scale.factor)

    def _answers(self, answers: list[dict[str, Any]], given: "Examples", *, measured: bool) -> None:
        for image, reason in given.unreadable.items():
            self.output.say("cli.unreadable", id=image, reason=reason)
        if given.unlabelled:
            self.output.say("classify.left-out", unreadable=len(given.unreadable), unlabelled=given.unlabelled)
        if measured and self.learning.out is None:
            return
        rows.finish(
            answers,
            self.learning.out,
            self.output,
            head=[text("cli.column-id"), text("classify.column-label"), text("classify.column-probability")],
            cells=lambda row: [row["id"], row["label"], f"{100 * row['probability']:.1f} %"],
        )


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("classify", help=text("classify.verb"))(classify)
