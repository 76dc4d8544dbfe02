"""Every registered encoder over the same pairs: a wrong pooling, prompt or start of one moves its golden rows."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file
from tiny_checkpoints import library_or_skip
from torch.nn.functional import normalize

from mirante import registry
from mirante.doctor import golden
from mirante.encoders._matcher import Blip, Blip2
from mirante.encoders._speech import PROMPTS

ROWS = load_file(golden.HOME)
CHATS = ("llava", "qwen-vl", "qwen-vl:half", "qwen-vl:third", "janus")


class AveragedPatches(Blip):
    def looks(self, model, seen):
        return normalize(model.vision_proj(seen.mean(dim=1)).float(), dim=-1)


class LastToken(Blip):
    def row(self, model, tokens):
        return normalize(model.text_proj(model.text_encoder(**tokens).last_hidden_state[:, -1]).float(), dim=-1)


class AveragedQueries(Blip2):
    def looks(self, model, seen):
        looked = super().looks(model, seen)
        return normalize(looked.mean(dim=1, keepdim=True).expand_as(looked), dim=-1)


class LastTokenOfTheFormer(Blip2):
    def row(self, model, said):
        return super().row(model, said[:, -1:])


def told(**changed):
    return lambda encoder: setattr(encoder, "speech", replace(encoder.speech, **changed))


def other_family(family):
    return lambda encoder: setattr(encoder, "family", family())


def no_answer_begun(encoder):
    encoder.reader.template = encoder.reader.template.replace("ASSISTANT:", "").replace("<|Assistant|>:", "")
    encoder.reader.template = encoder.reader.template.replace("<|im_start|>assistant\n", "")


def start_token_twice(encoder):
    encoder.reader.template = "<s>" + encoder.reader.template


def first_token(encoder):
    encoder.module[1].pooling_mode = "cls"


def first_values(features):
    return {**features, "sentence_embedding": features["sentence_embedding"][:, :16]}


MISTAKES = [
    *((name, "mean for last", told(pool="mean"), "both") for name in CHATS),
    *((name, "another prompt", lambda one: setattr(one, "speech", PROMPTS["represent"]), "both") for name in CHATS),
    *((name, "no words behind the picture", told(picture=""), "images") for name in CHATS),
    *((name, "no words behind the text", told(text="{text}"), "texts") for name in CHATS),
    *((name, "no answer begun", no_answer_begun, "both") for name in CHATS),
    *((name, "start token twice", start_token_twice, "both") for name in ("llava", "janus")),
    ("sentence-transformers", "no dense layer", lambda one: setattr(one.module[1], "forward", first_values), "both"),
    ("sentence-transformers:reader", "first token for mean", first_token, "texts"),
    ("blip", "mean over patches", other_family(AveragedPatches), "images"),
    ("blip", "text read at its last token", other_family(LastToken), "texts"),
    ("blip2", "mean over queries", other_family(AveragedQueries), "images"),
    ("blip2", "text read at its last token", other_family(LastTokenOfTheFormer), "texts"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tiny")


def distances(encoder, name):
    texts = np.concatenate([encoder.encode_texts([text]) for text in golden.TEXTS])
    images = encoder.encode_images(golden.pictures())
    return {
        "images": golden.distance(images, ROWS[f"{name}/images"]),
        "texts": golden.distance(texts, ROWS[f"{name}/texts"]),
    }


@pytest.mark.parametrize("name", sorted({key.rpartition("/")[0] for key in ROWS}))
def test_without_a_mistake_every_encoder_gives_its_golden_rows(name, folder):
    with library_or_skip():
        encoder = golden.open_model(name, folder, "cpu")
    assert max(distances(encoder, name).values()) < golden.TOLERANCE / 10


@pytest.mark.parametrize(("name", "mistake", "breaks", "side"), MISTAKES)
def test_a_mistake_moves_the_rows(name, mistake, breaks, side, folder):
    encoder = golden.open_model(name, folder, "cpu")
    breaks(encoder)
    found = distances(encoder, name)
    moved = {one for one, far in found.items() if far > 3 * golden.TOLERANCE}
    assert moved == ({"images", "texts"} if side == "both" else {side}), mistake


def test_every_family_with_a_network_is_broken_on_purpose_somewhere():
    """CLIP's and SigLIP's mistakes are in the tests of the doctor, OpenCLIP's in its own."""
    broken = {name.partition(":")[0] for name, *_ in MISTAKES} | {"clip", "siglip", "siglip2", "openclip"}
    assert broken == set(registry.names("mirante.encoders")) - {"toy"}
