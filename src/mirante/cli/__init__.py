"""The command line: one file a verb, one error message, exit codes 0 (done), 1 (failed), 2 (the call was wrong)."""

import sys
import traceback

import typer

from mirante.cli import (
    advise,
    ask,
    blend,
    calibrate,
    caption,
    classify,
    demo,
    doctor,
    elip,
    embed,
    estimate,
    evaluate,
    filter,
    fuse,
    imagine,
    index,
    inspect,
    probe,
    quantize,
    report,
    rescore,
    score,
    search,
    serve,
    train,
)
from mirante.errors import MiranteError
from mirante.messages import text

app = typer.Typer(no_args_is_help=True, add_completion=False, help=text("cli.mirante"), rich_markup_mode=None)
for verb in (demo, inspect, embed, index, search, calibrate, evaluate, report, rescore, estimate, train, blend, probe):
    verb.add_to(app)
for verb in (quantize, ask, caption, elip, fuse, advise, classify, filter, score, imagine, serve, doctor):
    verb.add_to(app)


@app.callback()
def mirante(debug: bool = typer.Option(False, "--debug", help=text("cli.debug"))) -> None:
    """Nothing of its own; `--debug` is read by `main`."""
    del debug


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        app(args=given, prog_name="mirante")
    except MiranteError as error:
        if "--debug" in given:
            traceback.print_exc()
        _say(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        if "--debug" in given:
            traceback.print_exc()
        _say(f"{error.strerror or error}: {error.filename or ''}")
        sys.exit(1)


def _say(message: str) -> None:
    print(f"mirante: {message}", file=sys.stderr)
