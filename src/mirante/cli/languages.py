"""One test in several languages, and questions of data sets, as tables for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mirante.cli.output import Output, number
from mirante.messages import text

if TYPE_CHECKING:
    from mirante.evaluation import SavedResults
    from mirante.report.voice import Voice
    from mirante.types import Result


def show_languages(saved: "SavedResults", voice: "Voice", output: Output, *, columns: Sequence[str]) -> "list[Result]":
    """One table a test, direction and model with a row for each language; the results that stand in no such table."""
    from mirante.evaluation import by_language
    from mirante.report.languages import METRIC, gap_words, ordered

    groups = by_language(saved.results)
    for spoken in groups:
        tags = ordered(spoken)
        first = spoken[tags[0]][0]
        direction = text(f"cli.{first.direction}")
        output.say("spoken.heading", data=first.data, count=len(tags), direction=direction)
        for model in dict.fromkeys(one.model for tag in tags for one in spoken[tag]):
            found = [(tag, one) for tag in tags for one in spoken[tag] if one.model == model]
            rows = [(voice.language(tag), *(number(name, one.metrics[name]) for name in columns)) for tag, one in found]
            output.table((model, *columns), rows)
        for gap in saved.gaps:
            if (gap.data, gap.direction, gap.metric) == (first.data, first.direction, METRIC):
                key, fields = gap_words(gap, voice)
                output.say(key, **fields)
    together = {id(one) for spoken in groups for found in spoken.values() for one in found}
    return [one for one in saved.results if id(one) not in together]


def show_contrasts(saved: "SavedResults", voice: "Voice", output: Output) -> None:
    """What was asked and how much of it was answered right, a table for each data set and language."""
    from mirante.report.contrasts import grouped, rows_of

    for found in grouped(saved.contrasts):
        output.say("contrasts.heading", data=found[0].data, language=voice.language(found[0].language))
        output.table(*rows_of(found, voice))
