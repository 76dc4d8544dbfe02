"""Batches of neighbours: the nearest that are false, found anew every so many steps, the same after a resume."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from mirante import training
from mirante.errors import UsageError
from mirante.training import neighbours
from mirante.training.batches import PairBatches
from mirante.training.config import Data, Hard, Model, NewModel, TrainConfig, Trained
from mirante.training.gradients import Processes
from mirante.training.mining import Mining, check
from mirante.training.neighbours import nearest
from mirante.types import Caption, Pairs, Picture

CONFIG = TrainConfig("", Model(), Data("x"), hard=Hard(every=10, neighbours=2, direction="text_to_image", ceiling=1.0))


def at(*degrees):
    """Unit rows at those angles: the cosine of two is that of the degrees between them."""
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float32))
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def cosine(degrees):
    return float(np.cos(np.deg2rad(degrees)))


def found(anchor, images, texts, *, direction="text_to_image", true=(), ceiling=1.0, count=3):
    truth = {anchor: [anchor, *true]}
    rows = nearest(
        at(*images),
        at(*texts),
        torch.tensor([anchor]),
        count=count,
        direction=direction,
        truth=lambda number: np.array(truth[number]),
        ceiling=ceiling,
    )
    return rows.tolist()[0]


IMAGES, TEXTS = (0, 20, 40, 90), (5, 50, 30, 80)


def test_pictures_near_a_text():
    """The text at 5° is 15°, 35° and 85° from pictures 1, 2 and 3."""
    assert found(0, IMAGES, TEXTS) == [1, 2, 3]


def test_texts_near_a_picture():
    """The picture at 0° is 50°, 30° and 80° from the texts of 1, 2 and 3."""
    assert found(0, IMAGES, TEXTS, direction="image_to_text") == [2, 1, 3]


@pytest.mark.parametrize("direction", ["text_to_image", "image_to_text"])
def test_what_is_true_is_no_negative_however_near(direction):
    assert 2 not in found(0, IMAGES, TEXTS, direction=direction, true=[2])
    assert found(0, IMAGES, TEXTS, direction=direction, true=[1, 2]) == [3, -1, -1]


@pytest.mark.parametrize("direction", ["text_to_image", "image_to_text"])
def test_a_picture_more_alike_than_the_ceiling_is_taken_for_the_same(direction):
    """Picture 1 is 20° from picture 0; no two texts are as near."""
    assert 1 not in found(0, IMAGES, TEXTS, direction=direction, ceiling=cosine(21))
    assert 1 in found(0, IMAGES, TEXTS, direction=direction, ceiling=cosine(19))


@pytest.mark.parametrize("direction", ["text_to_image", "image_to_text"])
def test_a_text_more_alike_than_the_ceiling_is_taken_for_the_same(direction):
    """Text 1 is 10° from text 0, the pictures are 60° and more apart."""
    images, texts = (0, 60, 120), (30, 40, 90)
    assert found(0, images, texts, direction=direction, ceiling=cosine(11)) == [2, -1, -1]
    assert found(0, images, texts, direction=direction, ceiling=cosine(9)) == [1, 2, -1]


def test_fewer_neighbours_than_there_are(monkeypatch):
    assert found(0, IMAGES, TEXTS, count=2) == [1, 2]


def plain(images, texts, anchors, *, count, truth, ceiling):
    """Text to image, one anchor and one picture at a time."""
    answers = []
    for anchor in anchors:
        scores = {
            other: float(texts[anchor] @ images[other])
            for other in range(len(images))
            if other not in truth(anchor)
            and float(images[anchor] @ images[other]) <= ceiling
            and float(texts[anchor] @ texts[other]) <= ceiling
        }
        best = sorted(scores, key=scores.get, reverse=True)[:count]
        answers.append(best + [-1] * (count - len(best)))
    return answers


@pytest.mark.parametrize("cells", [1, 100, 1 << 24])
def test_blocks_of_any_size_find_what_a_plain_search_finds(monkeypatch, cells):
    monkeypatch.setattr(neighbours, "_CELLS", cells)
    generator = torch.Generator().manual_seed(3)
    images, texts = (torch.nn.functional.normalize(torch.randn(40, 4, generator=generator), dim=1) for _ in range(2))

    def truth(number):
        return np.array([number, (number + 1) % 40, (number * 7) % 40])

    asked = {"count": 5, "truth": truth, "ceiling": 0.6}
    anchors = torch.arange(3, 37)
    rows = nearest(images, texts, anchors, direction="text_to_image", **asked)
    assert rows.tolist() == plain(images, texts, anchors.tolist(), **asked)


class Angles:
    """An encoder whose rows lie at given angles: a picture is its number, a text ends with its own."""

    device = torch.device("cpu")

    def __init__(self, images, texts):
        self.module, self.images, self.texts, self.modes = torch.nn.Linear(1, 1), images, texts, []

    def image_features(self, pixels):
        self.modes.append((self.module.training, torch.is_grad_enabled()))
        return at(*[self.images[number] for number in pixels.tolist()])

    def tokens(self, texts):
        return {"input_ids": torch.tensor([[int(text.split()[-1])] for text in texts])}

    def text_features(self, tokens):
        return at(*[self.texts[number] for number in tokens["input_ids"][:, 0].tolist()])


class Numbers:
    """Pictures whose pixels are their number."""

    def batch(self, rows):
        return torch.from_numpy(np.asarray(rows))


def batches(*captions):
    """A picture for each text or list of texts."""
    told = [one if isinstance(one, list) else [one] for one in captions]
    pictures = tuple(Picture(f"p{n}", f"content {n}", load=lambda: None) for n in range(len(told)))
    all_told = {f"p{n}#{m}": (text, f"p{n}") for n, texts in enumerate(told) for m, text in enumerate(texts)}
    pairs = Pairs(
        pictures,
        tuple(Caption(one, text) for one, (text, _) in all_told.items()),
        {one: frozenset((image,)) for one, (_, image) in all_told.items()},
    )
    return PairBatches(pairs.sharing_equal_captions())


def mining(given, *, seed=0, trained=Trained(), processes=Processes(), **hard):  # noqa: B008 - frozen
    config = replace(CONFIG, hard=replace(CONFIG.hard, **hard), seed=seed, trained=trained)
    return Mining(config, given, Numbers(), processes=processes)


PAIRS_AT = (0, 10, 100, 110, 200, 210, 300, 310)
"""Eight pictures of which each two are neighbours: 0 and 1, 2 and 3, 4 and 5, 6 and 7."""
EIGHT = batches(*(f"text {n}" for n in range(8)))


def groups(batch):
    rows = batch.rows.tolist()
    return {frozenset(rows[at : at + 2]) for at in range(0, len(rows), 2)}


def test_a_batch_is_made_of_pictures_and_their_neighbours():
    mined = mining(EIGHT)
    mined.search(Angles(PAIRS_AT, PAIRS_AT), 0)
    whole = {frozenset(pair) for pair in ((0, 1), (2, 3), (4, 5), (6, 7))}
    drawn = [mined.draw(step, 2, seed=0) for step in range(8)]
    assert [groups(batch) <= whole for batch in drawn] == [True] * 8
    assert {int(batch.rows[0]) for batch in drawn} == set(range(8))  # every picture is searched from once in a pass
    assert drawn[0].texts == tuple(f"text {row}" for row in drawn[0].rows)
    assert drawn[0].positives.tolist() == [[True, False], [False, True]]


def test_equal_captions_are_no_negatives_of_each_other():
    """Picture 1 is nearest to 0 but has its text; picture 2 comes next."""
    mined = mining(batches("untitled 0", "Untitled 0", "text 2", "text 3"))
    mined.search(Angles((0, 10, 20, 180), {0: 0, 2: 20, 3: 180}), 0)
    assert {frozenset(mined.draw(step, 2, seed=0).rows.tolist()) for step in range(4)} == {
        frozenset((0, 2)), frozenset((1, 2)), frozenset((2, 1)), frozenset((3, 2)),
    }  # fmt: skip


def test_a_caption_that_another_picture_has_too_makes_them_no_negatives():
    """Whichever of its two captions picture 0 is searched with, picture 1 has one of them."""
    for seed in range(6):
        mined = mining(batches(["text 0", "text 1"], "text 1", "text 2"), seed=seed)
        mined.search(Angles((0, 10, 90), (0, 10, 90)), 0)
        partner = {int(rows[0]): int(rows[1]) for rows in (mined.draw(step, 2, seed=0).rows for step in range(3))}
        assert partner[0] == 2
        assert partner[1] == 2


def test_a_vague_caption_that_two_share_does_not_keep_them_apart():
    """Pictures 0 and 1 are a minimal pair: each has a text of its own, and both have text 4."""
    mined = mining(batches(["text 0", "text 4"], ["text 1", "text 4"], "text 2", "text 3"))
    mined.search(Angles((0, 10, 90, 100), (0, 10, 90, 100, 5)), 0)
    partner = {int(rows[0]): int(rows[1]) for rows in (mined.draw(step, 2, seed=0).rows for step in range(4))}
    assert partner == {0: 1, 1: 0, 2: 3, 3: 2}


def test_near_duplicates_are_no_negatives():
    mined = mining(EIGHT, ceiling=cosine(11))
    mined.search(Angles(PAIRS_AT, PAIRS_AT), 0)
    together = set().union(*(groups(mined.draw(step, 2, seed=0)) for step in range(8)))
    assert together.isdisjoint({frozenset(pair) for pair in ((0, 1), (2, 3), (4, 5), (6, 7))})


def partners(mined):
    """Who comes with whom, over one pass."""
    return {int(a): int(b) for a, b in (mined.draw(step, 2, seed=0).rows for step in range(len(mined.pictures)))}


THREE = batches("text 0", "text 1", "text 2")
TO_IMAGE, TO_TEXT = {0: 1, 1: 0, 2: 1}, {0: 2, 1: 0, 2: 0}


@pytest.mark.parametrize(("direction", "wanted"), [("text_to_image", TO_IMAGE), ("image_to_text", TO_TEXT)])
def test_the_direction_says_whose_neighbours(direction, wanted):
    """Texts at 0°, 40°, 70°; pictures at 5°, 35°, 80°: hand-computed below.

    From text 0 (0°): picture 1 (35°) before 2 (80°). From text 1 (40°): 0 (35° away) before 2 (40°). From text 2
    (70°): 1 (35°) before 0 (65°).
    """
    mined = mining(THREE, direction=direction)
    encoder = Angles((5, 35, 80), (0, 40, 70))
    if direction == "image_to_text":
        # From picture 0 (20°): text 2 (10°) before 1 (90°). From 1 (60°): 0 (10° away: 50°). From 2 (45°): 0 (5°).
        encoder = Angles((20, 60, 45), (50, 90, 10))
    mined.search(encoder, 0)
    assert partners(mined) == wanted


def test_both_directions_take_turns_between_pictures_and_between_searches():
    """Each picture's nearest picture is the next one, and its nearest text that of the one before."""
    images, texts = (0, 120, 240), (110, 230, 350)
    by_image, by_text = {0: 1, 1: 2, 2: 0}, {0: 2, 1: 0, 2: 1}
    for direction, wanted in (("text_to_image", by_image), ("image_to_text", by_text)):
        mined = mining(THREE, direction=direction)
        mined.search(Angles(images, texts), 0)
        assert partners(mined) == wanted
    mined = mining(THREE, direction="both")
    mined.search(Angles(images, texts), 0)
    assert partners(mined) == {0: 1, 1: 0, 2: 0}
    mined.search(Angles(images, texts), 10)
    assert partners(mined) == {0: 2, 1: 2, 2: 1}


OTHER_AT = (0, 100, 10, 110, 200, 300, 210, 310)
"""Now 0 and 2, 1 and 3, 4 and 6, 5 and 7 are neighbours."""


def test_neighbours_are_found_anew_every_so_many_steps():
    mined, encoder = mining(EIGHT, every=10), Angles(PAIRS_AT, PAIRS_AT)
    mined.search(encoder, 0)
    before = partners(mined)
    encoder.images = encoder.texts = OTHER_AT
    mined.search(encoder, 9)
    assert partners(mined) == before == {0: 1, 1: 0, 2: 3, 3: 2, 4: 5, 5: 4, 6: 7, 7: 6}
    mined.search(encoder, 10)
    assert partners(mined) == {0: 2, 2: 0, 1: 3, 3: 1, 4: 6, 6: 4, 5: 7, 7: 5}


def test_a_resumed_run_draws_what_the_undisturbed_one_does():
    """It goes on at step 15 with the model as it then is, but with the neighbours found at step 10."""
    mined, encoder = mining(EIGHT, every=10), Angles(PAIRS_AT, PAIRS_AT)
    mined.search(encoder, 10)
    kept = mined.tensors()
    resumed, changed = mining(EIGHT, every=10), Angles(OTHER_AT, OTHER_AT)
    resumed.restore(kept)
    resumed.search(changed, 15)
    assert changed.modes == []
    for step in (15, 16):
        one, same = mined.draw(step, 4, seed=1), resumed.draw(step, 4, seed=1)
        assert (one.rows.tolist(), one.texts) == (same.rows.tolist(), same.texts)
    resumed.search(changed, 20)
    assert partners(resumed)[0] == 2


def test_a_batch_is_as_large_as_asked_and_holds_nobody_twice():
    """Everybody's neighbour is picture 0, so that groups overlap."""
    mined = mining(EIGHT)
    mined._table[:] = 0
    for step in range(8):
        rows = mined.draw(step, 6, seed=0).rows.tolist()
        assert len(rows) == len(set(rows)) == 6
        assert 0 in rows


@pytest.mark.parametrize(("size", "drawn"), [(3, 3), (8, 8), (100, 8)])
def test_sizes_that_are_no_multiple_of_a_group_or_more_than_the_data(size, drawn):
    mined = mining(EIGHT)
    mined.search(Angles(PAIRS_AT, PAIRS_AT), 0)
    rows = mined.draw(3, size, seed=0).rows.tolist()
    assert len(rows) == len(set(rows)) == drawn


def test_the_step_and_the_seed_decide_the_batch():
    mined = mining(EIGHT)
    mined.search(Angles(PAIRS_AT, PAIRS_AT), 0)
    rows = {(step, seed): tuple(mined.draw(step, 4, seed=seed).rows) for step in (0, 1) for seed in (0, 1)}
    assert rows[0, 0] == tuple(mined.draw(0, 4, seed=0).rows)
    assert len(set(rows.values())) == 4


def test_the_search_is_without_gradient_in_evaluation_mode_and_leaves_the_mode_as_it_was():
    mined, encoder = mining(EIGHT), Angles(PAIRS_AT, PAIRS_AT)
    encoder.module.train()
    mined.search(encoder, 0)
    assert encoder.modes == [(False, False)]
    assert encoder.module.training


def test_a_locked_image_tower_sees_every_picture_once():
    encoder = Angles(PAIRS_AT, PAIRS_AT)
    mined = mining(EIGHT, trained=Trained(image="none"))
    for step in (0, 10, 20):
        mined.search(encoder, step)
    assert len(encoder.modes) == 1


class Together(Processes):
    """Two processes played by two threads, which meet wherever rows are gathered."""

    meeting, table = threading.Barrier(2), {}

    def gather(self, rows, length):
        self.table[self.rank] = rows
        self.meeting.wait(20)
        whole = torch.cat([self.table[0], self.table[1]])
        self.meeting.wait(20)
        assert len(whole) == length
        return whole


@pytest.mark.parametrize("direction", ["text_to_image", "both"])
def test_processes_share_the_search_and_agree(direction):
    images, texts = (0, 25, 70, 130, 190, 200, 280), (10, 40, 60, 150, 170, 230, 290)
    seven = batches(*(f"text {n}" for n in range(7)))
    alone = mining(seven, direction=direction, neighbours=3)
    alone.search(Angles(images, texts), 0)
    both = [mining(seven, direction=direction, neighbours=3, processes=Together(rank, 2)) for rank in (0, 1)]
    threads = [threading.Thread(target=one.search, args=(Angles(images, texts), 0)) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for one in both:
        assert one.tensors()["mining.table"].tolist() == alone.tensors()["mining.table"].tolist()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"neighbours": 1}, r"hard.neighbours must lie between 2 and batch \(128\), not 1"),
        ({"neighbours": 129}, "not 129"),
        ({"every": 0}, "hard.every must be at least 1 step, not 0"),
        ({"ceiling": 1.5}, "hard.ceiling is a cosine, at most 1.*not 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(changed, message):
    with pytest.raises(UsageError, match=message):
        check(replace(CONFIG, hard=replace(CONFIG.hard, **changed)))


def test_partial_captions_have_hard_negatives_of_their_own(tmp_path):
    config = replace(CONFIG, out=str(tmp_path), steps=1, data=Data("scenes:train-8", captions="partial", language="en"))
    with pytest.raises(UsageError, match=r'\[hard\] needs captions = "given", not \'partial\''):
        training.train(config)


def test_without_hard_there_is_nothing_to_check():
    check(replace(CONFIG, hard=None, data=Data("scenes:train-8", captions="partial")))


def stopping_at(end):
    """A search that is interrupted at that step."""
    whole = Mining.search

    def search(self, encoder, step):
        if step == end:
            raise KeyboardInterrupt
        whole(self, encoder, step)

    return search


@pytest.fixture
def photos(tmp_path):
    """A table of twelve pictures of noise, the sixth of which cannot be read."""
    for number in range(12):
        noise = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
    (tmp_path / "5.png").write_bytes((tmp_path / "5.png").read_bytes()[:60])
    lines = [f"{number}.png,a picture of number {number}" for number in range(12)]
    (tmp_path / "photos.csv").write_text("\n".join(["image,caption", *lines]), encoding="utf-8")
    return str(tmp_path / "photos.csv")


def test_a_run_that_was_cut_off_ends_as_the_undisturbed_one(photos, tmp_path, monkeypatch, one_thread):
    """Searches at steps 0, 2 and 4; the state is of step 3, between two of them."""
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    small = NewModel(
        image_size=16, patch_size=8, width=16, image_depth=1, text_depth=1, head_width=8, text_length=8, vocabulary=120
    )
    plain = {"steps": 5, "batch": 6, "warmup": 1, "save_every": 3, "hard": Hard(every=2, neighbours=3)}
    config = TrainConfig(str(tmp_path / "whole"), Model(new=small), Data(photos, hold_out=0.1), **plain)
    whole = training.train(config)
    cut = replace(config, out=str(tmp_path / "cut"))
    with monkeypatch.context() as patch:
        patch.setattr(Mining, "search", stopping_at(4))
        with pytest.raises(KeyboardInterrupt):
            training.train(cut)
    resumed = training.train(cut)
    assert (whole.steps, resumed.steps, resumed.resumed) == (5, 5, 3)
    one, same = (load_file(done.checkpoint / "model.safetensors") for done in (whole, resumed))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert whole.unreadable == {"5": "truncated"}
    assert whole.after.target.protocol.gallery == 2
