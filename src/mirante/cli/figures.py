"""What classifiers got right, as tables for people."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mirante.cli.output import Output, percent
from mirante.messages import text

if TYPE_CHECKING:
    from mirante.classification import Figures
    from mirante.classification.contest import Outcome
    from mirante.types import Estimate

FEW = 10
"""Up to so many labels every confusion is shown, beyond it the most frequent ones."""


def show(outcomes: "Mapping[str, Outcome]", shared: int, output: Output) -> None:
    """Methods side by side, then labels, then the confusions and the calibration of the first method.

    Args:
        outcomes: by method, at least one.
        shared: pictures that were both learned from and measured.
        output: where it goes.
    """
    names = list(next(iter(outcomes.values())).figures.metrics)
    head = [text("classify.column-method"), *(text(f"classify.metric-{name}") for name in names)]
    output.table(head, [[_method(name, one), *_metrics(one.figures.metrics)] for name, one in outcomes.items()])
    if shared:
        output.say("classify.shared", count=shared)
    first = next(iter(outcomes.values())).figures
    head = [text("classify.column-label"), text("classify.column-pictures")]
    output.table(
        [*head, *(_method(name, one) for name, one in outcomes.items())],
        [
            [label, str(count), *(percent(one.figures.classes[label][1]) for one in outcomes.values())]
            for label, (count, _) in first.classes.items()
        ],
    )
    _errors(first, output)


def _errors(figures: "Figures", output: Output) -> None:
    if len(figures.labels) <= FEW:
        rows = zip(figures.labels, figures.confusion.tolist(), strict=True)
        output.table(
            [text("classify.column-confusion"), *figures.labels], [[name, *map(str, row)] for name, row in rows]
        )
    elif wrong := figures.confusions():
        output.say("classify.confused", pairs="; ".join(f"{one} → {said}: {count}" for one, said, count in wrong))
    bins = (
        f"{100 * one.confidence:.0f} % → {100 * one.accuracy:.0f} % ({one.count:,})" for one in figures.reliability.bins
    )
    output.say("classify.reliable", bins="; ".join(bins))


def _method(name: str, outcome: "Outcome") -> str:
    return text(f"classify.method-{name}", None, setting=outcome.setting or 0)


def _metrics(metrics: "Mapping[str, Estimate]") -> Iterable[str]:
    """Each with its interval in per cent; where none was computed, only itself."""
    for one in metrics.values():
        yield percent(one) if one.low < one.high else f"{100 * one.value:.1f} %"
