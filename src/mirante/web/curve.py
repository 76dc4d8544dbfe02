"""Losses of trainings as one drawing."""

from collections.abc import Mapping, Sequence
from html import escape

from mirante.report.voice import Voice
from mirante.web.cards import say

_WIDE, _HIGH, _EDGE = 640, 240, 44
_DASHES = ("", "6 4", "2 3", "10 3 2 3")


def falling(losses: Mapping[str, Sequence[tuple[int, float]]], voice: Voice) -> str:
    """Running loss by step, a line a run; nothing where there is no run of two points."""
    lines = {name: points for name, points in losses.items() if len(points) > 1}
    if not lines:
        return ""
    every = [point for points in lines.values() for point in points]
    last, top, least = max(at for at, _ in every), max(loss for _, loss in every), min(loss for _, loss in every)
    title = escape(say(voice.lang, "losses", runs=voice.names(list(lines))))
    drawn = "".join(_line(at, points, last, (least, top)) for at, points in enumerate(lines.values()))
    named = "".join(
        f'<li><svg width="36" height="10" aria-hidden="true"><line x1="0" x2="36" y1="5" y2="5" '
        f'stroke-dasharray="{_dash(at)}"/></svg> {escape(name)}</li>'
        for at, name in enumerate(lines)
    )
    return (
        f'<figure class="losses"><svg viewBox="0 0 {_WIDE} {_HIGH}" role="img" aria-label="{title}">'
        f'<text x="0" y="14">{voice.number(top, 2)}</text><text x="0" y="{_HIGH - _EDGE + 4}">{voice.number(least, 2)}'
        f'</text><text x="{_WIDE}" y="{_HIGH - 12}" text-anchor="end">{voice.number(last)}</text>{drawn}</svg>'
        f"<ul>{named}</ul><figcaption>{title}</figcaption></figure>"
    )


def _line(at: int, points: Sequence[tuple[int, float]], last: int, span: tuple[float, float]) -> str:
    least, top = span
    high = _HIGH - _EDGE - 10
    placed = " ".join(
        f"{_EDGE + (_WIDE - _EDGE) * step / last:.1f},{10 + high * (top - loss) / ((top - least) or 1):.1f}"
        for step, loss in points
    )
    return f'<polyline points="{placed}" stroke-dasharray="{_dash(at)}"/>'


def _dash(at: int) -> str:
    return _DASHES[at % len(_DASHES)]
