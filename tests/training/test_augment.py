"""Changed views: a part of the picture, a little more or less contrast; a text without a few of its words."""

import pytest
import torch

from mirante.training import augment


def slopes(count, side=32):
    """Pictures that say where one is: channel 0 grows to the right, channel 1 downwards, channel 2 is 1 everywhere."""
    line = torch.linspace(-1 + 1 / side, 1 - 1 / side, side)
    one = torch.stack([line.expand(side, side), line[:, None].expand(side, side), torch.ones(side, side)])
    return one.expand(count, -1, -1, -1)


@pytest.fixture
def views():
    """500 views of one picture, and the contrast of each, read off the even channel."""
    torch.manual_seed(0)
    seen = augment.picture(slopes(500))
    return seen / seen[:, 2:, :1, :1], seen[:, 2, 0, 0]


def test_the_shape_and_the_kind_stay():
    pixels = torch.randn(3, 3, 24, 24)
    assert augment.picture(pixels).shape == pixels.shape
    assert augment.picture(pixels).dtype == pixels.dtype


def test_a_view_is_60_to_100_percent_of_the_area(views):
    """The share of the side is how steep the slope still is; 16 of 32 pixels in the middle would climb by 1."""
    seen, _ = views
    across = seen[:, 0, 16, 24] - seen[:, 0, 16, 8]
    down = seen[:, 1, 24, 16] - seen[:, 1, 8, 16]
    area = across * down
    assert torch.allclose(across, down, atol=1e-3), "the shape of things stays"
    assert 0.59 < area.min() < 0.62
    assert 0.98 < area.max() < 1.01


def test_nothing_outside_of_the_picture_is_seen_and_all_of_it_in_turn(views):
    seen, _ = views
    assert seen[:, :2].abs().max() <= 1 - 1 / 32 + 1e-5
    for channel in (0, 1):
        assert seen[:, channel].amax(dim=(1, 2)).max() > 0.95
        assert seen[:, channel].amin(dim=(1, 2)).min() < -0.95


def test_left_stays_left_and_up_stays_up(views):
    seen, _ = views
    assert (seen[:, 0].diff(dim=2) > -1e-5).all()
    assert (seen[:, 1].diff(dim=1) > -1e-5).all()


def test_the_contrast_changes_by_a_fifth_at_most_and_for_all_colours_alike(views):
    seen, contrast = views
    assert 0.8 <= contrast.min() < 0.82
    assert 1.18 < contrast.max() <= 1.2
    assert torch.allclose(seen[:, 2], torch.ones(()), atol=1e-4)


def test_each_picture_has_its_own_change(views):
    seen, contrast = views
    assert len(contrast.unique()) > 450
    assert len(seen[:, 0, 0, 0].unique()) > 450


def test_one_seed_gives_the_same_view_again():
    pixels = torch.randn(2, 3, 16, 16)
    views = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        views.append((augment.picture(pixels), augment.text("a red star over a small blue boat at sea")))
    assert torch.equal(views[0][0], views[1][0])
    assert views[0][1] == views[1][1]
    assert not torch.equal(views[0][0], views[2][0])


def test_about_one_word_in_seven_is_left_out_and_the_order_stays():
    torch.manual_seed(0)
    words = [str(number) for number in range(20)]
    kept = [[int(word) for word in augment.text(" ".join(words)).split()] for _ in range(300)]
    assert all(one == sorted(set(one)) for one in kept)
    left_out = 1 - sum(map(len, kept)) / (300 * 20)
    assert left_out == pytest.approx(0.15, abs=0.02)
    assert {word for one in kept for word in one} == set(range(20))


@pytest.mark.parametrize("told", ["", "estrela", "duas estrelas"])
def test_no_text_is_emptied(told):
    torch.manual_seed(0)
    for _ in range(200):
        changed = augment.text(told)
        assert bool(changed) == bool(told)
        assert set(changed.split()) <= set(told.split())
