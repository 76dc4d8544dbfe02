"""What every page of a report has in common: templates, the facts of the run, a file written whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mirante.report.voice import Voice

REPORT = "report.html"


def render(template: str, environment: Mapping[str, Any], voice: Voice, **parts: Any) -> str:
    """One page.

    Args:
        template: its name.
        environment: what was stored beside the results; command, commit, seed, duration and versions are shown.
        voice: its language.
        parts: what the template places.
    """
    templates = Environment(
        loader=PackageLoader("mirante.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    versions = sorted((environment.get("versions") or {}).items())
    return templates.get_template(template).render(
        run=_run(environment, voice), versions=versions, voice=voice, say=voice.say, **parts
    )


def write(folder: Path, page: str) -> Path:
    """Put the page into `folder`, whole or not at all."""
    path = folder / REPORT
    unfinished = path.with_suffix(".html.part")
    unfinished.write_text(page, encoding="utf-8")
    return unfinished.replace(path)


def _run(environment: Mapping[str, Any], voice: Voice) -> list[tuple[str, str]]:
    seconds = environment.get("seconds")
    duration = None if seconds is None else voice.say("seconds_value", seconds=voice.number(float(seconds), 1))
    known = {**environment, "seconds": duration}
    keys = ("command", "commit", "seed", "seconds")
    return [(voice.say(key), voice.say("unknown") if known.get(key) is None else str(known[key])) for key in keys]
