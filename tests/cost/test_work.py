"""Operations of a step: worked out by hand, and counted by torch on a real model."""

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mirante import encoders
from mirante.cost.shapes import Tower, shape
from mirante.cost.work import Side, forward, work
from mirante.encoders import _tiny
from mirante.training.config import Data, Lora, LossTerm, Memory, Model, TrainConfig, Trained

TOWER = Tower(tokens=10, width=4, depth=2, inner=16, heads=2, trained=2, products=100.0)
"""A block: 10 · (4·4² + 2·4·16) products in matrices and 2·10²·4 in attention, 2,720 in all; twice, and 100 outside."""


def test_a_pass_by_hand() -> None:
    assert forward(TOWER) == 2 * (2 * 2720 + 100)


@pytest.mark.parametrize(
    ("changed", "passes"),
    [
        ({}, 3),  # forward, and the gradients of activations and of weights
        ({"light": True}, 2),  # adapters: no gradient of the frozen weights
        ({"micro": 3}, 4),  # each item once more, without a graph
        ({"micro": 8}, 3),
        ({"learns": False}, 1),
        ({"views": 2}, 6),
        ({"extra": 1}, 4),
    ],
)
def test_how_often_a_tower_is_passed(changed: dict[str, int], passes: int) -> None:
    assert Side(TOWER, 8.0, **changed).operations() == 8 * passes * forward(TOWER)  # type: ignore[arg-type]


def test_recomputing_costs_the_blocks_once_more() -> None:
    assert Side(TOWER, 8.0, recomputed=True).operations() == 8 * (3 * forward(TOWER) + 2 * 2 * 2720)


def test_a_locked_image_tower_sees_every_picture_once() -> None:
    config = TrainConfig("run", Model(start="scenes"), Data("scenes"), trained=Trained(image="none"), steps=9, batch=8)
    found = work(config, shape(config))
    assert found.images.operations() == 0
    assert found.locked(100) == 100 * forward(shape(config).image)


def test_a_teacher_and_other_views_are_seen_too() -> None:
    losses = (LossTerm("distillation"), LossTerm("selfsupervision"))
    config = TrainConfig("run", Model(start="scenes"), Data("scenes"), losses=losses, steps=9, batch=8)
    found = work(config, shape(config))
    assert (found.images.views, found.texts.views, found.texts.extra, found.once) == (2, 2, 1, 1)


def test_dropped_patches_are_not_computed() -> None:
    """36 patches of a SigLIP, three quarters left out."""
    config = TrainConfig("run", Model(start="scenes"), Data("scenes"), drop_patches=0.75, steps=9)
    assert work(config, shape(config)).images.tower.tokens == 9


@pytest.mark.parametrize("kind", ["clip", "siglip"])
@pytest.mark.parametrize("trained", [Trained(), Trained(lora=Lora(rank=1))], ids=["weights", "adapters"])
def test_torch_counts_the_same_in_a_real_step(kind: str, trained: Trained, tmp_path: Path) -> None:
    """Adapters of rank 1 and the first and last layers cost a little more or less: within 15 %."""
    from mirante.training import parts

    getattr(_tiny, kind)(tmp_path)
    config = TrainConfig("run", Model(start=str(tmp_path)), Data("scenes"), trained=trained, steps=1, batch=4)
    told = work(config, shape(config))
    encoder = encoders.load(str(tmp_path), encoders.Settings(device="cpu"))
    parts.choose(encoder, trained)  # type: ignore[arg-type]
    module = encoder.module  # type: ignore[attr-defined]
    module.set_attn_implementation("eager")  # whose products torch counts
    tokens = torch.full((4, module.config.text_config.max_position_embeddings), 5)
    counter = FlopCounterMode(display=False)
    with counter:
        images = module.get_image_features(pixel_values=torch.rand(4, 3, 32, 32)).pooler_output
        texts = module.get_text_features(input_ids=tokens).pooler_output
        (images.sum() + texts.sum()).backward()
    assert told.step() == pytest.approx(counter.get_total_flops(), rel=0.15)


def test_memory_saved_by_pieces_is_paid_in_work() -> None:
    def step(**memory: object) -> float:
        config = TrainConfig(
            "run",
            Model(start="scenes"),
            Data("scenes"),
            memory=Memory(**memory),
            steps=1,
            batch=64,  # type: ignore[arg-type]
        )
        return work(config, shape(config)).step()

    assert step() < step(micro=16) < step(micro=16, checkpointing=True)
    assert step(micro=16) == pytest.approx(4 / 3 * step())
