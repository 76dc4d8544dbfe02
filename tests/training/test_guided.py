"""Training a guide: which scores are found, exact gradients, and that looking at the picture is what is learnt."""

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from mirante.batch import Batch
from mirante.datasets.scenes import SceneDataset
from mirante.rerankers._guided import Guided
from mirante.rerankers._guiding import Guiding
from mirante.training import guided, loop, mining
from mirante.training.batches import PairBatches
from mirante.training.config import Elip, Hard, Memory
from mirante.training.guide import is_lower
from mirante.training.pictures import prepare
from mirante.training.ranking import Ranking

PROMPTS = Guiding(prompts=2, width=16)
ATTENTION = Guiding(form="attention", reads="tokens", width=16)
SHAPES = {
    "prompts, pooled": PROMPTS,
    "prompts, tokens": Guiding(prompts=2, width=16, reads="tokens"),
    "attention": ATTENTION,
}


@pytest.fixture(scope="module")
def pairs(new_model, tmp_path_factory):
    """Minimal pairs and their pixels."""
    found = PairBatches(SceneDataset().pairs("hard-train-32", "en"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIRANTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return prepare(found, new_model())


@pytest.fixture
def gradients(new_model, pairs):
    """The gradients of a new guide, as a function of its settings."""

    def make(guiding=ATTENTION, elip=None, gates=0.5, **more):
        encoder = new_model()
        encoder.module.requires_grad_(requires_grad=False).eval()
        torch.manual_seed(1)
        over = Guided(encoder, guiding)
        for block in getattr(over.guide, "blocks", ()):
            block.gates.data.fill_(gates)
        ranking = Ranking((elip or Elip()).loss, encoder.module)
        more = {"autocast": Accelerator(cpu=True).autocast} | more
        return guided.GuidedGradients(over, pairs[1], ranking, elip or Elip(), **more)

    return make


@pytest.fixture
def batch(pairs):
    return pairs[0].draw(0, 8, seed=0)


def test_candidates_are_the_true_pictures_that_the_base_misses_and_the_false_ones_that_it_likes():
    base = torch.tensor([[0.9, 0.1, 0.4, 0.3, 0.2], [0.2, 0.3, 0.6, 0.5, 0.1], [0.1, 0.2, 0.3, 0.4, 0.5]])
    true = torch.tensor([[1, 0, 0, 0, 0], [0, 1, 1, 1, 0], [1, 1, 1, 1, 1]], dtype=torch.bool)
    assert guided.candidates(base, true, 2).tolist() == [[0, 0], [0, 2], [1, 0], [1, 1], [2, 0]]
    assert guided.candidates(base, true, 4).tolist() == [
        [0, 0], [0, 2], [0, 3], [0, 4], [1, 0], [1, 1], [1, 3], [1, 4], [2, 0], [2, 1]
    ]  # fmt: skip
    assert len(guided.candidates(base, true, 0)) == len(guided.candidates(base, true, 5)) == 15


@pytest.mark.parametrize("guiding", SHAPES.values(), ids=SHAPES)
def test_the_gradient_is_exact_for_any_micro_batch(gradients, batch, guiding):
    found = {}
    for micro in (0, 3):
        made = gradients(guiding, micro=micro)
        loss = made.backward(batch, (0, 0))
        found[micro] = {name: value.grad.clone() for name, value in made.guided.guide.named_parameters()}
        found[micro] |= {"scale": made.ranking.logit_scale.grad.clone(), "loss": loss}
    for name, value in found[0].items():
        torch.testing.assert_close(found[3][name], value, rtol=1e-4, atol=1e-6)
        assert name == "loss" or value.abs().max() > 0, name


def test_every_score_is_of_a_picture_under_the_text_of_its_row(gradients, batch):
    """The oracle looks at one picture under one text at a time."""
    made = gradients()
    table = made.table(batch)
    found = made._side(table, made._told(table, (0,)), (0, 0)).rows()[:, 0]
    for score, (text, picture) in zip(found, table.cells, strict=True):
        said = made.guided.read([batch.texts[text]])
        one = made.guided.scores(table.hidden[slice(picture, picture + 1)], said, made.guided.say(said))
        torch.testing.assert_close(score, one[0], rtol=1e-4, atol=1e-5)


def test_the_base_is_added_where_asked(gradients, batch):
    made = gradients()
    table = made.table(batch)
    scores = torch.zeros(len(table.cells))
    torch.testing.assert_close(table.spread(scores, added=True)[0], table.base)
    assert (table.spread(scores, added=False)[0] == 0).all()


def trained(gradients, draw, *, steps, **more):
    """A guide after so many steps, and the loss of each."""
    made, losses = gradients(**more), []
    weights = [*made.guided.guide.parameters(), *made.ranking.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=1e-2)
    for step in range(steps):
        optimiser.zero_grad()
        losses.append(made.backward(draw(step), (step,)).item())
        optimiser.step()
    return made, losses


@pytest.mark.parametrize("guiding", [PROMPTS, ATTENTION], ids=["prompts", "attention"])
def test_what_is_learnt_needs_the_pictures(gradients, pairs, guiding):
    """With pictures drawn anew under fixed texts in each step the loss stays at chance.

    Were each picture looked at under its own caption, copying the caption would tell which cell is true.
    """
    texts = [f"{thing} {number}" for thing in ("a red star", "two blue boats") for number in range(4)]
    cells, roles = np.stack([np.arange(8)] * 2, axis=1), np.full(8, "full")

    def draw(step):
        return Batch(np.random.default_rng(step).permutation(32)[:8], tuple(texts), cells, roles)

    _, losses = trained(gradients, draw, steps=60, guiding=guiding, elip=Elip(added=False))
    assert np.mean(losses[-10:]) > 0.95 * np.log(8)


def test_with_the_pictures_the_loss_falls(gradients, pairs):
    _, losses = trained(gradients, lambda step: pairs[0].draw(0, 8, seed=0), steps=60, elip=Elip(added=False))
    assert np.mean(losses[-10:]) < 0.5 * losses[0]


def test_a_run_that_goes_on_is_the_run_that_was_never_stopped(gradients, pairs, settings, tmp_path):
    """Dropout, mining and resuming together."""
    data, pixels = pairs
    hard = Hard(every=2, neighbours=2, ceiling=1.0)
    guiding = Guiding(form="attention", reads="tokens", width=16, dropout=0.2)

    def start(out, *stops):
        for stop in stops:
            config = settings(
                out, steps=5, stop_after=stop, save_every=1, hard=hard, memory=Memory(micro=5),
                elip=Elip(guiding, candidates=2), warmup=0,
            )  # fmt: skip
            accelerator, made = Accelerator(cpu=True), gradients(guiding, config.elip, gates=0.0)
            search = mining.create(config, data, pixels, accelerator)
            learns = guided.task(config, config.elip, made.guided, pixels, accelerator)
            loop.run(config, learns, search, accelerator=accelerator, mining=search)
        return load_file(next(out.glob("state-*")) / "state.safetensors"), made.guided.guide.state_dict()

    (whole, weights), (parts, others) = start(tmp_path / "one", 5), start(tmp_path / "two", 2, 3, 5)
    assert whole.keys() == parts.keys()
    for name, value in {**whole, **weights}.items():
        torch.testing.assert_close(({**parts, **others})[name], value, rtol=0, atol=0)
    assert not any(name.startswith("model.vision_model") for name in whole)


def test_the_base_stays_as_it_is(gradients, pairs):
    made, _ = trained(gradients, lambda step: pairs[0].draw(step, 8, seed=0), steps=2)
    fresh = gradients().guided.encoder.module.state_dict()
    for name, value in made.guided.encoder.module.state_dict().items():
        assert torch.equal(value, fresh[name]), name


@pytest.mark.parametrize(
    ("lost", "gained", "lower"),
    [(0, 0, False), (1, 0, False), (2, 0, True), (2, 1, False), (3, 1, False), (4, 1, True), (0, 5, False)],
)
def test_a_loss_within_one_standard_error_is_none(lost, gained, lower):
    """Of 500 queries; each that is lost or gained is 0.2 points, and the standard error the root of their number."""
    before, after = np.full(500, 0.0), np.full(500, 0.0)
    before[:lost] = 1.0
    after[lost : lost + gained] = 1.0
    assert is_lower(after, before) is lower
