"""A model that runs here says what the library's own greedy generation says, in pieces; it stops and fails in order."""

from functools import wraps

import numpy as np
import PIL.Image
import pytest
import torch
import transformers

from mirante.encoders import _tiny, clip
from mirante.errors import ModelError, UsageError
from mirante.generation import Asked, Retrieved, Template, open_generator
from mirante.generation import transformers as local

TEMPLATE = Template("{captions}", "{items} {question}", "S")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    return _tiny.llava(tmp_path_factory.mktemp("llava") / "model")


@pytest.fixture
def generator(address, monkeypatch):
    monkeypatch.setattr(local, "TOKENS", 12)
    return open_generator(f"transformers:{address}")


def noise(seed):
    return PIL.Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 48, 3), dtype=np.uint8))


def asked(*items):
    return Asked("who?", "en", items, TEMPLATE)


PICTURED = asked(Retrieved("7", ("a star",), image=lambda: noise(1)), Retrieved("8", image=lambda: noise(2)))


def library(address, words, images):
    """Twelve greedy tokens, by the library alone."""
    model = transformers.LlavaForConditionalGeneration.from_pretrained(address).eval()
    processor = transformers.LlavaProcessor.from_pretrained(address)
    said = "<s>USER: " + "<image>\n" * len(images) + f"{words} ASSISTANT:"
    given = processor(text=said, images=images or None, add_special_tokens=False, return_tensors="pt")
    with torch.no_grad():
        made = model.generate(**given, max_new_tokens=12, do_sample=False)
    return processor.tokenizer.decode(made[0, given["input_ids"].shape[1] :], skip_special_tokens=True)


def test_it_says_what_the_library_says(generator, address):
    from mirante.generation._prompt import prompt_for

    prompt = prompt_for(PICTURED)
    wanted = library(address, prompt.whole, list(prompt.images))
    assert "".join(generator.generate(PICTURED)) == wanted
    assert "".join(generator.generate(PICTURED)) == wanted


def test_without_pictures_it_reads_the_words(generator, address):
    from mirante.generation._prompt import prompt_for

    bare = asked(Retrieved("7", ("a star",)))
    assert "".join(generator.generate(bare)) == library(address, prompt_for(bare).whole, [])


def test_who_stops_reading_stops_the_model(generator, monkeypatch):
    monkeypatch.setattr(local, "TOKENS", 400)
    steps = []
    forward = generator.module.forward

    @wraps(forward)
    def counted(*given, **named):
        steps.append(1)
        return forward(*given, **named)

    monkeypatch.setattr(generator.module, "forward", counted)
    pieces = generator.generate(PICTURED)
    next(pieces)
    pieces.close()
    assert 0 < len(steps) < 400


def test_a_model_that_fails_is_one_error(generator, monkeypatch):
    @wraps(generator.module.forward)
    def fails(*given, **named):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(generator.module, "forward", fails)
    with pytest.raises(ModelError, match=r"failed at its answer \(out of memory\): show fewer items"):
        list(generator.generate(PICTURED))


def test_its_name_opens_it_again(generator, address):
    assert generator.name == f"transformers:{address}"


def test_a_model_that_writes_nothing_is_refused(tmp_path):
    with pytest.raises(ModelError, match="answers no questions on pictures"):
        open_generator(f"transformers:{clip.tiny(tmp_path / 'clip')}")


def test_no_model_is_one_message():
    with pytest.raises(UsageError, match=r"'transformers' needs a model: e\.g\. transformers:"):
        open_generator("transformers")
