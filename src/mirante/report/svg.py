"""The few marks that charts are made of, as escaped inline SVG, and honest scales."""

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

SERIES = 8
SHAPES = (
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z",
    "M-3.5,-3.5h7v7h-7z",
    "M0,-4.8L4.8,0L0,4.8L-4.8,0z",
    "M0,-4.5L4.5,3.5H-4.5z",
)
CEILINGS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
STEPS = 5


def element(tag: str, *children: str, **attributes: object) -> Markup:
    """`<tag attribute="…">children</tag>`; `_` in attribute names becomes `-`, `class_` becomes `class`.

    Children that are not `Markup` are escaped, as are all attribute values.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_short(value))}"' for name, value in attributes.items()
    )
    return Markup(f"<{tag}{written}>{Markup('').join(children)}</{tag}>")  # noqa: S704 - every part is escaped above


def drawing(width: int, height: int, label: str, *children: str) -> Markup:
    """An `<svg>` of `width` × `height` units that a screen reader announces as `label`."""
    return element("svg", *children, viewBox=f"0 0 {width} {height}", role="img", aria_label=label, class_="chart")


def words(x: float, y: float, content: str, *, anchor: str = "start", class_: str = "label") -> Markup:
    """Text at a point."""
    return element("text", content, x=x, y=y, text_anchor=anchor, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(points: Sequence[tuple[float, float]], class_: str) -> Markup:
    """An open polyline through `points`."""
    return element("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), class_=class_)


def marker(x: float, y: float, at: int) -> Markup:
    """The sign of series `at`: colour and shape together."""
    shape = SHAPES[at % len(SHAPES)]
    return element("path", d=shape, transform=f"translate({x:.1f} {y:.1f})", class_=f"marker {series(at)}")


def series(at: int) -> str:
    """The style class of series `at`; after the colours run out they repeat with dashes."""
    return f"s{at % SERIES}" + (" again" if at >= SERIES else "")


def scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """A linear map from `low..high` to `start..end`."""
    width = (high - low) or 1.0
    return lambda value: start + (value - low) / width * (end - start)


def ceiling(highest: float) -> float:
    """The end of a percentage axis that starts at zero: the least round share that holds `highest`."""
    return next((top for top in CEILINGS if highest <= top), CEILINGS[-1])


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round values from `low` to `high`, about `wanted` of them."""
    if not low < high:
        return [low]
    raw = (high - low) / wanted
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if raw <= unit * factor * (1 + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [one * step for one in range(first, last + 1)]


def fit(name: str, room: int) -> str:
    """`name` in at most `room` characters, the middle left out."""
    if len(name) <= room:
        return name
    head = (room - 1) // 3
    return f"{name[:head]}…{name[len(name) - (room - 1 - head) :]}"


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
