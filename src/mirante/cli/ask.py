"""`mirante ask`: an answer about an index that cites what it rests on; `--eval` measures answers to many questions."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirante.cli.options import Output, Running, verb
from mirante.cli.output import percent
from mirante.cli.search import LookingAgain, filters, opened
from mirante.errors import UsageError
from mirante.messages import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirante.asking import Answer, Settings
    from mirante.asking.questions import Question, Scored
    from mirante.generation import Generator
    from mirante.retrieval import Found
    from mirante.search import Gallery
    from mirante.types import Encoder

SHOWN = ("hit_rate", "citation_precision", "token_f1", "containment", "answered", "refusal")


@dataclass(frozen=True)
class Answering:
    """Who answers, and how it is asked."""

    generator: Annotated[str, typer.Option(metavar="KIND[:ADDRESS]", help=text("ask.generator"))] = "extractive"
    template: Annotated[Path | None, typer.Option(metavar="FILE.toml", help=text("ask.template"))] = None
    lang: Annotated[str | None, typer.Option(help=text("ask.lang"))] = None
    where: Annotated[list[str] | None, typer.Option(help=text("cli.where"))] = None
    k: Annotated[int, typer.Option("-k", min=1, help=text("ask.k"))] = 5


@verb
def ask(
    index: Annotated[Path, typer.Argument(help=text("cli.search-index"))],
    answering: Answering,
    again: LookingAgain,
    running: Running,
    output: Output,
    question: Annotated[str | None, typer.Argument(help=text("ask.question"))] = None,
    questions: Annotated[Path | None, typer.Option("--eval", metavar="FILE.jsonl", help=text("ask.eval"))] = None,
    model: Annotated[str | None, typer.Option(help=text("cli.search-model"))] = None,
) -> None:
    """Answer one question, or measure the answers to many."""
    from mirante.asking import Settings
    from mirante.asking.questions import read_questions
    from mirante.generation import open_generator, read_template

    if (question is None) == (questions is None):
        raise UsageError("`mirante ask` takes one question, or --eval FILE.jsonl with many: give one of them.")
    template = read_template(answering.template) if answering.template else None
    asked = read_questions(questions) if questions else ()
    gallery, where = opened(index), filters(answering.where)
    generator = open_generator(answering.generator)
    encoder = running.load(model or gallery.provenance.model)
    rerankers, pictures = again.open(encoder)
    settings = Settings(answering.k, where, rerankers, again.rerank_depth, answering.lang or "", template, pictures)
    job = _Job(gallery, encoder, generator, settings, output)
    if question is not None:
        job.answer(question, index)
    else:
        job.measure(asked, {"index": str(index), "file": str(questions), "template": str(answering.template or "")})


@dataclass(frozen=True)
class _Job:
    """What a question is answered with."""

    gallery: "Gallery"
    encoder: "Encoder"
    generator: "Generator"
    settings: "Settings"
    output: Output

    def answer(self, question: str, index: Path) -> None:
        """Say the answer as it comes, then what it cites."""
        from mirante.asking import stream

        reply = stream(self.gallery, self.encoder, question, self.generator, settings=self.settings)
        for piece in reply:
            if not self.output.json:
                sys.stdout.write(piece)
                sys.stdout.flush()
        found = reply.answer()
        document = {"schema": 1, "question": question, **found.to_dict()}
        if self.output.document({**document, "index": str(index), "model": self.encoder.provenance.model}):
            return
        sys.stdout.write("\n\n")
        if found.dropped:
            self.output.say("ask.dropped", count=len(found.dropped), names=", ".join(found.dropped[:5]))
        cited = [one for one in found.hits if one.hit.id in found.citations] if found.found else []
        self._sources(cited)

    def _sources(self, cited: "Sequence[Found]") -> None:
        head = (text("cli.column-id"), text("cli.column-captions"))
        if cited:
            self.output.table(head, [[one.hit.id, " · ".join(one.hit.captions[:2])] for one in cited])

    def measure(self, asked: "Sequence[Question]", told: dict[str, str]) -> None:
        """Every question, and what the answers are worth."""
        from mirante.asking.questions import evaluate, summary

        scored = evaluate(asked, self._one)
        found = summary(scored)
        document = {
            "schema": 1,
            "protocol": self._protocol(scored, told),
            "metrics": {name: one.to_dict() for name, one in found.items()},
            "questions": [one.to_dict() for one in scored],
        }
        if self.output.document(document):
            return
        settings = self.settings
        self.output.say(
            "ask.measured",
            questions=len(scored),
            gallery=len(self.gallery),
            k=settings.k,
            generator=self.generator.name,
        )
        if self.gallery.calibration is None:
            self.output.say("ask.uncalibrated")
        head = (text("ask.column-metric"), text("ask.column-value"), text("ask.column-questions"))
        rows = [(name, found[name]) for name in SHOWN if name in found]
        self.output.table(head, [[text(f"ask.{name}"), percent(one.mean), str(one.n)] for name, one in rows])

    def _one(self, question: "Question") -> "Answer":
        from dataclasses import replace

        from mirante.asking import ask as answer

        settings = replace(self.settings, language=question.language or self.settings.language)
        return answer(self.gallery, self.encoder, question.question, self.generator, settings=settings)

    def _protocol(self, scored: "Sequence[Scored]", told: dict[str, str]) -> dict[str, Any]:
        """Under which conditions the figures hold."""
        settings = self.settings
        return {
            **told,
            "questions": len(scored),
            "gallery": len(self.gallery),
            "model": self.encoder.provenance.model,
            "k": settings.k,
            "rerank": [one.name for one in settings.rerankers],
            "depth": settings.depth if settings.rerankers else 0,
            "where": dict(settings.where),
            "generator": self.generator.name,
            "language": settings.language,
            "calibrated": self.gallery.calibration is not None,
        }


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("ask", help=text("ask.verb"))(ask)
