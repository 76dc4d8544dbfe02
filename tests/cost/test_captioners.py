"""What a captioner costs: its parameters exactly, its activations as torch keeps them, and what its settings change."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers.models.blip.modeling_blip_text import BlipTextLMHeadModel

from mirante import cost
from mirante.captioning.shapes import NewDecoder
from mirante.cost import captioners, hours, memory, trial
from mirante.cost.shapes import Shape, Tower, configuration
from mirante.cost.work import Side, forward, work
from mirante.encoders import _tiny
from mirante.encoders._checkpoint import quiet
from mirante.errors import UsageError
from mirante.training import Parameters, TrainConfig, learner, train
from mirante.training.config import Caption, Data, Lora, Memory, Model, Trained

NEW = Caption(decoder=NewDecoder(width=32, depth=2, head_width=16, vocabulary=150, dropout=0.1), tokens=24)
PUBLISHED = {
    "Salesforce/blip-image-captioning-base": 247_414_076,
    "Salesforce/blip-image-captioning-large": 469_732_924,
}
"""As the hub counts the numbers in their safetensors, which hold the matrix of 30,524 words of 768 numbers twice."""
TRAINED = {
    "everything": Trained(),
    "the decoder": Trained(image="none"),
    "the tower": Trained(text="none"),
    "adapters": Trained(lora=Lora(rank=3)),
    "adapters in the decoder": Trained(image="none", lora=Lora(rank=2)),
}


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _tiny.siglip(tmp_path_factory.mktemp("tower") / "model")


@pytest.fixture
def config(tower: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    data = Data("scenes:train-24", validation="scenes:validation-4", language="pt-BR", captions="longest")
    return TrainConfig(str(tmp_path / "run"), Model(start=tower), data, caption=NEW, steps=6, batch=6, warmup=0)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_captioner_has_its_published_number_of_parameters(config: TrainConfig, name: str) -> None:
    recipe = replace(config, model=Model(start=name), caption=Caption())
    assert captioners.shape(recipe, Caption()).parameters.all + 30_524 * 768 == PUBLISHED[name]


@pytest.mark.parametrize("kind", TRAINED)
def test_what_is_counted_is_what_training_trains(config: TrainConfig, kind: str) -> None:
    """With a vocabulary that the captions fill."""
    recipe = replace(config, trained=TRAINED[kind])
    told = captioners.shape(recipe, NEW).parameters
    model = learner.open_model(recipe, "cpu")
    assert len(model.tokenizer) == 150
    assert (told.trained, told.all) == learner.create(recipe, model).choose()


def test_a_model_that_compares_writes_no_captions(config: TrainConfig) -> None:
    with pytest.raises(UsageError, match=r"type 'siglip' writes no captions.*\[caption.decoder\]"):
        captioners.shape(config, replace(NEW, decoder=None))


def saved(make: Callable[[int], Any], width: int) -> float:
    """Numbers that a block of a real decoder keeps of one of 3 captions of 20 words, over 30 tokens of a picture."""
    kept: dict[int, dict[int, tuple[int, torch.Tensor]]] = {1: {}, 3: {}}
    for depth, found in kept.items():
        with quiet():
            module = make(depth).train()
        own = {value.untyped_storage().data_ptr() for value in module.parameters()}

        def keep(tensor: torch.Tensor, own: set[int] = own, found: Any = found) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                found[storage.data_ptr()] = (storage.nbytes(), tensor)
            return tensor

        ids, seen = torch.randint(5, 50, (3, 20)), torch.rand(3, 30, width, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
            module(input_ids=ids, attention_mask=torch.ones_like(ids), encoder_hidden_states=seen, use_cache=False)
    one, three = (sum(size for size, _ in found.values()) for found in kept.values())
    return (three - one) / 2 / 3 / 4


def gpt(width: int, heads: int, drop: float) -> Any:
    return lambda depth: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=60, n_positions=64, n_embd=width, n_layer=depth, n_head=heads, add_cross_attention=True,
            is_decoder=True, resid_pdrop=drop, embd_pdrop=drop, attn_pdrop=drop, bos_token_id=1, eos_token_id=2,
        )
    )  # fmt: skip


def blip(width: int, heads: int, drop: float) -> Any:
    return lambda depth: BlipTextLMHeadModel(
        transformers.BlipTextConfig(
            vocab_size=60, hidden_size=width, encoder_hidden_size=width, num_hidden_layers=depth,
            num_attention_heads=heads, intermediate_size=4 * width, max_position_embeddings=64,
            hidden_dropout_prob=drop, attention_probs_dropout_prob=drop, is_decoder=True, bos_token_id=1,
            sep_token_id=2,
        )
    )  # fmt: skip


@pytest.mark.parametrize(("heads", "drop"), [(4, 0.0), (8, 0.0), (4, 0.05), (8, 0.05)])
def test_a_new_decoder_s_block_keeps_what_torch_keeps(heads: int, drop: float) -> None:
    real = saved(gpt(64, heads, drop), 64)
    tower = captioners._reads(gpt(64, heads, drop)(2).config, Tower(30, 64, 1, 64, 1, 1), 20)
    assert 20 * memory.kept(tower, half=False) / 4 + tower.beside == pytest.approx(real, rel=0.02)


def test_blip_s_block_keeps_what_torch_keeps() -> None:
    real = saved(blip(64, 4, 0.0), 64)
    tower = captioners._reads(blip(64, 4, 0.0)(2).config, Tower(30, 64, 1, 64, 1, 1), 20)
    assert 20 * memory.kept(tower, half=False) / 4 + tower.beside == pytest.approx(real, rel=0.02)


def test_a_decoder_by_hand(config: TrainConfig) -> None:
    """Two blocks of 32 over 25 tokens (24 and the start) choose among 150; the tower's patches are seen in each."""
    found = captioners.shape(config, NEW)
    settings = configuration(config.model).vision_config
    patches = (settings.image_size // settings.patch_size) ** 2
    assert (found.image.tokens, found.text.tokens, found.vocabulary) == (patches, 25, 150)
    assert (found.text.width, found.text.depth, found.text.inner) == (32, 2, 128)
    looks = 2 * 2 * 32 * (25 * 32 + patches * settings.hidden_size + 25 * patches)
    assert found.text.products == 25 * 32 * 150 + looks


def test_the_words_of_a_prompt_are_read_before_every_caption(config: TrainConfig) -> None:
    assert captioners.shape(config, replace(NEW, prompt="uma foto de")).text.tokens == 28


SHAPE = Shape(
    "blip", Tower(5, 8, 3, 32, 2, 3), Tower(4, 8, 3, 32, 2, 3, beside=100.0), 0, 10, Parameters(1000, 4000), {},
    vocabulary=50,
)  # fmt: skip


def peak(config: TrainConfig) -> int:
    return memory.need(config, SHAPE, work(config, SHAPE), processor=False, pictures=24).peak


def test_activations_and_choices_by_hand(config: TrainConfig) -> None:
    """Of six captions: the picture's 5 tokens, the caption's 4 and what looking takes; 4 × 50 choices thrice."""
    parts = memory.need(config, SHAPE, work(config, SHAPE), processor=False, pictures=24).parts
    image, text = 5 * (3 * 536 + 2 * 32), 4 * (3 * 536 + 2 * 32) + 3 * 4 * 100
    assert parts["activations"] == 6 * (image + text)
    assert parts["loss"] == 3 * 4 * 6 * 4 * 50


def test_pieces_hold_less_and_compute_no_more(config: TrainConfig) -> None:
    whole, pieces = (work(replace(config, memory=Memory(micro=micro)), SHAPE) for micro in (0, 2))
    assert whole.step() == pieces.step()
    many = replace(config, batch=600)
    assert peak(replace(many, memory=Memory(micro=2))) < peak(replace(many, memory=Memory(micro=60))) < peak(many)
    assert peak(replace(many, memory=Memory(checkpointing=True))) < peak(many)


def test_a_piece_s_activations_stand_beside_the_gradients_of_those_before(config: TrainConfig) -> None:
    heavy = replace(SHAPE, parameters=Parameters(10**6, 10**6))
    recipe = replace(config, memory=Memory(micro=2))
    found = memory.need(recipe, heavy, work(recipe, heavy), processor=False, pictures=24)
    assert found.peak >= memory.CONTEXT + 4 * 4 * 10**6 + found.parts["activations"]


def test_a_locked_tower_sees_and_keeps_nothing(config: TrainConfig) -> None:
    locked = work(replace(config, trained=Trained(image="none")), SHAPE)
    assert locked.images.operations() == 6 * forward(SHAPE.image)
    assert (locked.once, locked.images.items) == (0, 6)
    blind = work(replace(config, trained=Trained(text="none")), SHAPE)
    assert blind.texts.operations() == 6 * 2 * forward(SHAPE.text)


def test_a_new_decoder_is_not_measured_before_and_a_captioner_is(config: TrainConfig) -> None:
    plan = cost._plan(config)
    pace = hours.Pace(1.0, 1e9, 1)
    once = hours.seconds(plan, pace)["measuring"]
    old = replace(plan, config=replace(config, caption=replace(NEW, decoder=None)))
    assert hours.seconds(old, pace)["measuring"] == pytest.approx(2 * once)
    more = replace(plan, config=replace(config, caption=replace(NEW, beams=3)))
    assert hours.seconds(more, pace)["measuring"] > once


def test_a_captioner_that_is_here_is_tried_and_another_is_not(config: TrainConfig) -> None:
    assert trial.possible(cost._plan(config))
    there = replace(config, model=Model(start="Salesforce/blip-image-captioning-base"), caption=Caption())
    assert not trial.possible(cost._plan(there))
    unread = replace(config, data=Data("hf:ana/much", limit=10))
    assert not trial.possible(cost._plan(unread))  # its words are what a new decoder's tokenizer learns


@pytest.mark.slow
def test_a_real_trial_is_of_this_captioner_and_agrees_with_its_run(config: TrainConfig) -> None:
    found = trial.run(config, 6, seconds=1.0)
    done = train(config)
    assert (found.trained, found.parameters) == (done.parameters.trained, done.parameters.all)
    assert 0.3 < found.peak / done.cost["peak_bytes"] < 3


def test_side_without_pieces_is_chunked_only_where_a_loss_compares() -> None:
    side = Side(Tower(5, 8, 3, 32, 2, 3), 6.0, micro=2)
    assert side.chunked
    assert not replace(side, added=True).chunked
    assert replace(side, added=True).chunk == 2
