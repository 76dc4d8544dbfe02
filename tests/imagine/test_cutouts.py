"""Views of a picture: the first is whole, none is mirrored, all lie within it."""

import pytest
import torch

from mirante.errors import UsageError
from mirante.imagine.cutouts import Cutouts

PLAIN = {"turn": 0.0, "tint": 0.0, "noise": 0.0}


def chance() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_first_view_is_the_whole_picture() -> None:
    picture = torch.rand(1, 3, 12, 12)
    views = Cutouts(5, 0.5, 20.0, tint=0, noise=0).views(picture, (12, 12), chance())
    assert views.shape == (5, 3, 12, 12)
    assert torch.allclose(views[0], picture[0], atol=1e-5)
    assert all(not torch.allclose(view, picture[0], atol=0.05) for view in views[1:])


def test_views_as_large_as_the_picture_are_the_picture() -> None:
    picture = torch.rand(1, 3, 10, 10)
    views = Cutouts(3, 1.0, **PLAIN).views(picture, (10, 10), chance())
    assert torch.allclose(views, picture.expand(3, -1, -1, -1), atol=1e-5)


def test_smaller_views_show_smaller_parts_and_left_stays_left() -> None:
    across = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    views = Cutouts(40, 0.5, **PLAIN).views(across, (64, 64), chance())
    spans = views[:, 0, 0, -1] - views[:, 0, 0, 0]
    assert float(spans.min()) > 0.45
    assert float(spans[1:].min()) < 0.6
    assert float(spans[1:].max()) > 0.9
    assert float(spans.max()) < 1.01


def test_large_pictures_are_filtered_before_they_are_sampled() -> None:
    stripes = (torch.arange(256) % 3 == 0).float()
    views = Cutouts(1, 1.0, **PLAIN).views(stripes.expand(1, 3, 256, 256), (16, 16), chance())
    assert views.sub(1 / 3).abs().max() < 0.1


def test_views_change_in_tone_and_keep_a_gradient() -> None:
    picture = torch.full((1, 3, 8, 8), 0.5, requires_grad=True)
    views = Cutouts(8, tint=0.2, noise=0.0).views(picture, (8, 8), chance())
    means = views.detach().mean(dim=(2, 3))
    assert float(means.min()) >= 0.5 - 0.2 * 1.2 / 2 - 1e-5
    assert float(means.std()) > 0.01
    views.sum().backward()
    assert float(picture.grad.abs().min()) > 0


@pytest.mark.parametrize(("count", "smallest"), [(0, 0.5), (4, 0.0), (4, 1.5)])
def test_impossible_views_are_refused(count: int, smallest: float) -> None:
    with pytest.raises(UsageError, match="count of 1 or more"):
        Cutouts(count, smallest)
