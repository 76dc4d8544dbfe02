"""Living things and the sky: apple, bird, butterfly, cat, fish, flower, heart, moon, mushroom, star, tree."""

import numpy as np

from mirante.datasets.scenes.shapes_outlines import (
    Shape,
    arc,
    box,
    ellipse,
    mirrored,
    polygon,
    smooth,
    stroke,
)


def apple() -> Shape:
    """Two lobes above and below, a stem and a leaf."""
    flesh = smooth(
        mirrored([(0.02, -0.19), (0.16, -0.28), (0.36, -0.23), (0.45, -0.02), (0.36, 0.27), (0.18, 0.44), (0.03, 0.39)])
    )
    leaf = smooth([(0.06, -0.32), (0.14, -0.50), (0.42, -0.54), (0.32, -0.36)])
    stem = stroke([(0.0, -0.20), (0.0, -0.34), (-0.07, -0.48)], 0.09)
    return Shape(body=(flesh, leaf, *stem), shade=(leaf,), dark=stem, handed=True)


def bird() -> Shape:
    """Seen from the side: round head, beak, raised wing, tail."""
    body = smooth(
        [(-0.26, -0.08), (0.02, -0.10), (0.22, -0.02), (0.44, -0.06), (0.30, 0.18), (0.02, 0.30), (-0.24, 0.20)]
    )
    tail = polygon([(0.20, 0.0), (0.52, -0.20), (0.50, 0.08), (0.22, 0.16)])
    head = ellipse(-0.24, -0.12, rx=0.19)
    beak = polygon([(-0.36, -0.22), (-0.58, -0.07), (-0.36, -0.02)])
    wing = smooth([(-0.08, 0.06), (0.02, -0.20), (0.26, -0.50), (0.30, -0.20), (0.18, 0.08)])
    legs = (*stroke([(-0.06, 0.24), (-0.08, 0.42)], 0.07), *stroke([(0.10, 0.24), (0.10, 0.42)], 0.07))
    return Shape(
        body=(body, tail, head, beak, wing, *legs),
        shade=(wing,),
        light=(ellipse(-0.27, -0.16, rx=0.075),),
        dark=(beak, ellipse(-0.28, -0.16, rx=0.042), *legs),
        handed=True,
    )


def butterfly() -> Shape:
    """Four wings about a dark body, two feelers."""
    wings = []
    for side in (1, -1):
        wings.append(
            smooth(
                [
                    (0.03 * side, -0.06),
                    (0.22 * side, -0.42),
                    (0.50 * side, -0.40),
                    (0.44 * side, -0.06),
                    (0.2 * side, 0.04),
                ]
            )
        )
        wings.append(
            smooth(
                [(0.03 * side, 0.0), (0.30 * side, 0.02), (0.40 * side, 0.24), (0.24 * side, 0.42), (0.08 * side, 0.26)]
            )
        )
    feelers = (*stroke([(0.02, -0.2), (0.12, -0.46)], 0.05), *stroke([(-0.02, -0.2), (-0.12, -0.46)], 0.05))
    trunk = ellipse(0, 0.02, rx=0.065, ry=0.30)
    spots = (ellipse(0.33, -0.26, rx=0.08), ellipse(-0.33, -0.26, rx=0.08))
    return Shape(body=(*wings, trunk, *feelers), shade=spots, dark=(trunk, *feelers))


def cat() -> Shape:
    """Sitting, two pointed ears, the tail up at one side."""
    head = ellipse(-0.08, -0.20, rx=0.23, ry=0.19)
    ears = (
        polygon([(-0.31, -0.22), (-0.32, -0.52), (-0.08, -0.34)]),
        polygon([(0.15, -0.22), (0.16, -0.52), (-0.08, -0.34)]),
    )
    body = smooth(
        [
            (-0.08, -0.10),
            (0.10, 0.0),
            (0.22, 0.26),
            (0.20, 0.46),
            (-0.08, 0.48),
            (-0.36, 0.46),
            (-0.38, 0.26),
            (-0.26, 0.0),
        ]
    )
    tail = stroke(arc(0.12, 0.14, rx=0.29, ry=0.26, start=85, end=-40), 0.12)
    eyes = [ellipse(x, -0.22, rx=0.06, ry=0.065) for x in (-0.17, 0.01)]
    pupils = [ellipse(x, -0.21, rx=0.03, ry=0.05) for x in (-0.17, 0.01)]
    nose = polygon([(-0.11, -0.13), (-0.05, -0.13), (-0.08, -0.09)])
    belly = ellipse(-0.08, 0.32, rx=0.12, ry=0.14)
    return Shape(body=(head, *ears, body, *tail), shade=(belly,), light=tuple(eyes), dark=(*pupils, nose), handed=True)


def fish() -> Shape:
    """An oval with a forked tail and fins."""
    body = smooth(
        [(-0.50, 0.02), (-0.34, -0.20), (-0.04, -0.28), (0.24, -0.08), (0.24, 0.10), (-0.04, 0.30), (-0.34, 0.22)]
    )
    tail = polygon([(0.18, 0.0), (0.50, -0.30), (0.42, 0.01), (0.50, 0.32)])
    fin = polygon([(-0.20, -0.22), (0.06, -0.44), (0.16, -0.14)])
    under = polygon([(-0.12, 0.24), (0.10, 0.42), (0.12, 0.16)])
    gill = stroke(arc(-0.30, 0.02, rx=0.12, ry=0.2, start=-60, end=60), 0.05)
    return Shape(
        body=(body, tail, fin, under),
        shade=(fin, under, *gill),
        light=(ellipse(-0.33, -0.06, rx=0.075),),
        dark=(ellipse(-0.34, -0.06, rx=0.042),),
        handed=True,
    )


def flower() -> Shape:
    """Six round petals, a pale heart, a stem with a leaf."""
    petals = [
        ellipse(0.22 * np.cos(a), -0.16 + 0.22 * np.sin(a), rx=0.15) for a in np.arange(6) * np.pi / 3 + np.pi / 6
    ]
    stem = stroke([(0, 0.1), (0.0, 0.5)], 0.085)
    leaf = smooth([(0.0, 0.44), (0.12, 0.26), (0.34, 0.22), (0.22, 0.42)])
    core = ellipse(0, -0.16, rx=0.13)
    return Shape(
        body=(*petals, core, *stem, leaf),
        shade=(*stem, leaf),
        light=(core,),
        dark=(ellipse(0, -0.16, rx=0.045),),
        handed=True,
    )


def heart() -> Shape:
    """The playing-card heart."""
    t = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return Shape(
        body=(np.stack([x, y], axis=1) / 32,),
        shade=stroke(arc(-0.22, -0.10, rx=0.15, ry=0.15, start=170, end=265), 0.05),
    )


def moon() -> Shape:
    """A crescent."""
    outer = arc(0, 0, rx=0.46, ry=0.46, start=28.7, end=292.7, n=50)
    inner = arc(0.20, -0.07, rx=0.355, ry=0.355, start=235, end=86.4, n=36)
    craters = (ellipse(-0.30, 0.10, rx=0.05), ellipse(-0.20, 0.28, rx=0.04), ellipse(-0.28, -0.14, rx=0.035))
    return Shape(body=(np.concatenate([outer, inner]),), shade=craters, handed=True)


def mushroom() -> Shape:
    """A broad cap on a thick pale stem."""
    cap = np.concatenate(
        [arc(0, 0.02, rx=0.50, ry=0.46, start=180, end=360), smooth([(0.40, 0.12), (-0.40, 0.12)])[:0]]
    )
    rim = smooth([(-0.50, 0.0), (-0.42, 0.12), (0, 0.15), (0.42, 0.12), (0.50, 0.0), (0, -0.1)])
    stem = smooth([(-0.13, 0.08), (0.13, 0.08), (0.15, 0.30), (0.19, 0.46), (0, 0.49), (-0.19, 0.46), (-0.15, 0.30)])
    visible = np.maximum(stem, (-1, 0.155))
    return Shape(
        body=(cap, rim, stem),
        shade=(smooth([(-0.46, 0.07), (0, 0.12), (0.46, 0.07), (0.3, 0.13), (0, 0.15), (-0.3, 0.13)]),),
        light=(visible,),
    )


def star() -> Shape:
    """Five points."""
    angle = np.arange(10) * np.pi / 5 - np.pi / 2
    radius = np.where(np.arange(10) % 2 == 0, 0.52, 0.23)
    return Shape(body=(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1),))


def tree() -> Shape:
    """A fir: three tiers on a dark trunk."""
    tiers = (
        polygon([(0, -0.54), (0.22, -0.22), (-0.22, -0.22)]),
        polygon([(0, -0.40), (0.33, 0.06), (-0.33, 0.06)]),
        polygon([(0, -0.20), (0.43, 0.34), (-0.43, 0.34)]),
    )
    shadows = (
        polygon([(-0.2, -0.22), (0.2, -0.22), (0.12, -0.16), (-0.12, -0.16)]),
        polygon([(-0.3, 0.06), (0.3, 0.06), (0.2, 0.12), (-0.2, 0.12)]),
    )
    trunk = box(-0.10, 0.32, 0.10, 0.52)
    return Shape(body=(*tiers, trunk), shade=shadows, dark=(trunk,))


NATURE = {f.__name__: f for f in (apple, bird, butterfly, cat, fish, flower, heart, moon, mushroom, star, tree)}
