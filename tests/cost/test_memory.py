"""Memory of a step: by hand, tensor by tensor on a real model, and rising with everything that takes it."""

from dataclasses import replace

import pytest
import torch
import transformers

from mirante.cost import memory
from mirante.cost.shapes import Shape, Tower
from mirante.cost.work import Side, work
from mirante.encoders._checkpoint import quiet
from mirante.training import Parameters
from mirante.training.config import Data, LossTerm, Memory, Model, NewModel, TrainConfig

TOWER = Tower(tokens=5, width=8, depth=3, inner=32, heads=2, trained=3)
SHAPE = Shape("siglip", TOWER, TOWER, 8, 10, Parameters(1000, 4000), {(8, 8): 2})
CONFIG = TrainConfig("run", Model(new=NewModel()), Data("scenes"), steps=100, batch=6)


def saved(kind: str, depth: int, *, half: bool) -> int:
    """Bytes that a real image tower keeps for its backward pass, its weights and their copies left out."""
    tower = {"hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": depth, "num_attention_heads": 4}
    words = tower | {"vocab_size": 50, "max_position_embeddings": 8, "bos_token_id": 1, "eos_token_id": 2}
    names = {"clip": ("CLIPConfig", "CLIPModel"), "siglip": ("SiglipConfig", "SiglipModel")}[kind]
    with quiet():
        settings = getattr(transformers, names[0])(
            text_config=words, vision_config=tower | {"image_size": 32, "patch_size": 8}
        )
        module = getattr(transformers, names[1])(settings).train()
    sizes = {one.numel() for one in module.parameters()}
    kept: dict[int, tuple[int, torch.Tensor]] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.nbytes() // tensor.element_size() not in sizes or tensor.ndim > 2:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one), torch.autocast("cpu", enabled=half):
        module.get_image_features(pixel_values=torch.rand(7, 3, 32, 32))
    return sum(size for size, _ in kept.values())


@pytest.mark.parametrize("half", [False, True], ids=["fp32", "bf16"])
@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_a_block_keeps_what_torch_keeps(kind: str, half: bool) -> None:
    """Two blocks more, of 7 pictures of 16 patches (and CLIP's own token); within 1 %."""
    tokens = 17 if kind == "clip" else 16
    tower = Tower(tokens, 64, 3, 192, 4, 3, quick=kind == "clip")
    more = saved(kind, 3, half=half) - saved(kind, 1, half=half)
    assert 2 * 7 * tokens * memory.kept(tower, half=half) == pytest.approx(more, rel=0.01)


def test_activations_by_hand() -> None:
    """Of a token in a block 4·(8·8 + 2·32) + 16 + 4·2 = 536 bytes; beside the blocks twice its 8 numbers."""
    assert memory.kept(TOWER, half=False) == 536
    assert memory.activations(Side(TOWER, 6.0), half=False) == 6 * 5 * (3 * 536 + 2 * 32)
    assert memory.activations(Side(TOWER, 6.0, micro=2), half=False) == 2 * 5 * (3 * 536 + 2 * 32)
    recomputed = Side(TOWER, 6.0, recomputed=True)
    assert memory.activations(recomputed, half=False) == 6 * 5 * (3 * 32 + 536 + 2 * 32)


def test_a_step_by_hand() -> None:
    """On a GPU: 4,000 weights, 1,000 trained, two numbers for each; activations of both towers, and no gradient yet."""
    found = memory.need(CONFIG, SHAPE, work(CONFIG, SHAPE), processor=False, pictures=50)
    activations = 2 * 6 * 5 * (3 * 536 + 2 * 32)
    assert found.parts["weights"] == 16_000
    assert (found.parts["gradients"], found.parts["optimiser"]) == (4000, 8000)
    assert found.parts["activations"] == activations
    assert found.parts["loss"] == 8 * 6 * 6 * 4
    assert found.parts["batch"] == 4 * 3 * 100 * 6
    workspace = 6 * 5 * 4 * (2 * 32 + 2 * 8)
    fixed = memory.CONTEXT + 16_000 + 8000 + 8 * 6 * 6 * 4 + 7200
    assert found.peak == fixed + activations + workspace


def test_where_gradients_outweigh_activations_they_are_the_peak() -> None:
    heavy = replace(SHAPE, parameters=Parameters(10**6, 10**6))
    found = memory.need(CONFIG, heavy, work(CONFIG, heavy), processor=False, pictures=50)
    assert found.peak == pytest.approx(memory.CONTEXT + 16e6, rel=0.001)


def test_muon_remembers_one_number_of_each_matrix() -> None:
    """Two of 8 × 8 among 1,000 trained numbers."""
    muon = replace(CONFIG, optimiser="muon")
    assert memory.optimiser(CONFIG, SHAPE) == 8000
    assert memory.optimiser(muon, SHAPE) == 4 * (2000 - 128)


def peak(config: TrainConfig, shape: Shape = SHAPE, pictures: int = 50) -> int:
    return memory.need(config, shape, work(config, shape), processor=False, pictures=pictures).peak


def test_it_rises_with_the_batch_and_falls_with_what_saves_memory() -> None:
    def of(**memory: object) -> int:
        return peak(replace(CONFIG, batch=4096, memory=Memory(**memory), losses=(LossTerm("sigmoid"),)))  # type: ignore[arg-type]

    assert peak(CONFIG) < peak(replace(CONFIG, batch=12)) < peak(replace(CONFIG, batch=4096))
    assert of() > of(precision="bf16")
    assert of() > of(micro=64) > of(micro=8)
    assert of() > of(checkpointing=True) > of(checkpointing=True, micro=64)


def test_the_table_of_infonce_grows_with_the_square_of_the_batch_and_the_sigmoid_s_does_not() -> None:
    def table(loss: str, batch: int) -> int:
        config = replace(CONFIG, batch=batch, losses=(LossTerm(loss),))
        return memory.table(config, work(config, SHAPE))

    assert table("infonce", 8192) == 4 * table("infonce", 4096)
    assert table("sigmoid", 8192) == 2 * table("sigmoid", 4096)


def test_a_teacher_is_a_second_model() -> None:
    taught = replace(CONFIG, losses=(LossTerm("infonce"), LossTerm("distillation")))
    assert peak(taught) - peak(CONFIG) == 16_000 + 4 * 8 * 50
