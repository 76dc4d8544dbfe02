"""The way from noise to a picture that a guide takes for the prompts."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mirante.errors import UsageError
from mirante.imagine.cutouts import Cutouts
from mirante.imagine.guide import Aims, Guide
from mirante.imagine.parametrisations import Parametrisation
from mirante.progress import track


@dataclass(frozen=True)
class Steps:
    """How a picture is optimised.

    Args:
        count: steps of Adam.
        rate: learning rate; None for what suits the parametrisation. It falls to a tenth along a cosine.
        smooth: weight of the total variation, which keeps neighbouring pixels alike.
        cutouts: how the picture is looked at.
        preview_every: steps from one preview to the next; the last step always has one.
    """

    count: int = 200
    rate: float | None = None
    smooth: float = 0.0
    cutouts: Cutouts = field(default_factory=Cutouts)
    preview_every: int = 20

    def __post_init__(self) -> None:
        if self.count < 1 or self.preview_every < 1:
            raise UsageError(
                f"A picture needs 1 step or more and a preview every 1 or more, not {self.count} and "
                f"{self.preview_every}: change them."
            )


@dataclass(frozen=True)
class Preview:
    """The picture on its way.

    Args:
        step: how many steps made it.
        distance: the guide's, of that step's views.
        rgb: (3, H, W) on the processor, values from 0 to 1.
    """

    step: int
    distance: float
    rgb: Tensor


def optimise(
    drawn: Parametrisation, guide: Guide, aims: Aims, *, steps: Steps = Steps(), seed: int = 0, label: str = ""
) -> Iterator[Preview]:
    """Draw `drawn` towards `aims` and yield previews, the last one of the finished picture.

    Args:
        drawn: the picture's parametrisation; it is changed.
        guide: what judges the views.
        aims: the prompts, as the guide sees them.
        steps: how.
        seed: of the views.
        label: of the progress.
    """
    chance = torch.Generator().manual_seed(seed)
    adam = torch.optim.Adam(drawn.parameters(), lr=drawn.rate if steps.rate is None else steps.rate)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps.count, eta_min=adam.param_groups[0]["lr"] / 10)
    distances: list[float] = []
    numbers = range(1, steps.count + 1)
    for step in track(numbers, label, total=steps.count, unit="steps", note=lambda: f"{distances[-1]:.3f}"):
        adam.zero_grad()
        picture = drawn.picture()
        far = aims.distance(guide.features(steps.cutouts.views(picture, guide.sides, chance))).mean()
        loss = far + steps.smooth * total_variation(picture) if steps.smooth else far
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        slower.step()
        drawn.settle()
        distances.append(float(far.detach()))
        if step % steps.preview_every == 0 or step == steps.count:
            with torch.no_grad():
                yield Preview(step, distances[-1], drawn.picture()[0].float().cpu())


def total_variation(picture: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring values, down and across: (B, 3, H, W) → scalar."""
    down, across = picture.diff(dim=-2).abs().mean(), picture.diff(dim=-1).abs().mean()
    return down + across
