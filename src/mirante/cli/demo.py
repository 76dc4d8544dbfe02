"""`mirante demo`: the whole flow on the embedded pictures and model, then the search page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirante.cli.options import Output, verb
from mirante.cli.output import percent
from mirante.messages import language, text

if TYPE_CHECKING:
    from mirante.demo import Demonstration


@verb
def demo(
    output: Output,
    out: Annotated[Path, typer.Option(help=text("cli.out-demo"))] = Path("runs/demo"),
    lang: Annotated[str | None, typer.Option(help=text("cli.report-lang"))] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help=text("cli.no-serve"))] = False,
) -> None:
    """Evaluate, fine-tune to Portuguese, evaluate again, report, serve."""
    from mirante import demo as demonstration

    output.say("cli.demo-start")
    done = demonstration.run(out, language(lang))
    if not output.document(done.to_dict()):
        _show(done, output)
    if not no_serve:
        _serve(done, lang)


def _show(done: "Demonstration", output: Output) -> None:
    rows = [
        (
            text(f"cli.language-{name}"),
            percent(done.before[name]["hit_rate@1"]),
            percent(done.after[name]["hit_rate@1"]),
        )
        for name in done.before
    ]
    output.table((text("cli.column-r1"), text("cli.column-before"), text("cli.column-after")), rows)
    output.say("cli.report", path=(done.out / "report.html").resolve())
    output.say("cli.demo-end", seconds=done.seconds)


def _serve(done: "Demonstration", lang: str | None) -> None:
    from mirante import demo as demonstration
    from mirante.encoders import load
    from mirante.search import Gallery
    from mirante.web import Shown, serve
    from mirante.web.page import build

    pictures = demonstration.pictures()
    models = {
        "web.demo_after": (done.gallery, str(done.checkpoint)),
        "web.demo_before": (done.gallery_before, demonstration.MODEL),
    }
    page = build(
        [Shown(Gallery.open(at), load(model), pictures, text(key, lang)) for key, (at, model) in models.items()],
        title=text("cli.demo-title", lang),
        examples=("a yellow star at night", "dois peixes vermelhos", "um gato na praia", "a rocket above a tree"),
        lang=lang,
        runs=done.out.parent,
    )
    serve(page, announce=lambda url: typer.echo(text("cli.serving", None, url=url), err=True))


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("demo", help=text("cli.demo"))(demo)
