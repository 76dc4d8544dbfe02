"""`mirante doctor`: whether this installation can be trusted."""

import typer

from mirante.cli.options import Output, verb
from mirante.messages import text


@verb
def doctor(output: Output) -> None:
    """Look at libraries, devices, disks, environment and golden vectors; 1 when something is wrong."""
    from mirante.doctor import LEVELS, examine

    found = examine()
    if not output.document(found.to_dict()):
        signs = {level: text(f"doctor.level-{level}") for level in LEVELS}
        width = max(map(len, signs.values()))
        for part, lines in found.parts.items():
            output.say(f"doctor.part-{part}")
            for one in lines:
                typer.echo(f"  {signs[one.level]:<{width}}  {one.words()}")
        output.say("doctor.passed" if found.passed else "doctor.failed", **{one: found.count(one) for one in LEVELS})
    if not found.passed:
        raise typer.Exit(1)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("doctor", help=text("doctor.verb"))(doctor)
