"""Made things: ball, bell, boat, car, cup, house, key, rocket, umbrella."""

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
    turned,
)


def ball() -> Shape:
    """A disc with two curved seams."""
    seams = (
        *stroke(arc(-0.55, 0.0, rx=0.38, ry=0.42, start=-75, end=75), 0.06),
        *stroke(arc(0.55, 0.0, rx=0.38, ry=0.42, start=105, end=255), 0.06),
    )
    return Shape(body=(ellipse(0, 0, rx=0.5, n=64),), shade=seams)


def bell() -> Shape:
    """A flared bell with a ring above and a clapper below."""
    right = [(0.08, -0.38), (0.20, -0.30), (0.25, -0.10), (0.29, 0.10), (0.38, 0.22), (0.48, 0.31)]
    body = mirrored([*smooth([*right, (0.48, 0.36), (0.0, 0.36), (0.0, -0.4)])[:31].tolist(), (0.48, 0.36)])
    clapper = ellipse(0, 0.40, rx=0.12, ry=0.11)
    ring = ellipse(0, -0.43, rx=0.10)
    band = polygon([(-0.30, 0.12), (0.30, 0.12), (0.35, 0.19), (-0.35, 0.19)])
    return Shape(body=(body, clapper, ring), holes=(ellipse(0, -0.46, rx=0.03),), shade=(band,), dark=(clapper,))


def boat() -> Shape:
    """A hull, a mast and two sails."""
    hull = polygon([(-0.50, 0.20), (0.50, 0.20), (0.32, 0.46), (-0.34, 0.46)])
    mast = box(-0.05, -0.50, 0.02, 0.24)
    main = polygon([(0.05, -0.46), (0.46, 0.12), (0.05, 0.12)])
    jib = polygon([(-0.10, -0.36), (-0.40, 0.12), (-0.10, 0.12)])
    gaps = box(-0.5, 0.13, 0.5, 0.18)
    return Shape(
        body=(hull, mast, main, jib, np.clip(gaps, -0.3, 0.3)),
        shade=(jib,),
        dark=(mast, np.clip(gaps, -0.3, 0.3)),
        handed=True,
    )


def car() -> Shape:
    """From the side: cabin with two windows, two wheels."""
    lower = smooth(
        [
            (-0.50, 0.10),
            (-0.46, -0.06),
            (-0.30, -0.10),
            (0.30, -0.10),
            (0.46, -0.03),
            (0.51, 0.12),
            (0.48, 0.22),
            (-0.48, 0.22),
        ],
        4,
    )
    cabin = polygon([(-0.34, -0.06), (-0.20, -0.44), (0.16, -0.44), (0.34, -0.06)])
    wheels = [ellipse(x, 0.24, rx=0.17) for x in (-0.27, 0.27)]
    hubs = [ellipse(x, 0.24, rx=0.06) for x in (-0.27, 0.27)]
    windows = (
        polygon([(-0.25, -0.08), (-0.15, -0.36), (-0.03, -0.36), (-0.03, -0.08)]),
        polygon([(0.03, -0.08), (0.03, -0.36), (0.13, -0.36), (0.25, -0.08)]),
    )
    tyres = [stroke(arc(x, 0.24, rx=0.118, ry=0.118, start=0, end=358), 0.105)[0] for x in (-0.27, 0.27)]
    return Shape(body=(lower, cabin, *wheels), light=(*windows, *hubs), dark=tuple(tyres), handed=True)


def cup() -> Shape:
    """A mug with a handle and the rim seen from above."""
    body = smooth(
        [
            (-0.48, -0.34),
            (0.22, -0.34),
            (0.21, 0.0),
            (0.16, 0.30),
            (0.06, 0.42),
            (-0.32, 0.42),
            (-0.42, 0.30),
            (-0.47, 0.0),
        ],
        5,
    )
    rim = ellipse(-0.13, -0.34, rx=0.36, ry=0.10)
    inside = ellipse(-0.13, -0.34, rx=0.29, ry=0.055)
    handle = stroke(arc(0.18, -0.02, rx=0.30, ry=0.25, start=-100, end=110), 0.105)
    return Shape(body=(body, rim, *handle), shade=(rim,), dark=(inside,), handed=True)


def house() -> Shape:
    """A gable roof with a chimney, a door and a window."""
    walls = box(-0.38, -0.06, 0.38, 0.48)
    roof = polygon([(0, -0.50), (0.52, -0.02), (-0.52, -0.02)])
    chimney = box(0.20, -0.46, 0.34, -0.10)
    door = box(-0.26, 0.14, -0.06, 0.48)
    window = box(0.08, 0.10, 0.28, 0.30)
    return Shape(body=(walls, roof, chimney), shade=(roof, chimney), light=(window,), dark=(door,), handed=True)


def key() -> Shape:
    """A ring, a shaft and two teeth, lying aslant."""
    bow, eye = ellipse(-0.31, 0, rx=0.30), ellipse(-0.34, 0, rx=0.135)
    shaft = box(-0.15, -0.08, 0.58, 0.08)
    teeth = (box(0.42, 0.0, 0.58, 0.28), box(0.18, 0.0, 0.32, 0.23))
    return Shape(body=tuple(turned(o, -42) for o in (bow, shaft, *teeth)), holes=(turned(eye, -42),), handed=True)


def rocket() -> Shape:
    """Upright: nose cone, porthole, two fins, a flame."""
    hull = smooth(mirrored([(0.0, -0.54), (0.10, -0.42), (0.19, -0.20), (0.21, 0.04), (0.15, 0.30)]))
    nose = np.minimum(hull, (1.0, -0.28))
    fins = (
        polygon([(0.14, 0.02), (0.42, 0.24), (0.42, 0.44), (0.10, 0.28)]),
        polygon([(-0.14, 0.02), (-0.42, 0.24), (-0.42, 0.44), (-0.10, 0.28)]),
    )
    flame = polygon([(-0.12, 0.28), (0.12, 0.28), (0.09, 0.42), (0.0, 0.54), (-0.09, 0.42)])
    porthole = ellipse(0, -0.08, rx=0.10)
    return Shape(
        body=(hull, *fins, flame), shade=(nose, *fins), light=(porthole, flame), dark=(box(-0.13, 0.27, 0.13, 0.32),)
    )


def umbrella() -> Shape:
    """A scalloped canopy on a thin hooked handle."""
    edge = [arc(x, 0.04, rx=0.17, ry=0.10, start=0, end=-180, n=10) for x in (0.34, 0.0, -0.34)]
    canopy = np.concatenate([arc(0, 0.04, rx=0.51, ry=0.50, start=180, end=360, n=40), *edge])
    hook = arc(0.11, 0.38, rx=0.11, ry=0.11, start=180, end=20, n=14)
    handle = stroke(np.concatenate([polygon([(0.0, -0.05), (0.0, 0.2)]), hook]), 0.085)
    tip = box(-0.04, -0.54, 0.04, -0.44)
    ribs = (
        *stroke(arc(0, 0.0, rx=0.17, ry=0.42, start=185, end=265), 0.04),
        *stroke(arc(0, 0.0, rx=0.17, ry=0.42, start=275, end=355), 0.04),
    )
    return Shape(body=(canopy, *handle, tip), shade=ribs, dark=handle, handed=True)


THINGS = {f.__name__: f for f in (ball, bell, boat, car, cup, house, key, rocket, umbrella)}
