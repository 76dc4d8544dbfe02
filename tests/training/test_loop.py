"""The loop on 64 small scenes: it learns, repeats to the bit, leaves frozen towers alone, stops at nonsense."""

import json
import math

import numpy as np
import pytest
import torch

from mirante.datasets.scenes import SceneDataset
from mirante.errors import TrainingError
from mirante.training import loop
from mirante.training.config import Data, LossTerm, Model, NewModel, TrainConfig
from mirante.training.pictures import prepare
from mirante.training.start import open_model
from mirante.batch import Batch

SMALL = NewModel(
    image_size=24, patch_size=8, width=32, image_depth=1, text_depth=1, head_width=16, text_length=16, vocabulary=150
)
TEXTS = [caption.text for item in SceneDataset().items("train-64", "en") for caption in item.captions]
LOSSES = {
    "infonce": (LossTerm("infonce"),),
    "sigmoid": (LossTerm("sigmoid"),),
    "both": (LossTerm("infonce", texts="full"), LossTerm("sigmoid", weight=0.5)),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Batches of 64 scenes and their pixels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIRANTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        batches = SceneDataset().batches("train-64", "en", partials=1, partners=0.0)
        return batches, prepare(batches.pictures, model())


def model(seed=0):
    torch.manual_seed(seed)
    return open_model(Model(new=SMALL), TEXTS)


def config(**settings):
    plain = {"steps": 5, "batch": 16, "learning_rate": 5e-3, "warmup": 3, "losses": LOSSES["infonce"]}
    settings = {"model": Model(new=SMALL), "data": Data("scenes:train-64"), **plain, **settings}
    return TrainConfig("", **settings)


def trained(scenes, tmp_path, *, seed=0, **settings):
    """A new model after a run, how the run went, and its log."""
    encoder, log = model(seed), tmp_path / "log.jsonl"
    batches, pictures = scenes
    how = loop.run(config(seed=seed, **settings), encoder, batches, pictures=pictures, log=log)
    return encoder, how, [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def retrieval_loss(encoder, scenes):
    """InfoNCE at temperature 1/10 of the 64 full captions and their pictures."""
    batches, pictures = scenes
    batch = batches.draw(0, 64, seed=99)
    with torch.no_grad():
        images = encoder.image_features(pictures.batch(batch.rows))
        texts = encoder.text_features(encoder.tokens(batch.texts))
        images, texts = (torch.nn.functional.normalize(rows, dim=-1) for rows in (images, texts))
        positives = torch.from_numpy(batch.positives)
        logits = (10 * texts @ images.T)[positives.any(dim=1)]
        hits = logits.masked_fill(~positives[positives.any(dim=1)], -math.inf).logsumexp(dim=1)
        return (logits.logsumexp(dim=1) - hits).mean().item()


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
@pytest.mark.parametrize("objective", LOSSES)
def test_it_learns_its_64_scenes(scenes, tmp_path, optimiser, objective):
    before = retrieval_loss(model(), scenes)
    encoder, how, _ = trained(scenes, tmp_path, steps=40, losses=LOSSES[objective], optimiser=optimiser)
    assert retrieval_loss(encoder, scenes) < 0.85 * before
    assert how.steps == 40
    assert how.seconds > 0


def test_the_same_seed_gives_the_same_weights_to_the_bit(scenes, tmp_path):
    one, same = (trained(scenes, tmp_path, losses=LOSSES["both"])[0].module.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], same[name]) for name in one)


def test_another_seed_of_the_data_gives_other_weights(scenes, tmp_path):
    states = []
    for seed in (1, 2):
        encoder, (batches, pictures) = model(), scenes
        loop.run(config(seed=seed), encoder, batches, pictures=pictures, log=tmp_path / "log")
        states.append(encoder.module.state_dict())
    assert not all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def moved(before, after, tower):
    return {name for name in before if name.startswith(tower) and not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
@pytest.mark.parametrize(("frozen", "free"), [("image", "text"), ("text", "image")])
def test_a_frozen_tower_stays_and_the_other_moves(scenes, tmp_path, frozen, free, optimiser):
    towers = {"image": "vision_model", "text": "text_model"}
    before = {name: value.clone() for name, value in model().module.state_dict().items()}
    frozen_model = Model(new=SMALL, freeze=frozen)
    after = trained(scenes, tmp_path, model=frozen_model, optimiser=optimiser)[0].module.state_dict()
    assert moved(before, after, towers[frozen]) == set()
    assert len(moved(before, after, towers[free])) > 10


def test_without_freezing_both_towers_move(scenes, tmp_path):
    before = {name: value.clone() for name, value in model().module.state_dict().items()}
    after = trained(scenes, tmp_path)[0].module.state_dict()
    assert moved(before, after, "vision_model")
    assert moved(before, after, "text_model")


class Spoilt:
    """Pictures whose third batch is no number."""

    def __init__(self, pictures):
        self.pictures, self.asked = pictures, 0

    def __len__(self):
        return len(self.pictures)

    def batch(self, rows):
        self.asked += 1
        return self.pictures.batch(rows) * (math.nan if self.asked == 3 else 1)


def test_a_loss_that_is_no_number_stops_the_run_at_its_step(scenes, tmp_path):
    encoder, (batches, pictures) = model(), scenes
    with pytest.raises(TrainingError, match=r"The loss is nan at step 3: lower learning_rate"):
        loop.run(config(), encoder, batches, pictures=Spoilt(pictures), log=tmp_path / "log")
    assert all(value.isfinite().all() for value in encoder.module.state_dict().values())


def test_the_log_is_a_line_of_json_every_20_steps_and_at_the_end(scenes, tmp_path):
    _, how, lines = trained(scenes, tmp_path, steps=45, warmup=5)
    assert [line["step"] for line in lines] == [20, 40, 45]
    assert all(set(line) == {"step", "loss", "rate", "pictures/s"} for line in lines)
    assert lines[-1]["loss"] == round(how.loss, 4)
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert all(line["pictures/s"] > 0 for line in lines)


def test_the_rate_climbs_to_its_peak_and_falls_along_a_cosine(scenes, tmp_path):
    """Half-way up after 20 of 40 steps (the next step's share is 21/40), the top at 40, half-way down at 60."""
    *_, lines = trained(scenes, tmp_path, steps=80, warmup=40, batch=4, learning_rate=1e-3)
    assert [line["rate"] for line in lines] == pytest.approx([21 / 40 * 1e-3, 1e-3, 0.5e-3, 0], abs=1e-9)


def test_the_log_of_a_second_run_is_added_to_the_first(scenes, tmp_path):
    trained(scenes, tmp_path)
    assert [line["step"] for line in trained(scenes, tmp_path)[2]] == [5, 5]


def test_a_look_every_n_steps_is_logged_beside_the_loss(scenes, tmp_path):
    encoder, log, (batches, pictures) = model(), tmp_path / "log", scenes
    looks = []

    def look(step):
        looks.append(step)
        return {"hit_rate@1": step / 10}

    loop.run(config(steps=7, validate_every=3), encoder, batches, pictures=pictures, log=log, look=look)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert looks == [3, 6]
    assert lines[:2] == [{"step": 3, "hit_rate@1": 0.3}, {"step": 6, "hit_rate@1": 0.6}]


def test_the_model_is_left_ready_to_be_used(scenes, tmp_path):
    encoder = trained(scenes, tmp_path)[0]
    assert not encoder.module.training
    assert encoder.encode_texts(["a red star"]).shape == (1, 32)


def test_the_learned_scale_and_bias_are_left_in_the_model(scenes, tmp_path):
    module = trained(scenes, tmp_path, losses=LOSSES["sigmoid"])[0].module
    start = model().module
    assert module.logit_scale.item() != start.logit_scale.item()
    assert module.logit_bias.item() != start.logit_bias.item()


def some_batch():
    """Three texts of two pictures, one in each role."""
    positives = np.array([[1, 0], [0, 1], [1, 1]], dtype=bool)
    return Batch(np.arange(2), ("a", "b", "c"), positives, np.array(["full", "noun", "partial"]))


def test_an_objective_is_the_weighted_sum_of_losses_each_on_its_texts():
    module, batch = model().module, some_batch()
    rows = torch.nn.functional.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    images, texts = rows[:2], rows[2:]

    def alone(name, at):
        """One loss on the texts `at` alone."""
        of_them = Batch(batch.rows, tuple(batch.texts[one] for one in at), batch.positives[at], batch.roles[at])
        return loop.Objective((LossTerm(name),), module)(images, texts[at], of_them)

    whole = loop.Objective(
        (
            LossTerm("infonce", weight=2.0, texts="full"),
            LossTerm("sigmoid", weight=0.25),
            LossTerm("sigmoid", weight=3.0, texts="noun"),
            LossTerm("infonce", weight=5.0, texts="partial"),
        ),
        module,
    )
    expected = 2 * alone("infonce", [0]) + 0.25 * alone("sigmoid", [0, 1, 2])
    expected += 3 * alone("sigmoid", [1]) + 5 * alone("infonce", [2])
    torch.testing.assert_close(whole(images, texts, batch), expected)


def test_a_sigmoid_loss_starts_from_the_models_own_scale_and_bias():
    (part,) = loop.Objective((LossTerm("sigmoid"),), model().module).parts
    assert part.logit_scale.exp().item() == pytest.approx(10)
    assert part.logit_bias.item() == -4
