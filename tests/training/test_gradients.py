"""The gradient of a batch in chunks is that of the whole batch in one graph; the oracle is that one graph."""

import copy
import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from mirante.batch import Batch
from mirante.training import views
from mirante.training.config import Data, LossTerm, Model, NewModel, TrainConfig, Trained
from mirante.training.gradients import Gradients, Processes, recompute_activations
from mirante.training.objective import Objective
from mirante.training.optimisers import Stepper
from mirante.training.start import open_model
from mirante.training.state import Scale

INFONCE, SIGMOID = (LossTerm("infonce"),), (LossTerm("sigmoid"),)
TEXTS = ("um cão azul", "two yellow stars at night", "three fish", "a red square", "dois peixes")
BATCH = Batch(
    np.array([4, 0, 6, 2, 9, 3, 7]),
    TEXTS,
    np.array([[0, 0], [0, 3], [1, 1], [2, 2], [2, 5], [3, 4], [4, 2]]),
    np.array(["full", "full", "noun", "full", "partial"]),
)
"""Seven pictures and five texts: one picture has no text, one has two, two texts have two pictures."""


class Pixels:
    """Ten pictures of noise."""

    def __init__(self, side, count=10):
        self.all = torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(5))

    def __len__(self):
        return len(self.all)

    def batch(self, rows):
        return self.all[rows]


def config(**changed):
    return TrainConfig("", Model(), Data("none"), **changed)


def sides(encoder, losses, autocast=nullcontext, **changed):
    """The objective and the views of a configuration with these losses."""
    encoder.module.train()
    objective = Objective(losses, encoder.module)
    made = views.make(objective.views, config(losses=losses, **changed), encoder, Pixels(32), autocast)
    encoder.module.train()
    return objective, made


def gradients_of(encoder, objective):
    named = [*encoder.module.named_parameters(), *objective.named_parameters()]
    return {name: value.grad.clone() for name, value in named if value.grad is not None}


def forget(encoder, objective):
    encoder.module.zero_grad()
    objective.zero_grad()


def one_graph(encoder, objective, pixels=None):
    """The oracle: both towers, the loss, one backward."""
    forget(encoder, objective)
    images = encoder.image_features((pixels or Pixels(32)).batch(BATCH.rows))
    texts = encoder.text_features(encoder.tokens(BATCH.texts))
    loss = objective({"images": normalize(images, dim=-1), "texts": normalize(texts, dim=-1)}, BATCH)
    loss.backward()
    return loss.item(), gradients_of(encoder, objective)


def in_chunks(encoder, objective, made, micro, **more):
    forget(encoder, objective)
    loss = Gradients(made, objective, micro, **more).backward(BATCH, (3, 8)).item()
    return loss, gradients_of(encoder, objective)


def same(found, expected, tolerance=1e-5):
    """Losses agree, and each parameter's gradient to a share of its largest entry."""
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert found[1].keys() == expected[1].keys()
    largest = max(value.abs().max().item() for value in expected[1].values())
    for name, value in expected[1].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-3, atol=tolerance * largest, msg=name)


@pytest.fixture
def encoder(tiny):
    """A copy that a test may change."""
    own = copy.copy(tiny)
    own.module = copy.deepcopy(tiny.module)
    return own


@pytest.mark.parametrize("losses", [INFONCE, SIGMOID, INFONCE + SIGMOID], ids=["infonce", "sigmoid", "both"])
@pytest.mark.parametrize("micro", [0, 1, 2, 3, 5, 6, 7, 100])
def test_chunks_of_any_size_give_the_gradient_of_one_graph(encoder, micro, losses):
    objective, made = sides(encoder, losses)
    expected = one_graph(encoder, objective)
    assert len(expected[1]) > 40
    same(in_chunks(encoder, objective, made, micro), expected)


@pytest.mark.parametrize("micro", [0, 2])
def test_the_loss_alone_is_that_of_the_gradient_and_leaves_nothing_behind(encoder, micro):
    """Neighbours keep a queue of texts; only a step may add to it."""
    objective, made = sides(encoder, (LossTerm("infonce"), LossTerm("neighbours")))
    gradients = Gradients(made, objective, micro)
    gradients.backward(BATCH, (3, 7))
    forget(encoder, objective)
    before = {name: value.clone() for name, value in objective.state_dict().items()}
    assert len(before["parts.1.queue"]) == len(TEXTS)
    alone = gradients.loss(BATCH, (3, 8))
    assert not alone.requires_grad
    assert gradients_of(encoder, objective) == {}
    assert objective.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in objective.state_dict().items())
    assert alone.item() == pytest.approx(gradients.backward(BATCH, (3, 8)).item(), rel=1e-5)
    assert len(objective.state_dict()["parts.1.queue"]) == 2 * len(TEXTS)


def with_dropout(module, share):
    for part in module.modules():
        if isinstance(getattr(part, "dropout", None), float):
            part.dropout = share


def recorded(made, calls):
    """The same views; `calls` notes of each call the side, the part and torch's random state."""

    def noted(name, encode, part):
        calls.append((name, part, torch.get_rng_state()))
        return encode(part)

    return {name: replace(view, encode=partial(noted, name, view.encode)) for name, view in made.items()}


VIEWS = (LossTerm("infonce"), LossTerm("selfsupervision", 0.5), LossTerm("distillation", 0.5))


@pytest.mark.parametrize("micro", [0, 1, 3, 4])
def test_dropped_patches_dropout_and_changed_views_are_the_same_in_both_passes(encoder, micro):
    """The oracle encodes in one graph what the first pass encoded, from the same random states."""
    with_dropout(encoder.module, 0.3)
    objective, made = sides(encoder, VIEWS, drop_patches=0.5)
    calls = []
    found = in_chunks(encoder, objective, recorded(made, calls), micro)
    chunks = {name: -(-len(view.items(BATCH)) // (micro or 100)) for name, view in made.items()}
    first = calls[: sum(chunks.values())]
    assert [name for name, _, _ in first] == [name for name, count in chunks.items() for _ in range(count)]
    assert len({state.numpy().tobytes() for _, _, state in first}) == len(first)
    forget(encoder, objective)
    rows = {name: [] for name in made}
    for name, part, state in first:
        torch.set_rng_state(state)
        rows[name].append(made[name].encode(part))
    loss = objective({name: torch.cat(parts) for name, parts in rows.items()}, BATCH)
    loss.backward()
    same(found, (loss.item(), gradients_of(encoder, objective)))


def test_another_step_draws_other_patches(encoder):
    objective, made = sides(encoder, INFONCE, drop_patches=0.5)
    one, again, other = (Gradients(made, objective, 3).backward(BATCH, (3, step)).item() for step in (8, 8, 9))
    assert one == again
    assert one != other


@pytest.mark.parametrize("micro", [0, 3])
def test_a_batch_of_one_chunk_is_encoded_once_and_any_other_twice(encoder, micro):
    objective, made = sides(encoder, INFONCE)
    calls = []
    in_chunks(encoder, objective, recorded(made, calls), micro)
    images, texts = (sum(len(part) for name, part, _ in calls if name == side) for side in ("images", "texts"))
    assert (images, texts) == ((7, 5) if micro == 0 else (14, 10))


def test_no_more_than_a_chunk_has_a_graph_at_a_time(encoder):
    objective, made = sides(encoder, INFONCE)
    with_graph = []

    def noted(encode, part):
        rows = encode(part)
        with_graph.append(len(part) if rows.requires_grad else 0)
        return rows

    in_chunks(encoder, objective, {name: replace(v, encode=partial(noted, v.encode)) for name, v in made.items()}, 2)
    assert with_graph == [0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 1, 2, 2, 1]


@pytest.mark.parametrize("micro", [0, 2])
def test_a_locked_image_tower_is_read_from_its_table_and_never_gets_a_gradient(encoder, micro):
    objective, free = sides(encoder, INFONCE)
    expected = one_graph(encoder, objective)
    encoder.module.vision_model.requires_grad_(False)
    locked = views.make((), config(trained=Trained(image="none")), encoder, Pixels(32), nullcontext)
    calls = []
    encoder.module.vision_model.register_forward_hook(lambda *_: calls.append(1))
    found = in_chunks(encoder, objective, locked, micro)
    assert calls == []
    assert locked["images"].learns is False
    text = {name: value for name, value in expected[1].items() if "vis" not in name}
    same((found[0], {name: value for name, value in found[1].items() if "vis" not in name}), (expected[0], text))
    assert not any(name.startswith("vision_model") for name in found[1])
    assert free["images"].learns is True


@pytest.mark.parametrize("micro", [0, 3])
def test_recomputed_activations_change_no_gradient(encoder, micro):
    with_dropout(encoder.module, 0.3)
    objective, made = sides(encoder, INFONCE, drop_patches=0.5)
    expected = in_chunks(encoder, objective, made, micro)
    layers = []
    encoder.module.text_model.encoder.layers[0].mlp.register_forward_pre_hook(lambda *_: layers.append(1))
    in_chunks(encoder, objective, made, micro)
    plain = len(layers)
    recompute_activations(encoder.module)
    same(in_chunks(encoder, objective, made, micro), expected)
    assert len(layers) - plain > plain


@pytest.mark.parametrize("micro", [0, 3])
def test_bf16_is_of_the_forward_pass_only(encoder, micro):
    """Rows, gradients and weights are fp32; the gradient points where the one of fp32 does."""
    objective, made = sides(encoder, INFONCE)
    _, expected = one_graph(encoder, objective)
    kinds = []
    encoder.module.text_model.encoder.layers[0].mlp.fc1.register_forward_hook(
        lambda *given: kinds.append(given[2].dtype)
    )
    autocast = partial(torch.autocast, "cpu", torch.bfloat16)
    _, low = sides(encoder, INFONCE, autocast)
    loss, found = in_chunks(encoder, objective, low, micro)
    assert set(kinds) == {torch.bfloat16}
    assert {value.dtype for value in found.values()} == {torch.float32}
    assert loss == pytest.approx(in_chunks(encoder, objective, made, micro)[0], rel=0.02)
    one, other = (torch.cat([table[name].flatten() for name in expected]) for table in (expected, found))
    assert torch.cosine_similarity(one, other, dim=0) > 0.99


def scaled(encoder, scale, **changed):
    """Gradients and steps with fp16's scaler, on the processor, and the scaler."""
    scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    objective, made = sides(encoder, INFONCE)
    stepper = Stepper(config(steps=9, warmup=0, **changed), encoder.module, objective, scaler)
    return Gradients(made, objective, 3, Processes(), scaler), stepper, scaler


@pytest.mark.parametrize("clip", [1e-3, 1e3])
@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_scaled_gradients_are_clipped_and_stepped_at_their_true_size(encoder, optimiser, clip):
    twin = copy.copy(encoder)
    twin.module = copy.deepcopy(encoder.module)
    gradients, stepper, _ = scaled(encoder, 1024.0, clip=clip, optimiser=optimiser)
    objective, made = sides(twin, INFONCE)
    plain = Stepper(config(steps=9, warmup=0, clip=clip, optimiser=optimiser), twin.module, objective)
    gradients.backward(BATCH, (0,))
    Gradients(made, objective, 3).backward(BATCH, (0,))
    assert stepper.step(0) == pytest.approx(plain.step(0), rel=1e-4)
    for found, expected in zip(encoder.module.parameters(), twin.module.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_gradient_too_large_for_fp16_moves_nothing_and_halves_the_scale(encoder, optimiser):
    gradients, stepper, scaler = scaled(encoder, 1024.0, optimiser=optimiser)
    gradients.backward(BATCH, (0,))
    stepper.step(0)
    before = {name: value.clone() for name, value in encoder.module.state_dict().items()}
    stepper.zero()
    gradients.backward(BATCH, (1,))
    next(value for value in stepper.weights if value.ndim == 2).grad[0, 0] = torch.inf
    stepper.step(1)
    assert scaler.get_scale() == 512
    assert all(torch.equal(value, before[name]) for name, value in encoder.module.state_dict().items())


def test_the_scale_of_fp16_is_a_part_of_the_state(encoder):
    gradients, stepper, scaler = scaled(encoder, 1024.0)
    for step in range(3):
        stepper.zero()
        gradients.backward(BATCH, (step,))
        stepper.step(step)
    fresh = torch.amp.GradScaler("cpu")
    Scale(fresh).restore(Scale(scaler).tensors())
    assert fresh.state_dict() == scaler.state_dict()
    assert fresh.state_dict()["_growth_tracker"] == 3


@pytest.mark.parametrize(("length", "count"), [(7, 2), (8, 2), (1, 2), (3, 5), (10, 3), (0, 2)])
def test_the_shares_of_all_processes_are_the_batch_in_order(length, count):
    items = list(range(length))
    shares = [items[Processes(rank, count).share(length)] for rank in range(count)]
    assert [item for share in shares for item in share] == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


TINY = NewModel(
    image_size=16, patch_size=8, width=16, image_depth=1, text_depth=1, head_width=16, text_length=8, vocabulary=120
)


@pytest.mark.slow
@pytest.mark.parametrize("losses", [INFONCE, SIGMOID], ids=["infonce", "sigmoid"])
def test_a_batch_of_4096_has_the_loss_and_gradient_of_one_pass(losses, one_thread):
    torch.manual_seed(0)
    encoder = open_model(Model(new=TINY), TEXTS, "cpu")
    encoder.module.train()
    words = [f"{first} {second}" for first in "abcdefghijklmnopqrstuvwxyzáéíóúãõç" for second in range(100, 220)]
    cells = np.array(sorted([[at, at] for at in range(4080)] + [[at, 4080 + at] for at in range(16)]))
    batch = Batch(np.arange(4096)[::-1].copy(), tuple(words[:4080]), cells, np.full(4080, "full"))
    objective, pixels = Objective(losses, encoder.module), Pixels(16, 4096)
    images = normalize(encoder.image_features(pixels.batch(batch.rows)), dim=-1)
    texts = normalize(encoder.text_features(encoder.tokens(batch.texts)), dim=-1)
    loss = objective({"images": images, "texts": texts}, batch)
    loss.backward()
    expected = loss.item(), gradients_of(encoder, objective)
    forget(encoder, objective)
    made = views.make((), config(losses=losses), encoder, pixels, nullcontext)
    loss = Gradients(made, objective, 300).backward(batch, (0, 0)).item()
    same((loss, gradients_of(encoder, objective)), expected)


MEMORY = """
import os, resource, sys, tempfile
from contextlib import nullcontext
import numpy as np, torch
from mirante.batch import Batch
from mirante.training import views
from mirante.training.config import Data, LossTerm, Model, NewModel, TrainConfig
from mirante.training.gradients import Gradients
from mirante.training.objective import Objective
from mirante.training.start import open_model

torch.set_num_threads(1)
new = NewModel(image_size=64, patch_size=8, width=64, image_depth=4, text_depth=1, head_width=16, vocabulary=120)
encoder = open_model(Model(new=new), ["a red star"], "cpu")
encoder.module.train()


class Pixels:
    def __len__(self):
        return 512

    def batch(self, rows):
        return torch.full((len(rows), 3, 64, 64), 0.5)


objective = Objective((LossTerm("infonce"),), encoder.module)
made = views.make((), TrainConfig("", Model(), Data("none")), encoder, Pixels(), nullcontext)


def peak(size, micro):
    rows = np.arange(size)
    batch = Batch(rows, tuple(f"red star {row}" for row in rows), np.stack([rows, rows], 1), np.full(size, "full"))
    reading, writing = os.pipe()
    if not os.fork():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        Gradients(made, objective, micro).backward(batch, (0,))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        os.write(writing, str(grown // 1024).encode())
        os._exit(0)
    os.wait()
    return os.read(reading, 20).decode()


print(peak(16, 0), peak(512, 16), peak(512, 0))
"""


@pytest.mark.slow
def test_a_large_batch_in_chunks_needs_the_memory_of_a_chunk():
    """Peak growth in MB of 16 pictures, of 512 in chunks of 16, and of 512 in one graph."""
    given = os.environ | {"OMP_NUM_THREADS": "1"}
    told = subprocess.run([sys.executable, "-c", MEMORY], env=given, capture_output=True, text=True, check=True)
    micro, chunked, whole = map(int, told.stdout.split())
    assert chunked < 2 * micro + 30
    assert whole > 5 * chunked
