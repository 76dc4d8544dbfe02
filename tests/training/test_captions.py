"""Training a captioner: exact gradients in pieces, padding that costs nothing, resuming to the bit, what is trained."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from mirante import training
from mirante.captioning.captioner import open_captioner
from mirante.captioning.shapes import NewDecoder
from mirante.datasets.scenes import SceneDataset
from mirante.encoders import _tiny
from mirante.errors import UnknownName, UsageError
from mirante.training import data, learner, loop
from mirante.training.config import Caption, Data, Elip, Hard, Lora, LossTerm, Memory, Model, TrainConfig, Trained
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
