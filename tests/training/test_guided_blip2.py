"""Training a guide over a BLIP-2: matches are judged, false pictures are drawn, a whole run re-ranks its own ITC."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from mirante import encoders
from mirante.datasets.scenes import SceneDataset
from mirante.encoders import _tiny
from mirante.encoders._matcher import open_matcher
from mirante.encoders._qformer import open_qformer
from mirante.errors import ModelError, UsageError
from mirante.evaluation import evaluate, evaluate_run
from mirante.rerankers import chain
from mirante.rerankers._guided import Guided
from mirante.rerankers._guided_matcher import GuidedMatcher
from mirante.rerankers._guiding import Guiding
from mirante.training import guided, read_config, train
from mirante.training.batches import PairBatches
from mirante.training.compared import compared
from mirante.training.config import Data, Elip, Hard, Memory, Model, TrainConfig
from mirante.training.pictures import prepare
from mirante.training.ranking import Ranking
from mirante.training.start import open_model
from mirante.training.validation import judge
from mirante.types import Embeddings, Provenance

RECIPE = Path(__file__).parents[2] / "configs" / "elip-paper-blip2.toml"
PAPER = Guiding(prompts=1, width=16)
ATTENTION = Guiding(form="attention", reads="tokens", width=16, entry=1)
ITM = Elip(PAPER, candidates=2, loss="itm", added=False)


@pytest.fixture(scope="module")
def start(tmp_path_factory, one_thread):
    """Folder of a tiny random BLIP-2 whose queries differ: a new model starts them at zero."""
    place = tmp_path_factory.mktemp("blip-2")
    encoder = open_qformer(_tiny.blip2(place / "new"))
    torch.manual_seed(3)
    torch.nn.init.normal_(encoder.module.query_tokens.data)
    return str(encoder.save(place / "model"))


@pytest.fixture(scope="module")
def data(start, tmp_path_factory):
    """16 pictures in pairs, and their pixels as the model takes them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIRANTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        pairs = PairBatches(SceneDataset().pairs("hard-train-16", "en"))
        return prepare(pairs, open_qformer(start))


@pytest.fixture
def gradients(start, data):
    """The gradients of a new guide, as a function of its settings."""

    def make(elip=ITM, **more):
        encoder = open_qformer(start)
        encoder.module.requires_grad_(requires_grad=False)
        torch.manual_seed(1)
        over = GuidedMatcher(encoder, elip.guide)
        for block in getattr(over.guide, "blocks", ()):
            block.gates.data.fill_(0.5)
        more = {"autocast": Accelerator(cpu=True).autocast} | more
        return guided.GuidedGradients(over, data[1], Ranking(elip.loss, encoder.module), elip, **more)

    return make


@pytest.fixture
def batch(data):
    return data[0].draw(0, 6, seed=0)


def test_false_pictures_are_drawn_by_the_softmax_of_their_cosines():
    """At temperature 0.07 the second picture is three times as likely as the third; the first is true."""
    base = torch.tensor([[0.9, 0.2 + 0.07 * np.log(3), 0.2]])
    true = torch.tensor([[True, False, False]])
    draws = [guided.candidates(guided.shaken(base, (seed,)), true, 2).tolist() for seed in range(2000)]
    assert all(cells[0] == [0, 0] and len(cells) == 2 for cells in draws)
    assert np.mean([cells[1] == [0, 1] for cells in draws]) == pytest.approx(0.75, abs=0.03)
    assert draws[:20] == [guided.candidates(guided.shaken(base, (seed,)), true, 2).tolist() for seed in range(20)]


def test_a_step_draws_the_same_pictures_whenever_it_is_asked_and_another_step_others(gradients, batch):
    made = gradients()
    cells = [made.table(batch, (0, step)).cells.tolist() for step in (0, 0, 1, 2)]
    assert cells[0] == cells[1]
    assert cells[1:] != [cells[0]] * 3
    judged, learnt = ([ask(batch, (0, step)).item() for step in range(3)] for ask in (made.loss, made.backward))
    assert judged == pytest.approx(learnt, rel=1e-5)
    nearest = gradients(replace(ITM, loss="cross-entropy"))
    assert len({str(nearest.table(batch, (0, step)).cells.tolist()) for step in range(4)}) == 1


def test_the_loss_judges_the_match_alone(gradients, batch):
    """The oracle asks of one picture under one text at a time; cosines, the base's and the guided one, have no say."""
    for added in (False, True):
        made = gradients(replace(ITM, added=added))
        table, rows = made.table(batch, (0, 0)), {}
        for text, picture in table.cells.tolist():
            said = made.guided.read([batch.texts[text]])
            logit = made.guided.match(table.hidden[slice(picture, picture + 1)], said, made.guided.say(said)).item()
            right = bool(table.true[text, picture])
            chance = 1 / (1 + np.exp(-logit))
            rows.setdefault((text, right), []).append(-np.log(chance if right else 1 - chance))
        wanted = np.mean([np.mean(values) for values in rows.values()])
        assert made.loss(batch, (0, 0)).item() == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("elip", [ITM, Elip(ATTENTION, loss="cross-entropy")], ids=["itm", "cross-entropy"])
def test_the_gradient_is_exact_for_any_micro_batch(gradients, batch, elip):
    found = {}
    for micro in (0, 5):
        made = gradients(elip, micro=micro)
        loss = made.backward(batch, (0, 0))
        found[micro] = {name: value.grad.clone() for name, value in made.guided.guide.named_parameters()}
        found[micro]["loss"] = loss
    for name, value in found[0].items():
        torch.testing.assert_close(found[5][name], value, rtol=1e-3, atol=1e-5)
        assert name == "loss" or value.abs().max() > 0, name


def test_what_matches_is_learnt_and_the_base_stays_as_it_is(gradients, batch, start):
    made, losses = gradients(), []
    optimiser = torch.optim.AdamW(made.guided.guide.parameters(), lr=3e-3)
    for _ in range(25):
        optimiser.zero_grad()
        losses.append(made.backward(batch, (0, 0)).item())
        optimiser.step()
    assert losses[-1] < 0.8 * losses[0]
    fresh = open_qformer(start).module.state_dict()
    assert all(torch.equal(value, fresh[name]) for name, value in made.guided.encoder.module.state_dict().items())


def test_matches_are_judged_over_a_blip_2_only(new_model):
    with pytest.raises(UsageError, match=r'elip.loss = "itm" judges the matches of a BLIP-2, .* use "cross-entropy"'):
        guided.check(ITM, Guided(new_model(), PAPER))


class Product:
    """Compares as rows are compared that nothing else is known of."""

    def compare(self, texts, images):
        return texts @ images.T


def test_a_run_that_is_compared_by_products_is_the_one_that_evaluate_judges():
    """Every row is one of eight unit vectors, so that most cosines are equal and the tie rule decides."""
    pairs = SceneDataset().pairs("test-80", "en")
    rng, made = np.random.default_rng(0), Provenance("m", "r", "p")
    units = np.concatenate([np.eye(4), -np.eye(4)]).astype(np.float32)
    images, texts = (
        Embeddings(tuple(one.id for one in some), units[rng.integers(0, 8, len(some))], made)
        for some in (pairs.images, pairs.captions)
    )
    wanted = evaluate(images, texts, pairs)
    found = evaluate_run(compared(Product(), texts, images), pairs, provenance=made)
    assert len(texts.ids) > 64  # more than one block
    assert found.result.metrics == wanted.result.metrics
    assert found.result.protocol == wanted.result.protocol
    assert np.array_equal(found.run.indices, wanted.run.indices)


def test_the_base_is_judged_by_the_nearest_query_and_not_by_the_product_of_rows(start):
    pairs, matcher = SceneDataset().pairs("hard-validation-8", "en"), open_matcher(start)
    seen = matcher.see([picture.load() for picture in pairs.images])
    found = judge(open_qformer(start), pairs, resamples=0)
    products = found.texts.vectors @ found.images.select(picture.id for picture in pairs.images).vectors.T
    for caption, product in zip(found.texts.ids, products, strict=True):
        text = next(one.text for one in pairs.captions if one.id == caption)
        scores = dict(found.judged.run.ranking(caption))
        own = np.array([scores[picture.id] for picture in pairs.images])
        np.testing.assert_allclose(own, matcher.similarity(text, seen).detach(), atol=1e-5)
        assert np.abs(own - product).max() > 0.01


def settings(start, out, **changed):
    plain = {
        "steps": 2, "batch": 4, "warmup": 0, "learning_rate": 1e-3, "elip": replace(ITM, depth=3), "validate_every": 2,
        "hard": Hard(every=10, neighbours=2, ceiling=1.0), "memory": Memory(micro=3),
    }  # fmt: skip
    data = Data("scenes:hard-train-16", validation="scenes:hard-validation-8", language="en")
    return TrainConfig(str(out), Model(start=start), data, **(plain | changed))


def test_a_run_trains_a_guide_that_re_ranks_what_another_model_found(start, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    done = train(settings(start, tmp_path / "run"))
    assert done.steps == 2
    assert done.base.model == start
    assert done.parameters.trained == 16 * 16 + 16 + 16 * 16 + 16 + 16 * 32 + 32  # 16 -> 16 -> 16 -> one of 32
    notes = json.loads((done.checkpoint / "elip.json").read_text(encoding="utf-8"))
    assert (notes["kind"], notes["base"], notes["weight"]) == ("matching", start, None)
    assert done.after.target.protocol == done.before.target.protocol
    wanted = judge(open_qformer(start), SceneDataset().pairs("hard-validation-8", "en"), resamples=0).judged.result
    assert done.before.target.metrics["hit_rate@5"].value == wanted.metrics["hit_rate@5"].value
    other = encoders.load(_tiny.clip(tmp_path / "clip"))
    (reranker,) = chain([f"elip:{done.checkpoint}"], other)
    assert reranker.guided.encoder.provenance.revision == done.base.revision


def test_added_to_the_base_the_weight_is_chosen_on_validation(start, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    done = train(settings(start, tmp_path / "run", elip=Elip(ATTENTION, loss="itm", depth=3)))
    notes = json.loads((done.checkpoint / "elip.json").read_text(encoding="utf-8"))
    assert notes["weight"] in (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
    metric = "hit_rate@1"
    assert done.after.target.metrics[metric].value >= done.before.target.metrics[metric].value


@pytest.fixture
def other_precision():
    """Lets a run have another precision than the one before it in this process."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def test_the_papers_form_is_as_published():
    """256 -> 1024 -> 1024 -> 1408 of one prompt; two-way matching, with the score of the guided picture alone."""
    config = read_config(RECIPE)
    guide, elip = config.elip.guide, config.elip
    assert (guide.form, guide.reads, guide.prompts, guide.entry, guide.deep) == ("prompts", "pooled", 1, 0, 1)
    assert (guide.inner, config.learning_rate, config.batch) == (1024, 1e-5, 12)
    assert (elip.loss, elip.candidates, elip.added, elip.depth) == ("itm", 2, False, 20)


@pytest.mark.slow
@pytest.mark.usefixtures("other_precision")
def test_the_papers_recipe_runs_with_only_its_paths_replaced(start, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    recipe = read_config(RECIPE)
    model, data = replace(recipe.model, start=start), replace(recipe.data, address="scenes:hard-train-24")
    done = train(replace(recipe, out=str(tmp_path / "run"), model=model, data=data))
    assert done.steps == 2
    assert 0 < done.loss < 20
    (reranker,) = chain([f"elip:{done.checkpoint}"], encoders.load("toy"))
    assert (reranker.weight, reranker.guided.guiding) == (None, recipe.elip.guide)


def test_a_blip_2_itself_is_not_trained(start):
    assert open_model(Model(start=start), (), "cpu", guided=True).provenance.model == start
    with pytest.raises(ModelError, match="no weights to train here"):
        open_model(Model(start=start), (), "cpu")
