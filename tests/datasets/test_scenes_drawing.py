"""What the drawn scenes promise: the same picture again, every attribute drawn, and every attribute visible."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from mirante.datasets.scenes.drawing import PALETTE, draw
from mirante.datasets.scenes.shapes import SHAPES
from mirante.datasets.scenes.world import BACKGROUNDS, COLOURS, KINDS, PATTERNS, STYLES, Scene, Thing
from mirante.errors import UnknownName, UsageError


def one(kind="star", colour="red", pattern="plain", extent=0.4, background="field", style="flat", seed=7):
    """A scene with one thing in its middle."""
    return Scene((Thing(kind, colour, "large", pattern, 0.5, 0.5, extent),), background, style, seed)


def pixels(scene, resolution=64):
    return np.asarray(draw(scene, resolution), dtype=np.float64)


def painted(scene, resolution=64, step=60):
    """Where the picture follows the thing's colour: its surface without outline, halo, eyes or windows."""
    thing = scene.things[0]
    black, white = (
        pixels(replace(scene, things=(replace(thing, colour=colour),)), resolution) for colour in ("black", "white")
    )
    return np.abs(white - black).mean(axis=-1) > step


def lab(rgb):
    """sRGB, 0 to 255, in CIE L*a*b* (D65), where distance follows what the eye sees."""
    c = np.asarray(rgb, dtype=np.float64) / 255
    c = np.where(c > 0.04045, ((c + 0.055) / 1.055) ** 2.4, c / 12.92)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = c @ to_xyz.T / (0.9505, 1.0, 1.089)
    x, y, z = np.moveaxis(np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def dominant(colours):
    """The palette colour that most of the given RGB pixels are nearest to."""
    names = list(PALETTE)
    palette = lab([main for main, _ in PALETTE.values()])
    nearest = np.linalg.norm(lab(colours)[:, None] - palette, axis=-1).argmin(axis=1)
    return names[np.bincount(nearest).argmax()]


def test_the_world_and_the_drawings_know_the_same_names():
    assert set(SHAPES) == set(KINDS)
    assert tuple(PALETTE) == COLOURS


@pytest.mark.parametrize("resolution", [32, 64, 100, 256])
def test_a_picture_is_rgb_of_the_asked_size(resolution):
    image = draw(one(), resolution)
    assert (image.mode, image.size) == ("RGB", (resolution, resolution))


@pytest.mark.parametrize("style", STYLES)
def test_the_same_scene_gives_the_same_bytes_and_another_seed_others(style):
    scene = one(style=style)
    assert draw(scene, 64).tobytes() == draw(one(style=style), 64).tobytes()
    assert draw(scene, 64).tobytes() != draw(replace(scene, seed=8), 64).tobytes()


@pytest.mark.parametrize("style", STYLES)
def test_another_resolution_keeps_the_composition(style):
    scene = one(style=style, background="beach")
    reduced = np.asarray(draw(scene, 256).reduce(4), dtype=np.float64)
    assert np.abs(reduced - pixels(scene, 64)).mean() < 8
    assert np.abs(reduced - pixels(replace(scene, seed=8), 64)).mean() > 8


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_kind_colour_and_pattern_changes_the_picture_everywhere(style, background):
    seen = {
        draw(one(kind, colour, pattern, background=background, style=style), 32).tobytes()
        for kind, colour in zip(KINDS, COLOURS * 2, strict=True)
        for pattern in PATTERNS
    }
    assert len(seen) == len(KINDS) * len(PATTERNS)


@pytest.mark.parametrize("style", STYLES)
def test_the_dominant_colour_of_every_plain_object_is_its_own(style):
    wrong = []
    for number, kind in enumerate(KINDS):
        scene = one(kind, extent=0.28, background=BACKGROUNDS[number % 8], style=style, seed=number)
        surface = painted(scene, step=90)  # edge pixels mix with the outline
        for colour in COLOURS:
            picture = pixels(replace(scene, things=(replace(scene.things[0], colour=colour),)))
            if dominant(picture[surface]) != colour:
                wrong.append((kind, colour))
    assert wrong == []


@pytest.mark.parametrize("pattern", ["striped", "dotted"])
@pytest.mark.parametrize("colour", COLOURS)
def test_a_pattern_is_seen_and_keeps_the_colour(pattern, colour):
    scene = one("ball", colour, pattern, extent=0.3)
    surface = painted(scene)
    patterned = pixels(scene)[surface]
    assert dominant(patterned) == colour
    assert np.abs(patterned - pixels(one("ball", colour, extent=0.3))[surface]).max() > 30


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("colour", COLOURS)
def test_an_outline_and_a_halo_part_every_colour_from_every_background(background, colour):
    brightness = pixels(one("ball", colour, extent=0.5, background=background), 128).mean(axis=-1)
    across = brightness[64, 22:40]  # from the background through the left edge into the surface
    assert across.max() - across.min() > 90


def test_different_kinds_have_different_silhouettes():
    # one seed: the same tilt for all, so that only the outlines differ
    masks = {kind: painted(one(kind, extent=0.6, seed=1), 96) for kind in KINDS}
    overlap = {(a, b): (masks[a] & masks[b]).sum() / (masks[a] | masks[b]).sum() for a, b in combinations(KINDS, 2)}
    assert {pair: round(float(iou), 2) for pair, iou in overlap.items() if iou >= 0.85} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_fills_its_box_and_stays_in_it(kind):
    scene = one(kind, extent=0.5, seed=3)
    rows, columns = np.nonzero(painted(scene, 128, step=40))
    reach = max(np.ptp(rows), np.ptp(columns)) / 128
    assert 0.6 * 0.5 < reach < 1.1 * 0.5


def test_a_thing_at_the_border_is_cut_off_there():
    inside, outside = one(), one()
    moved = replace(outside.things[0], x=1.0, y=0.0)
    gone = replace(outside.things[0], x=1.9, y=0.5)
    assert painted(replace(inside, things=(moved,))).sum() < 0.5 * painted(inside).sum()
    assert draw(replace(outside, things=(gone,)), 64).tobytes() == draw(replace(outside, things=()), 64).tobytes()


@pytest.mark.parametrize(
    ("field", "scene"),
    [
        ("kind of object", one(kind="dragon")),
        ("colour", one(colour="teal")),
        ("pattern", one(pattern="tartan")),
        ("background", one(background="attic")),
        ("style", one(style="cubist")),
    ],
)
def test_an_unknown_name_is_refused_with_the_valid_ones(field, scene):
    with pytest.raises(UnknownName, match=f"Unknown {field}"):
        draw(scene, 64)


@pytest.mark.parametrize("resolution", [0, 31, 1025])
def test_a_resolution_out_of_range_is_refused(resolution):
    with pytest.raises(UsageError, match=f"Resolution {resolution} is outside 32 to 1024"):
        draw(one(), resolution)
