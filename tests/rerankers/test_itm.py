"""Image–text matching in two parts gives what the library's own forward pass gives, and sees each picture once."""

import numpy as np
import PIL.Image
import pytest
import torch

from mirante import encoders
from mirante.encoders import _tiny, clip
from mirante.encoders._matcher import open_matcher
from mirante.errors import ModelError, UsageError
from mirante.rerankers import Candidates, chain
from mirante.types import Picture

TEXT, OTHER = "a red square on a blue background", "três peixes verdes"


@pytest.fixture(scope="module", params=["blip", "blip-2"])
def address(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "model"
    return {"blip": _tiny.blip, "blip-2": _tiny.blip2}[request.param](folder)


@pytest.fixture(scope="module")
def matcher(address):
    opened = open_matcher(address)
    opened.module.requires_grad_(False)
    if hasattr(opened.module, "query_tokens"):  # a new model starts them at zero
        torch.nn.init.normal_(opened.module.query_tokens)
    return opened


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return [PIL.Image.fromarray(rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)) for _ in range(5)]


def library(matcher, images, text, *, matching):
    """The whole forward pass of the library: (B,) logit of a match less that of none, or cosines."""
    tokens = matcher.tokenizer([text], return_tensors="pt")
    pixels = matcher.image_processor(images=images, return_tensors="pt")["pixel_values"]
    ids, mask = tokens["input_ids"], tokens["attention_mask"]
    if matching:
        ids, mask = ids.expand(len(images), -1), mask.expand(len(images), -1)
    if matcher.module.config.model_type == "blip":
        judged = matcher.module(pixel_values=pixels, input_ids=ids, attention_mask=mask, use_itm_head=matching)
        judged = judged.itm_score
    else:
        judged = matcher.module(
            pixel_values=pixels, input_ids=ids, attention_mask=mask, use_image_text_matching_head=matching
        ).logits_per_image
    return judged[:, 1] - judged[:, 0] if matching else judged[:, 0]


def test_the_match_is_the_librarys(matcher, images):
    found = matcher.match(TEXT, matcher.see(images))
    torch.testing.assert_close(found, library(matcher, images, TEXT, matching=True), rtol=1e-4, atol=1e-5)
    assert found.std() > 1e-3
    assert (found - matcher.match(OTHER, matcher.see(images))).abs().max() > 1e-3


def test_the_cosine_is_the_librarys(matcher, images):
    found = matcher.similarity(TEXT, matcher.see(images))
    torch.testing.assert_close(found, library(matcher, images, TEXT, matching=False), rtol=1e-4, atol=1e-5)
    assert found.std() > 1e-3


def counted(images, calls):
    def load(number):
        calls.append(number)
        return images[number]

    return [Picture(str(n), f"content-{n}", lambda n=n: load(n)) for n in range(len(images))]


def asked(text, pictures):
    rows = np.eye(len(pictures), dtype=np.float32)
    return Candidates(text, pictures, np.linspace(1, 0, len(pictures), dtype=np.float32), rows[0], rows)


def test_candidates_are_scored_by_match_and_cosine_each_picture_seen_once(address, images):
    (reranker,) = chain([f"itm:{address}"], None)
    calls = []
    pictures, matcher = counted(images, calls), reranker.matcher
    matcher.batch = 2
    for text, chosen in ((TEXT, pictures[:4]), (OTHER, pictures[2:])):
        found = reranker.score(asked(text, chosen))
        seen = matcher.see([images[int(one.id)] for one in chosen])
        wanted = matcher.match(text, seen) + matcher.similarity(text, seen)
        np.testing.assert_allclose(found, wanted.detach().numpy(), rtol=1e-4, atol=1e-5)
    assert calls == [0, 1, 2, 3, 4]
    assert reranker.name == f"itm:{address}"


def test_only_so_many_pictures_are_kept(address, images):
    (reranker,) = chain([f"itm:{address}"], None)
    reranker.kept.size = 2
    calls = []
    pictures = counted(images, calls)
    reranker.matcher.batch = 2
    reranker.score(asked(TEXT, pictures[:4]))
    reranker.score(asked(TEXT, pictures[3:]))
    assert calls == [0, 1, 2, 3, 4]
    reranker.score(asked(TEXT, pictures[:1]))
    assert calls == [0, 1, 2, 3, 4, 0]


def test_a_matcher_is_named_and_is_one(tmp_path):
    with pytest.raises(UsageError, match="'itm' needs a model"):
        chain(["itm"], None)
    other = clip.tiny(tmp_path / "clip")
    with pytest.raises(ModelError, match="of type 'clip', which matches no pictures and texts"):
        chain([f"itm:{other}"], encoders.load("toy"))
