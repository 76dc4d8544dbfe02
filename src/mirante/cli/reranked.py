"""What re-ranking did, as tables and sentences for people."""

from typing import TYPE_CHECKING

from mirante.cli.output import Output

if TYPE_CHECKING:
    from mirante.evaluation import SavedResults
    from mirante.report.voice import Voice


def show_reranked(saved: "SavedResults", voice: "Voice", output: Output) -> None:
    """Base, re-ranked and the best possible order of each protocol, then whether it helps and what it takes."""
    from mirante.report.reranked import grouped, heading, rows_of, words

    for found in grouped(saved.reranked):
        output.say("reranking.line", sentence=heading(found[0], voice))
        output.table(*rows_of(found, voice))
        for one in found:
            output.say("reranking.line", sentence=words(one, voice))
