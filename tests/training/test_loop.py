"""The loop on 64 small scenes: it learns, repeats to the bit, leaves frozen towers alone, stops at nonsense."""

import json
import math
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from safetensors.torch import load_file

from mirante.errors import TrainingError
from mirante.training.config import LossTerm, Memory, Trained
from mirante.training.loop import Verdict
from mirante.training.state import newest, position

LOSSES = {
    "infonce": (LossTerm("infonce"),),
    "sigmoid": (LossTerm("sigmoid"),),
    "both": (LossTerm("infonce", texts="full"), LossTerm("sigmoid", weight=0.5)),
}


def log(tmp_path):
    return [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text(encoding="utf-8").splitlines()]


def copied(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.fixture
def retrieval_loss(batches, pictures):
    """InfoNCE at temperature 1/10, texts to images, of 64 captions and their pictures, as a function of the encoder."""
    batch = batches.draw(0, 64, seed=99)

    @torch.no_grad()
    def measure(encoder):
        images = encoder.image_features(pictures.batch(batch.rows))
        texts = encoder.text_features(encoder.tokens(batch.texts))
        images, texts = (torch.nn.functional.normalize(rows, dim=-1) for rows in (images, texts))
        positives = torch.from_numpy(batch.positives)
        logits = (10 * texts @ images.T)[positives.any(dim=1)]
        hits = logits.masked_fill(~positives[positives.any(dim=1)], -math.inf).logsumexp(dim=1)
        return (logits.logsumexp(dim=1) - hits).mean().item()

    return measure


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
@pytest.mark.parametrize("objective", LOSSES)
def test_it_learns_its_64_scenes(run, new_model, settings, retrieval_loss, optimiser, objective):
    encoder = new_model()
    before = retrieval_loss(encoder)
    done = run(settings(steps=40, losses=LOSSES[objective], optimiser=optimiser), encoder)
    assert retrieval_loss(encoder) < 0.85 * before
    assert done.step == 40
    assert done.seconds > 0


def test_the_same_seed_gives_the_same_weights_to_the_bit(run, new_model, settings, tmp_path):
    states = []
    for name in ("one", "same"):
        torch.manual_seed(len(name))
        encoder = new_model()
        run(settings(tmp_path / name, losses=LOSSES["both"], drop_patches=0.5), encoder)
        states.append(encoder.module.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_another_seed_of_the_data_gives_other_weights(run, new_model, settings, tmp_path):
    states = []
    for seed in (1, 2):
        encoder = new_model()
        run(settings(tmp_path / str(seed), seed=seed), encoder)
        states.append(encoder.module.state_dict())
    assert not all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def moved(before, module, tower):
    after = module.state_dict()
    return {name for name in before if name.startswith(tower) and not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
@pytest.mark.parametrize("micro", [0, 5])
@pytest.mark.parametrize(("frozen", "free"), [("vision_model", "text_model"), ("text_model", "vision_model")])
def test_a_frozen_tower_stays_and_the_other_moves(run, new_model, settings, frozen, free, micro, optimiser):
    encoder = new_model()
    before = copied(encoder.module)
    getattr(encoder.module, frozen).requires_grad_(False)
    trained = Trained(image="none") if frozen == "vision_model" else Trained(text="none")
    run(settings(trained=trained, optimiser=optimiser, memory=Memory(micro=micro)), encoder)
    assert moved(before, encoder.module, frozen) == set()
    assert len(moved(before, encoder.module, free)) > 10


def test_a_locked_image_tower_sees_each_picture_once(run, new_model, settings, pictures):
    encoder, seen = new_model(), []
    encoder.module.vision_model.requires_grad_(False)
    encoder.module.vision_model.register_forward_hook(lambda tower, given, out: seen.append(torch.is_grad_enabled()))
    run(settings(trained=Trained(image="none"), steps=7), encoder)
    assert len(pictures) == 64
    assert seen == [False]


def test_without_freezing_both_towers_move(run, new_model, settings):
    encoder = new_model()
    before = copied(encoder.module)
    run(settings(), encoder)
    assert moved(before, encoder.module, "vision_model")
    assert moved(before, encoder.module, "text_model")


class Spoilt:
    """Pictures whose third batch is no number; each is read again before its step is kept."""

    def __init__(self, pictures):
        self.pictures, self.asked = pictures, 0

    def __len__(self):
        return len(self.pictures)

    def batch(self, rows):
        self.asked += 1
        return self.pictures.batch(rows) * (math.nan if self.asked == 5 else 1)


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_loss_that_is_no_number_stops_the_run_at_its_step(run, new_model, settings, pictures, tmp_path, optimiser):
    encoder, config = new_model(), settings(save_every=1, optimiser=optimiser)
    with pytest.raises(TrainingError, match=r"At step 3 the loss is nan.* lower learning_rate \(0\.005\) or clip"):
        run(config, encoder, pictures=Spoilt(pictures))
    assert all(value.isfinite().all() for value in encoder.module.state_dict().values())
    assert position(newest(tmp_path / "run")).step == 2


def test_the_log_is_a_line_of_json_every_20_steps_and_at_the_end(run, new_model, settings, tmp_path):
    done = run(settings(steps=45, warmup=5, usd_per_hour=3600.0), new_model())
    lines = log(tmp_path)
    assert [line["step"] for line in lines] == [20, 40, 45]
    assert all(set(line) == {"step", "loss", "rate", "norm", "pairs/s", "hours", "usd"} for line in lines)
    assert lines[-1]["loss"] == round(done.loss, 4)
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert lines[-1]["usd"] == pytest.approx(done.seconds)
    assert lines[-1]["pairs/s"] == pytest.approx(45 * 16 / done.seconds, abs=0.1)
    assert all(later["hours"] > line["hours"] for line, later in pairwise(lines))


def test_the_log_tells_the_rate_of_each_step(run, new_model, settings, tmp_path):
    """Step 20 of 20 of warm-up has the whole rate; step 40 is the 20th of 40 on the line down, 19/40 of it done."""
    run(settings(steps=60, warmup=20, batch=4, learning_rate=1e-3, schedule="linear"), new_model())
    assert [line["rate"] for line in log(tmp_path)] == pytest.approx([1e-3, 21 / 40 * 1e-3, 1 / 40 * 1e-3], abs=1e-9)


def test_a_look_every_n_steps_and_at_the_end_is_logged_beside_the_loss(run, new_model, settings, tmp_path):
    looks = []

    def look(now):
        looks.append(now.step)
        return Verdict({"hit_rate@1": now.step / 10}, now.step == 3, 0.5)

    run(settings(steps=7, validate_every=3), new_model(), look=look)
    lines = [line for line in log(tmp_path) if "hit_rate@1" in line]
    assert looks == [3, 6, 7]
    assert lines == [{"step": step, "hit_rate@1": step / 10} for step in (3, 6, 7)]


def test_a_look_finds_the_learned_scale_in_the_model_and_may_change_its_mode(run, new_model, settings):
    encoder, seen = new_model(), []
    start = encoder.module.logit_scale.item()

    def look(now):
        seen.append(encoder.module.logit_scale.item())
        encoder.module.eval()
        return Verdict({}, True, 0.5)

    def mode(module, given):
        modes.add(module.training)

    modes = set()
    encoder.module.text_model.register_forward_pre_hook(mode)
    run(settings(steps=4, validate_every=2, losses=LOSSES["sigmoid"]), encoder, look=look)
    assert len({start, *seen}) == 3
    assert modes == {True}


def test_the_model_is_left_ready_to_be_used(run, new_model, settings):
    encoder = new_model()
    run(settings(), encoder)
    assert not encoder.module.training
    assert encoder.encode_texts(["a red star"]).shape == (1, 32)


def test_the_learned_scale_and_bias_are_left_in_the_model(run, new_model, settings):
    encoder = new_model()
    scale, bias = encoder.module.logit_scale.item(), encoder.module.logit_bias.item()
    run(settings(losses=LOSSES["sigmoid"]), encoder)
    assert encoder.module.logit_scale.item() != scale
    assert encoder.module.logit_bias.item() != bias


def test_a_scale_never_grows_beyond_100(run, new_model, settings):
    encoder = new_model()
    with torch.no_grad():
        encoder.module.logit_scale.fill_(math.log(99.9))
    run(settings(losses=(LossTerm("sigmoid"),), learning_rate=0.05, warmup=0, steps=20), encoder)
    assert encoder.module.logit_scale.exp().item() <= 100.001


def test_weights_that_overflowed_replace_no_good_ones(run, new_model, settings, tmp_path):
    """The loss of step 3 is that of good weights; its update breaks them, and step 3 is one to keep."""

    encoder = new_model()
    weight = encoder.module.text_model.encoder.layers[0].mlp.fc1.weight
    taken = []
    original = torch.optim.AdamW.step

    def step(self, *given, **more):
        original(self, *given, **more)
        taken.append(1)
        if len(taken) == 3:
            with torch.no_grad():
                weight.fill_(1e38)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", step)
        with pytest.raises(TrainingError, match="At step 3 the loss is nan"):
            run(settings(steps=6, save_every=1), encoder)
    assert newest(tmp_path / "run").name == "state-00000002"


def alone(precision, scaler=None):
    """An accelerator of one process whose forward pass is of that precision, on the processor."""
    autocast = partial(torch.autocast, "cpu", precision)
    return SimpleNamespace(is_main_process=True, process_index=0, num_processes=1, autocast=autocast, scaler=scaler)


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_bf16_learns_with_weights_and_optimiser_in_fp32(run, new_model, settings, retrieval_loss, tmp_path, optimiser):
    encoder = new_model()
    before = retrieval_loss(encoder)
    run(settings(steps=40, optimiser=optimiser), encoder, accelerator=alone(torch.bfloat16))
    assert retrieval_loss(encoder) < 0.85 * before
    assert {value.dtype for value in encoder.module.parameters()} == {torch.float32}
    kept = load_file(newest(tmp_path / "run") / "state.safetensors")
    assert {value.dtype for value in kept.values()} == {torch.float32}


def test_fp16_learns_and_its_scale_goes_on_where_it_stood(run, new_model, settings, retrieval_loss):
    """The scale starts too high, at 2 to the 40th, and is halved until no gradient overflows."""
    encoder, scaler = new_model(), torch.amp.GradScaler("cpu", init_scale=2.0**40)
    before = retrieval_loss(encoder)
    run(settings(steps=60), encoder, accelerator=alone(torch.float16, scaler))
    assert retrieval_loss(encoder) < 0.85 * before
    assert 1 < scaler.get_scale() < 2.0**40
    fresh = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    run(settings(steps=60), new_model(), accelerator=alone(torch.float16, fresh))
    assert fresh.state_dict() == scaler.state_dict()


@pytest.mark.gpu
def test_fp16_learns_on_a_gpu(run, new_model, settings, retrieval_loss):
    encoder = new_model()
    before = retrieval_loss(encoder)
    for shared in (AcceleratorState, PartialState, GradientState):
        shared._reset_state()
    accelerator = Accelerator(mixed_precision="fp16")
    encoder.device = accelerator.device
    encoder.module.to(accelerator.device)
    run(settings(steps=60), encoder, accelerator=accelerator)
    encoder.device = torch.device("cpu")
    encoder.module.cpu()
    assert accelerator.scaler.get_scale() > 1
    assert retrieval_loss(encoder) < 0.85 * before


def test_activations_are_recomputed_where_asked_and_the_weights_are_the_same(run, new_model, settings, tmp_path):
    states, passes = [], []
    for checkpointing in (False, True):
        encoder, seen = new_model(), []
        encoder.module.text_model.encoder.layers[0].mlp.register_forward_pre_hook(lambda *_, seen=seen: seen.append(1))
        run(settings(tmp_path / str(checkpointing), memory=Memory(checkpointing=checkpointing)), encoder)
        states.append(encoder.module.state_dict())
        passes.append(len(seen))
    assert passes == [5 + 1, 10 + 1]  # the last step is read again before it is kept
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=1e-4, atol=1e-5)


def test_the_search_for_neighbours_comes_before_each_step(run, new_model, settings):
    searched = []

    class Mining:
        def search(self, encoder, step):
            searched.append((step, type(encoder).__name__))

        def tensors(self):
            return {}

        def restore(self, kept):
            raise AssertionError(kept)

    run(settings(steps=3), new_model(), mining=Mining())
    assert searched == [(0, "DualEncoder"), (1, "DualEncoder"), (2, "DualEncoder")]
