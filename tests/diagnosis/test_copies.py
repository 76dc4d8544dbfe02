"""A copy is found whatever befell it; pictures that merely resemble each other are not copies."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from spoilt_pictures import blank, cropped, jpeg, scenes, shown

from mirante.diagnosis import Fingerprints, copies_between, copies_within, fingerprint
from mirante.diagnosis.confirmation import copies
from mirante.diagnosis.copies import groups
from mirante.diagnosis.fingerprints import thumbnail
from mirante.diagnosis.hashing import NEAR, hashes, neighbours
from mirante.diagnosis.registration import IDENTITY, register
from mirante.errors import StoreError, UnreadableImage
from mirante.types import Embeddings, Picture, Provenance

SOME = scenes("test-40")
STRANGERS = scenes("validation-40")
PAIRS = scenes("hard-40")
CHANGES = {
    "nothing": lambda image: image,
    "JPEG of quality 30": lambda image: jpeg(image, 30),
    "half the size": lambda image: image.resize((64, 64)),
    "twice the size": lambda image: image.resize((256, 256)),
    "another shape": lambda image: image.resize((128, 96)),
    "5 % off the right": lambda image: cropped(image, 0.05, left=0.0, top=0.0),
    "5 % off, and a JPEG": lambda image: jpeg(cropped(image, 0.05)),
    "5 % off each of four sides": lambda image: jpeg(cropped(image, 0.10)),
    "10 % off a corner": lambda image: jpeg(cropped(image, 0.10, left=1.0, top=0.0)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_is_found_among_strangers(change: str) -> None:
    known = fingerprint(shown(SOME + STRANGERS, "known"))
    asked = fingerprint(shown([CHANGES[change](image) for image in SOME], "asked"))
    found = copies_between(asked, known)
    assert set(found) <= {(f"asked{n}", f"known{n}") for n in range(40)}
    assert len(found) >= 39


NO_COPIES = {
    "mirrored": ImageOps.mirror,
    "negative": ImageOps.invert,
    "a part of 60 %": lambda image: cropped(image, 0.4),
    "turned": lambda image: image.rotate(90),
    "red and blue exchanged": lambda image: Image.merge("RGB", image.split()[::-1]),
}


@pytest.mark.parametrize("change", NO_COPIES)
def test_what_is_no_copy(change: str) -> None:
    """Two things of different kinds and colours in each picture, so that none is its own mirror image."""
    originals = np.stack([thumbnail(image) for image in PAIRS])
    changed = np.stack([thumbnail(NO_COPIES[change](image)) for image in PAIRS])
    assert copies(changed, originals).sum() == 0


def test_scenes_that_differ_in_one_exchange_are_no_copies() -> None:
    """Each odd scene of `hard` is the one before with two kinds, colours, sizes or sides exchanged."""
    pairs = np.stack([thumbnail(image) for image in PAIRS])
    assert copies(pairs[::2], pairs[1::2]).sum() == 0


def test_a_picture_of_one_colour_is_nobodys_copy() -> None:
    white = np.stack([thumbnail(blank())] * 2)
    assert not copies(white[:1], white[1:]).any()


def test_copies_within_one_set_come_once() -> None:
    found = copies_within(fingerprint(shown([*SOME[:5], jpeg(cropped(SOME[3]))], "p")))
    assert found == (("p3", "p5"),)


def test_equal_contents_and_unreadable_pictures_have_no_part_in_it() -> None:
    def refuse() -> Image.Image:
        raise UnreadableImage("truncated", "cut short")

    twins = [Picture("a", "same", SOME[0].copy), Picture("b", "same", SOME[0].copy)]
    made = fingerprint([*twins, Picture("c", "c", refuse)])
    assert (made.ids, made.unreadable) == (("a",), {"c": "truncated"})
    assert copies_within(made) == ()


def test_nothing_is_a_copy_of_nothing() -> None:
    none, some = fingerprint([]), fingerprint(shown(SOME[:2], "p"))
    assert copies_within(none) == copies_between(none, some) == copies_between(some, none) == ()


def test_vectors_bring_candidates_that_the_hash_overlooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mirante.diagnosis.hashing.NEAR", -1)
    asked, known = fingerprint(shown(SOME[:3], "a")), fingerprint(shown(SOME[:3][::-1], "b"))
    made = Provenance("m", "r", "p")
    rows = np.eye(4, dtype=np.float32)
    vectors = Embeddings(("a0", "a1", "a2"), rows[:3], made), Embeddings(("b2", "b1", "b0"), rows[[0, 1, 3]], made)
    assert copies_between(asked, known) == ()
    assert copies_between(asked, known, vectors) == (("a0", "b2"), ("a1", "b1"))


def test_ids_hang_together_by_pairs() -> None:
    assert groups([("a", "b"), ("c", "d"), ("e", "d"), ("b", "a")]) == (("c", "d", "e"), ("a", "b"))


def test_the_hash_of_a_crop_is_near_to_a_crop_of_the_hash() -> None:
    whole = hashes(np.stack([thumbnail(image) for image in SOME]))
    parts = hashes(np.stack([thumbnail(cropped(image, 0.05, left=0.0, top=1.0)) for image in SOME]))
    assert set(neighbours(parts, whole, most=40)) >= {(n, n) for n in range(40)}
    assert 0 < NEAR < 95, "half of 190 bits differ by chance"


def test_no_picture_is_its_own_neighbour() -> None:
    whole = hashes(np.stack([thumbnail(image) for image in SOME[:3]] * 2))
    assert set(neighbours(whole, whole, most=1, itself=True)) == {(0, 3), (1, 4), (2, 5)}


def test_noise_in_a_grey_picture_leaves_its_hash_alone() -> None:
    ramp = np.linspace(40, 200, 48, dtype=np.float32)[None, :, None].repeat(48, 0).repeat(3, 2)
    noisy = ramp + np.random.default_rng(0).normal(0, 1.5, ramp.shape)
    first, second = hashes(np.stack([ramp, noisy]).round().astype(np.uint8))
    assert sum(int(np.bitwise_count(a ^ b)) for a, b in zip(first[0], second[0], strict=True)) <= 4


def test_registration_finds_scale_and_shift() -> None:
    """A smooth picture, and the same seen from 0.03 on at 0.9 of the scale across, from 0.02 on at 0.95 down."""

    def seen(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return (120 + 60 * np.sin(7 * u + 2 * v) + 40 * np.cos(5 * v - u)).astype(np.float32)

    middle = (np.arange(48) + 0.5) / 48
    whole = seen(middle[None, :], middle[:, None])
    part = seen(0.9 * middle[None, :] + 0.03, 0.95 * middle[:, None] + 0.02)
    start = np.array([IDENTITY], np.float32)
    assert register(part[None], whole[None], start, steps=15)[0] == pytest.approx([0.9, 0.03, 0.95, 0.02], abs=3e-3)


def test_fingerprints_are_kept_in_a_file(tmp_path: Path) -> None:
    made = fingerprint(shown(SOME[:3], "p"))
    made.save(tmp_path / "prints.npz")
    read = Fingerprints.open(tmp_path / "prints.npz")
    assert (read.ids, read.contents) == (made.ids, made.contents)
    assert (read.thumbnails == made.thumbnails).all()
    (tmp_path / "prints.npz").write_bytes(b"no archive")
    with pytest.raises(StoreError, match="delete it"):
        Fingerprints.open(tmp_path / "prints.npz")
