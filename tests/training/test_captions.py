"""Training a captioner: exact gradients in pieces, padding that costs nothing, resuming to the bit, what is trained."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from mirante import training
from mirante.batch import Batch
from mirante.captioning.captioner import open_captioner
from mirante.captioning.shapes import NewDecoder
from mirante.datasets.scenes import SceneDataset
from mirante.encoders import _tiny
from mirante.errors import UnknownName, UsageError
from mirante.training import data, learner, loop
from mirante.training.config import Caption, Data, Elip, Hard, Lora, LossTerm, Memory, Model, TrainConfig, Trained
from mirante.training.gradients import Processes
from mirante.training.likelihood import Likelihood
from mirante.training.pictures import prepare

SMALL = Caption(decoder=NewDecoder(width=32, depth=1, head_width=16, vocabulary=150, dropout=0.1), tokens=24, shown=2)
SEES, SAYS = "encoder.embeddings.patch_embedding.weight", "decoder.transformer.h.0.attn.c_attn.weight"
LEARNT = Data("scenes:train-24", validation="scenes:validation-6", language="pt-BR", captions="longest")


@pytest.fixture(scope="module")
def tower(tmp_path_factory, one_thread):
    return _tiny.siglip(Path(tmp_path_factory.mktemp("tower")) / "model")


@pytest.fixture
def config(tower, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    return TrainConfig(
        str(tmp_path / "run"), Model(start=tower), LEARNT, caption=SMALL, steps=5, batch=6, warmup=2,
        learning_rate=5e-3, save_every=2,
    )  # fmt: skip


@pytest.fixture
def start(config):
    """A captioner in training over the data of `config`, as a function of what differs from it."""

    def begin(**changed):
        made = replace(config, **changed)
        torch.manual_seed(0)
        model = learner.open_model(made, "cpu")
        batches, pixels = prepare(data.open_sets(made.data).batches, model)
        learns = learner.create(made, model)
        learns.choose()
        return made, model, batches, learns.task(pixels, Accelerator(cpu=True))

    return begin


def test_the_longest_caption_of_each_picture_is_learnt_and_measured():
    sets = data.open_sets(LEARNT)
    told = {item.captions[0].text for item in SceneDataset().items("train-24", "pt-BR")}
    assert set(sets.batches.draw(0, 24, seed=0).texts) == told
    assert [one.text for one in sets.validation.captions] == [
        item.captions[0].text for item in SceneDataset().items("validation-6", "pt-BR")
    ]


def test_the_gradient_is_exact_for_any_micro_batch(start):
    caption = replace(SMALL, decoder=replace(SMALL.decoder, dropout=0.0))
    found = {}
    for micro in (0, 1, 4):
        _, model, batches, task = start(caption=caption, memory=Memory(micro=micro))
        loss = task.gradients.backward(batches.draw(0, 6, seed=0), (0, 0))
        found[micro] = {name: value.grad.clone() for name, value in model.module.named_parameters()}
        found[micro]["loss"] = loss
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(found[4][name], value, rtol=1e-4, atol=1e-6)
    assert sum(value.abs().sum() > 0 for value in found[0].values()) > 20


def test_the_loss_is_of_the_words_alone(start):
    """By hand: the mean of the costs of every caption's words and its end, each caption read by itself."""
    _, model, batches, task = start(caption=replace(SMALL, decoder=replace(SMALL.decoder, dropout=0.0)))
    batch = batches.draw(0, 6, seed=0)
    costs = []
    for text, picture in batch.true.tolist():
        row = model.targets([batch.texts[text]], 24)[0]
        pixels = task.gradients.pictures.batch(batch.rows[[picture]])
        with torch.no_grad():
            logits, _, _ = model.logits(pixels, [row])
        costs += (-logits[0].log_softmax(-1)[range(len(row)), row]).tolist()
    assert task.gradients.loss(batch, (0, 0)).item() == pytest.approx(sum(costs) / len(costs), rel=1e-4)


def test_smoothing_is_that_of_torch():
    logits, ids = torch.randn(2, 3, 7), torch.tensor([[1, 2, 3], [4, 0, 0]])
    real = torch.tensor([[True, True, True], [True, False, False]])
    own = torch.nn.functional.cross_entropy(logits[real], ids[real], label_smoothing=0.1, reduction="sum")
    torch.testing.assert_close(Likelihood(0.1)(logits, ids, real), own)


@pytest.mark.parametrize(
    ("trained", "moves", "stays"),
    [
        (
            Trained(image="none"),
            "decoder.transformer.h.0.attn.c_attn.weight",
            "encoder.embeddings.patch_embedding.weight",
        ),
        (
            Trained(text="none"),
            "encoder.embeddings.patch_embedding.weight",
            "decoder.transformer.h.0.attn.c_attn.weight",
        ),
    ],
    ids=["decoder", "tower"],
)
def test_what_is_not_trained_stays(start, trained, moves, stays):
    made, model, batches, task = start(trained=trained, steps=2)
    before = {name: value.detach().clone() for name, value in model.module.named_parameters()}
    loop.run(made, task, batches, accelerator=Accelerator(cpu=True))
    now = dict(model.module.named_parameters())
    assert torch.equal(now[stays], before[stays])
    assert not torch.equal(now[moves], before[moves])


def test_a_run_that_goes_on_is_the_run_that_was_never_stopped(start, tmp_path):
    """Dropout, micro-batches and resuming together."""

    def run(out, *stops):
        for stop in stops:
            made, model, batches, task = start(out=str(out), stop_after=stop, memory=Memory(micro=4), save_every=1)
            torch.manual_seed(stop)
            loop.run(made, task, batches, accelerator=Accelerator(cpu=True))
        return load_file(next(out.glob("state-*")) / "state.safetensors"), model.module.state_dict()

    (whole, weights), (parts, others) = run(tmp_path / "one", 5), run(tmp_path / "two", 2, 3, 5)
    for name, value in {**whole, **weights}.items():
        torch.testing.assert_close({**parts, **others}[name], value, rtol=0, atol=0)


def test_a_whole_run_leaves_a_captioner_its_figures_and_its_card(config):
    done = training.train(replace(config, validate_every=4, select="cider_d"))
    assert set(done.after.target.metrics) == {"bleu_4", "rouge_l", "cider_d"}
    said = done.after.target.protocol
    assert (said.direction, said.queries, said.gallery, said.language) == ("image_to_text", 6, 0, "pt-BR")
    assert done.before.target is None
    written = done.after.target.written
    assert [one.image for one in written] == ["validation-0000000", "validation-0000001"]
    card = (done.checkpoint / "README.md").read_text()
    assert 'pipeline_tag: "image-to-text"' in card
    assert written[0].references[0] in card
    assert open_captioner(str(done.checkpoint)).form.end == 2
    again = training.train(replace(config, validate_every=4, select="cider_d"))
    assert (again.resumed, again.steps, again.after) == (5, 5, done.after)


def test_it_learns(start):
    """Four pictures, by heart."""
    few = replace(LEARNT, address="scenes:train-4", validation=None)
    made, _, batches, task = start(data=few, steps=60, batch=4, learning_rate=2e-2, caption=replace(SMALL, tokens=32))
    first = task.gradients.loss(batches.draw(0, 4, seed=0), (0, 0)).item()
    loop.run(made, task, batches, accelerator=Accelerator(cpu=True))
    assert task.gradients.loss(batches.draw(0, 4, seed=0), (0, 0)).item() < 0.3 * first


def test_adapters_are_folded_in(start, tmp_path):
    made, model, batches, task = start(trained=Trained(lora=Lora(rank=2)), steps=2)
    loop.run(made, task, batches, accelerator=Accelerator(cpu=True))
    opened = open_captioner(str(learner.create(made, model).save(tmp_path / "merged")))
    assert not any("lora" in name for name, _ in opened.module.named_parameters())


REFUSED = {
    "losses": ({"losses": (LossTerm("sigmoid"),)}, "losses says nothing"),
    "hard": ({"hard": Hard()}, "hard says nothing"),
    "elip": ({"elip": Elip()}, "elip says nothing"),
    "blocks": ({"trained": Trained(image=2)}, "trained.image = 2"),
    "nothing": ({"trained": Trained(image="none", text="none")}, "not both"),
    "apart": ({"trained": Trained(lora=Lora(merge=False))}, "adapters kept apart"),
    "smoothing": ({"caption": replace(SMALL, smoothing=1.0)}, "caption.smoothing"),
    "tokens": ({"caption": replace(SMALL, tokens=0)}, "tokens of a caption"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_settings_that_say_nothing_of_a_captioner_are_refused(config, case):
    changed, message = REFUSED[case]
    with pytest.raises(UsageError, match=message):
        training.check(replace(config, **changed))


def test_the_metric_to_select_by_is_one_of_captions(config):
    with pytest.raises(UnknownName, match=r"'hit_rate@1'.*cider_d"):
        training.check(replace(config, validate_every=2))


def test_a_whole_run_keeps_what_its_report_shows(config):
    """The captions of two of the six validation pictures, small pictures of these two, figures, price and machine."""
    done = training.train(replace(config, usd_per_hour=2.0))
    kept = json.loads((Path(config.out) / "captions.json").read_text(encoding="utf-8"))
    assert [one["image"] for one in kept["examples"]] == ["validation-0000000", "validation-0000001"]
    assert kept["examples"] == done.to_dict()["examples"]
    first = done.after.target.written[0]
    assert kept["examples"][0] == {
        "image": first.image, "before": None, "after": first.caption, "references": list(first.references),
    }  # fmt: skip
    assert len(list((Path(config.out) / "thumbnails").glob("*.jpg"))) == 2
    assert (kept["usd_per_hour"], kept["protocols"]["target"]["queries"]) == (2.0, 6)
    assert kept["environment"]["python"]


def test_a_run_that_a_limit_stopped_has_nothing_to_show(config):
    training.train(replace(config, max_hours=1e-9))
    assert not (Path(config.out) / "captions.json").exists()


STILL = replace(SMALL, decoder=replace(SMALL.decoder, dropout=0.0))


def test_a_caption_of_several_pictures_is_learnt_under_each(start):
    """Two captions and three pictures, the first caption of two of them: three costs, each of its own picture."""
    _, model, batches, task = start(caption=STILL)
    drawn = batches.draw(0, 3, seed=0)
    true = np.array([[0, 0], [0, 2], [1, 1]])
    batch = Batch(drawn.rows, drawn.texts[:2], true, drawn.roles[:2])
    rows, costs = model.targets(batch.texts, 24), 0.0
    for text, picture in true.tolist():
        pixels = task.gradients.pictures.batch(batch.rows[[picture]])
        with torch.no_grad():
            costs += Likelihood()(*model.logits(pixels, [rows[text]])).item()
    words = 2 * len(rows[0]) + len(rows[1])
    assert task.gradients.loss(batch, (0, 0)).item() == pytest.approx(costs / words, rel=1e-4)


def test_every_piece_of_a_batch_drops_out_by_itself(start):
    """The same caption of the same picture twice, in pieces of one: two costs, the same two for the same seed."""
    strong = replace(SMALL, decoder=replace(SMALL.decoder, dropout=0.5))
    _, model, batches, task = start(caption=strong, memory=Memory(micro=1))
    model.module.train()
    drawn, seen = batches.draw(0, 2, seed=0), []
    twice = Batch(drawn.rows[:1], drawn.texts[:1], np.array([[0, 0], [0, 0]]), drawn.roles[:1])
    task.objective.register_forward_hook(lambda module, given, cost: seen.append(cost.item()))
    for _ in range(2):
        task.gradients.loss(twice, (0, 7))
    assert seen[0] != seen[1]
    assert seen[:2] == seen[2:]


def test_processes_share_the_captions_and_their_losses_add_up(start, monkeypatch):
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda total: None)
    _, _, batches, task = start(caption=STILL)
    batch = batches.draw(0, 5, seed=0)
    whole = task.gradients.loss(batch, (0, 0)).item()
    parts = [replace(task.gradients, processes=Processes(rank, 2)).loss(batch, (0, 0)).item() for rank in (0, 1)]
    assert min(parts) > 0
    assert sum(parts) == pytest.approx(whole, rel=1e-4)


def test_gradients_of_fp16_are_scaled_and_the_loss_is_told_as_it_is(start):
    class Scaler:
        def scale(self, cost):
            return 8 * cost

    found = {}
    for name, scaler in (("plain", None), ("scaled", Scaler())):
        _, model, batches, task = start(caption=STILL)
        loss = replace(task.gradients, scaler=scaler).backward(batches.draw(0, 4, seed=0), (0, 0))
        found[name] = loss, dict(model.module.named_parameters())[SAYS].grad
    torch.testing.assert_close(found["scaled"][1], 8 * found["plain"][1])
    assert found["scaled"][0] == found["plain"][0]


def test_labels_are_smoothed_as_the_configuration_says(start):
    _, _, _, task = start(caption=replace(STILL, smoothing=0.3))
    given = torch.randn(1, 2, 7), torch.tensor([[1, 2]]), torch.ones(1, 2, dtype=torch.bool)
    assert task.objective(*given) == Likelihood(0.3)(*given) != Likelihood()(*given)


def test_adapters_go_on_learning_after_a_checkpoint_was_folded(start, tmp_path):
    made, model, _, _ = start(trained=Trained(lora=Lora(rank=2)))
    before = {name: value.detach().clone() for name, value in model.module.named_parameters()}
    learner.create(made, model).save(tmp_path / "folded")
    now = dict(model.module.named_parameters())
    assert any("lora_A" in name for name in now)
    assert all(torch.equal(now[name], value) for name, value in before.items())


def test_a_checkpoint_is_measured_with_the_prompt_and_the_beams_of_its_training(start, tmp_path, monkeypatch):
    made, model, _, _ = start(caption=replace(STILL, prompt="uma", beams=2))
    learns, asked = learner.create(made, model), []
    again = learns.reopen(learns.save(tmp_path / "kept"))

    def describe(captioner, pictures, style):
        asked.append((captioner.form.begin, style.beams, style.tokens))
        return iter([])

    monkeypatch.setattr("mirante.training.writes.describe", describe)
    monkeypatch.setattr("mirante.training.writes.measure", lambda *given, **more: {})
    again.measure(data.open_sets(made.data).validation)
    assert asked == [(model.form.begin, 2, 24)]
    assert len(model.form.begin) > 1
