import math
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from mirante.report.charts import Curve, Histogram, bars, curves, histogram
from mirante.report.svg import ceiling, element, fit, ticks
from mirante.report.voice import Voice
from mirante.types import Estimate

EN = Voice("en")


def widths(drawing: str) -> list[float]:
    tree = ElementTree.fromstring(drawing)
    return [float(one.attrib["width"]) for one in tree.iter("rect") if one.attrib["class"].startswith("bar ")]


def points(drawing: str, class_: str) -> list[tuple[float, float]]:
    tree = ElementTree.fromstring(drawing)
    line = next(one for one in tree.iter("polyline") if one.attrib["class"] == class_ and "," in one.attrib["points"])
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.attrib["points"].split())]


def test_bars_start_at_zero_and_grow_in_proportion() -> None:
    rows = [("a", Estimate(0.2, 0.1, 0.3)), ("b", Estimate(0.4, 0.4, 0.4)), ("c", Estimate(0.0, 0.0, 0.0))]
    short, long, none = widths(bars("R@1", rows, EN, top=1.0))
    assert long == pytest.approx(2 * short, abs=0.02)
    assert none == 0


def test_a_bar_without_a_number_is_not_drawn() -> None:
    drawing = bars("R@1", [("a", Estimate(math.nan, math.nan, math.nan))], EN, top=1.0)
    assert widths(drawing) == []
    assert "—" in drawing


def test_only_computed_intervals_get_a_whisker() -> None:
    with_interval = bars("R@1", [("a", Estimate(0.2, 0.1, 0.3))], EN, top=1.0)
    without = bars("R@1", [("a", Estimate(0.2, 0.2, 0.2))], EN, top=1.0)
    assert with_interval.count('class="whisker"') == 3
    assert without.count('class="whisker"') == 0


def test_curves_rise_from_the_zero_line() -> None:
    drawing = curves([Curve("a", (1, 10, 100), (0.0, 0.5, 1.0))], EN)
    (x1, y1), (x2, y2), (x3, y3) = points(drawing, "curve s0")
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2), "logarithmic: equal factors are equal steps"
    assert y1 - y2 == pytest.approx(y2 - y3, abs=0.2)
    assert "logarithmic" in drawing


def test_short_curves_have_a_plain_axis() -> None:
    drawing = curves([Curve("a", (1, 3, 5), (0.1, 0.2, 0.3))], EN)
    (x1, _), (x2, _), (x3, _) = points(drawing, "curve s0")
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert "logarithmic" not in drawing


def test_each_histogram_sums_to_its_own_whole() -> None:
    data = Histogram("a", (-1.0, 0.0, 1.0), positive=(1.0, 3.0), negative=(2000.0, 2000.0))
    drawing = histogram(data, data.span, EN)
    right = points(drawing, "positive")
    _, wrong = (line for line in ElementTree.fromstring(drawing).iter("polyline") if line.attrib["class"] == "negative")
    base, quarter, three_quarters = right[0][1], right[1][1], right[3][1]
    half = float(wrong.attrib["points"].split()[1].split(",")[1])
    assert base - three_quarters == pytest.approx(3 * (base - quarter), abs=0.3)
    assert base - half == pytest.approx(2 * (base - quarter), abs=0.2)


def test_the_span_of_a_histogram_leaves_out_empty_bins() -> None:
    assert Histogram("a", (0.0, 0.1, 0.2, 0.3), (0, 1, 0), (0, 0, 0)).span == (0.1, 0.2)
    assert Histogram("a", (0.0, 0.1, 0.2, 0.3), (0, 0, 0), (0, 0, 0)).span == (0.0, 0.3)


def test_an_empty_histogram_is_still_a_drawing() -> None:
    data = Histogram("a", (0.0, 0.5, 1.0), (0, 0), (0, 0))
    assert ElementTree.fromstring(histogram(data, data.span, EN)).tag == "svg"


def test_more_models_than_colours_are_dashed() -> None:
    drawing = curves([Curve(f"m{at}", (1, 2), (0.1, 0.2)) for at in range(9)], EN)
    assert "curve s0 again" in drawing


def test_text_and_attributes_are_escaped() -> None:
    drawn = element("text", "<b>", Markup("<i></i>"), class_='"x"')
    assert drawn == '<text class="&#34;x&#34;">&lt;b&gt;<i></i></text>'


@pytest.mark.parametrize(("highest", "top"), [(0.0, 0.01), (0.045, 0.05), (0.31, 0.5), (0.51, 1.0), (1.0, 1.0)])
def test_axes_end_at_a_round_share(highest: float, top: float) -> None:
    assert ceiling(highest) == top


def test_ticks_are_round_and_within() -> None:
    assert ticks(0, 1, 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks(-0.13, 0.31, 5) == pytest.approx([-0.1, 0.0, 0.1, 0.2, 0.3])
    assert ticks(0.4, 0.4) == [0.4]
    assert ticks(0, 0.072, 4) == pytest.approx([0, 0.02, 0.04, 0.06]), "no 2.5%, which would be labelled 2%"


def test_long_names_lose_their_middle() -> None:
    assert fit("short", 10) == "short"
    assert fit("google/siglip2-so400m-patch14-384", 16) == "googl…atch14-384"
