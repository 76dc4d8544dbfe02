"""`mirante advise`: what to do next with a data set, why, with which command and at what price."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirante.cli.options import Output, Reading, Running, verb
from mirante.errors import UnknownName, UsageError
from mirante.messages import LANGUAGES, language, text

if TYPE_CHECKING:
    from mirante.advice import Job
    from mirante.advice.ground import Asked

RESULTS = "results.json"
EMBEDDED = "scenes"


@dataclass(frozen=True)
class Learnt:
    """What could be learnt from, and what must not be forgotten."""

    train: Annotated[str | None, typer.Option(help=text("advise.train-data"))] = None
    retain: Annotated[str | None, typer.Option(help=text("advise.retain"))] = None
    retain_lang: Annotated[str | None, typer.Option(help=text("advise.retain-lang"))] = None
    limit: Annotated[int | None, typer.Option(min=1, help=text("cli.limit"))] = None

    def asked(self, data: str, reading: Reading) -> "Asked":
        """As advice takes it."""
        from mirante.advice import Asked

        spoken = self.retain_lang.replace("_", "-") if self.retain_lang else None
        return Asked(data, reading.options(), self.train, self.limit, self.retain, spoken)


@dataclass(frozen=True)
class Trying:
    """How thoroughly evidence is gathered."""

    learning_curve: Annotated[bool, typer.Option("--learning-curve", help=text("advise.learning-curve"))] = False
    shares: Annotated[str, typer.Option(help=text("advise.shares"))] = "1,5,20"
    thorough: Annotated[bool, typer.Option("--thorough", help=text("advise.thorough"))] = False
    rules: Annotated[Path | None, typer.Option(help=text("advise.rules"))] = None

    def tried(self) -> tuple[float, ...]:
        """The shares of the pictures to fine-tune on; none without --learning-curve.

        Raises:
            UsageError: one of them is no share.
        """
        if not self.learning_curve:
            return ()
        try:
            shares = tuple(float(one) / 100 for one in self.shares.split(","))
        except ValueError:
            shares = (0.0,)
        if not all(0 < one <= 1 for one in shares):
            raise UsageError(
                f"--shares must be percentages above 0, at most 100, with commas between them, not {self.shares!r}: "
                "write 1,5,20, say."
            )
        return shares


@dataclass(frozen=True)
class Saying:
    """Where advice goes, and in which language."""

    out: Annotated[Path | None, typer.Option(help=text("advise.out"))] = None
    only: Annotated[str | None, typer.Option(help=text("advise.only"))] = None
    language: Annotated[str | None, typer.Option(help=text("advise.language"))] = None

    def spoken(self, captions: str | None) -> str:
        """`"en"` or `"pt"`; where it is not said, that of the captions that were asked for, as in `evaluate`.

        Raises:
            UnknownName: another language.
        """
        if self.language is not None and self.language[:2].lower() not in LANGUAGES:
            raise UnknownName("language of advice", self.language, LANGUAGES)
        told = captions and captions[:2].lower()
        return language(self.language or (told if told in LANGUAGES else None))


@verb
def advise(
    data: Annotated[str, typer.Argument(help=text("advise.data"))],
    reading: Reading,
    running: Running,
    learnt: Learnt,
    trying: Trying,
    saying: Saying,
    output: Output,
    model: Annotated[list[str] | None, typer.Option(help=text("advise.model"))] = None,
) -> None:
    """Measure, look at the data, ask the rules, recommend one step."""
    from mirante import advice
    from mirante.report.advice_page import write_advice

    lang = saying.spoken(reading.lang)
    asked = learnt.asked(data, reading)
    job = _job(asked, tuple(model or ()), trying, saying, lang)
    clock = time.monotonic()
    found = advice.advise(job, running.load)
    advice.save(job.out, found, seconds=time.monotonic() - clock)
    page = write_advice(job.out, lang)
    document = advice.document(found) | {"out": str(job.out), "page": str(page)}
    if not output.document(document):
        show(document, lang)


def _job(asked: "Asked", models: tuple[str, ...], trying: Trying, saying: Saying, lang: str) -> "Job":
    from mirante import advice
    from mirante.datasets import split_of

    folder, base = Path(asked.address), split_of(asked.address)[0]
    results = (folder / RESULTS).is_file()
    if results and models:
        raise UsageError(f"{asked.address!r} holds results, which advice needs no --model for: leave it out.")
    if not models and not results and base == EMBEDDED:
        models = (EMBEDDED,)
    out = saying.out or (folder if results else Path("advice") / _name(asked.address))
    return advice.Job(
        asked,
        out,
        models,
        advice.load_table(trying.rules),
        trying.tried(),
        trying.thorough,
        saying.only,
        lang,
    )


def show(document: Mapping[str, Any], lang: str) -> None:
    """The advice for people: warnings, the recommendation, why, the command, the price."""
    from mirante.report.advice_words import Said

    said = Said.of(document, lang)
    for warning in said.warnings:
        typer.echo(f"! {warning}")
    typer.echo(f"{said.headline}. {said.why} {said.basis}")
    for reason in said.reasons:
        typer.echo(f"  - {reason}")
    typer.echo("")
    for command in said.commands:
        typer.echo(f"  {command}")
    typer.echo("")
    for line in (*said.price, said.where):
        typer.echo(line)


def _name(address: str) -> str:
    """A folder's name for an address."""
    readable = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in address)
    return readable.strip("-.")[-60:] or "data"


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("advise", help=text("advise.verb"))(advise)
