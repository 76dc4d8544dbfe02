"""Tiny random captioners of each family, and a few pictures."""

import pytest
import torch
import transformers

from mirante import encoders
from mirante.captioning import decoder
from mirante.captioning.captioner import open_captioner
from mirante.captioning.shapes import NewDecoder
from mirante.datasets.scenes import SceneDataset
from mirante.encoders import _tiny
from mirante.encoders._checkpoint import quiet

TEXTS = ["um gato preto no mar", "duas estrelas amarelas à noite", "três peixes verdes"]
LOUD = {"initializer_range": 0.3}
SIZES = {"size": {"height": 32, "width": 32}}


def blip(folder):
    tokenizer = _tiny._bert_tokenizer()
    marks = {"pad_token_id": 0, "bos_token_id": 4, "eos_token_id": 1, "sep_token_id": 3, "vocab_size": len(tokenizer)}
    words = _tiny.TOWER | marks | LOUD | {"encoder_hidden_size": 32, "max_position_embeddings": 64}
    config = transformers.BlipConfig(text_config=words, vision_config=_tiny.TOWER | _tiny.PICTURE | LOUD, **LOUD)
    parts = (tokenizer, transformers.BlipImageProcessorPil(**SIZES))
    return _tiny._write(folder, transformers.BlipForConditionalGeneration, config, parts)


def git(folder):
    tokenizer = _tiny._bert_tokenizer()
    words = {"vocab_size": len(tokenizer), "max_position_embeddings": 64, "pad_token_id": 0}
    marks = {"bos_token_id": 2, "eos_token_id": 3}
    vision = _tiny.TOWER | _tiny.PICTURE | LOUD
    config = transformers.GitConfig(vision_config=vision, **_tiny.TOWER, **words, **marks, **LOUD)
    pictures = transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=SIZES["size"])
    return _tiny._write(folder, transformers.GitForCausalLM, config, (tokenizer, pictures))


def decoded(folder):
    encoder = encoders.load(_tiny.siglip(folder.parent / "tower"))
    shape = NewDecoder(width=32, depth=1, head_width=16, vocabulary=200, dropout=0.0)
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(3)
        made = decoder.build(encoder, shape, TEXTS, longest=24, prompt="")
        for value in made.module.decoder.parameters():
            value.data.mul_(4)
        made.save(folder)
    return str(folder)


FAMILIES = {"blip": blip, "git": git, "decoder": decoded, "llava": _tiny.llava}


@pytest.fixture(scope="session", params=FAMILIES)
def address(request, tmp_path_factory):
    return FAMILIES[request.param](tmp_path_factory.mktemp(request.param) / "model")


@pytest.fixture(scope="session")
def blip_folder(tmp_path_factory):
    return blip(tmp_path_factory.mktemp("blip") / "model")


@pytest.fixture
def captioner(address):
    return open_captioner(address)


@pytest.fixture(scope="session")
def pictures():
    return [item.picture for item in SceneDataset().items("test-5", "pt-BR")]
