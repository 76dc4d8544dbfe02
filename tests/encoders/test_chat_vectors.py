"""Chat models as encoders: their rows equal what the library gives for the prompts that are written out here."""

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from mirante import encoders
from mirante.encoders import janus, llava, qwen_vl
from mirante.errors import ModelError, UnknownName

TEXTS = ["a red square", "um cão azul", "two yellow stars under a bridge at night"]
RNG = np.random.default_rng(5)
PICTURES = [
    Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)) for height, width in ((40, 64), (33, 32))
]
ABOVE = "Summary above {} in one word: "
QWEN_USER, QWEN_ANSWER = "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant"
QWEN_PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"


def state(folder, kind, inputs, pool="last"):
    """The row of one conversation, unpadded: the last layer's state of its last token, or the mean of all."""
    model = kind.from_pretrained(folder).eval()
    states = model(**inputs, output_hidden_states=True).hidden_states[-1][0]
    row = states[-1] if pool == "last" else states.mean(dim=0)
    return torch.nn.functional.normalize(row, dim=-1).detach().numpy()


def llava_row(folder, words, picture=None, pool="last"):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    said = f"<s>USER: {'<image>' * 16 + chr(10) if picture else ''}{words} ASSISTANT:"
    inputs = dict(tokenizer(said, add_special_tokens=False, return_tensors="pt"))
    if picture:
        inputs |= transformers.CLIPImageProcessorPil.from_pretrained(folder)(picture, return_tensors="pt")
    return state(folder, transformers.LlavaForConditionalGeneration, inputs, pool)


def janus_row(folder, words, picture=None, pool="last"):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    seen = "<begin_of_image>" + "<image_placeholder>" * 16 + "<end_of_image>\n"
    said = f"<s><|User|>: {seen if picture else ''}{words}\n<|Assistant|>:"
    inputs = dict(tokenizer(said, add_special_tokens=False, return_tensors="pt"))
    inputs.pop("token_type_ids", None)
    if picture:
        inputs |= transformers.JanusImageProcessorPil.from_pretrained(folder)(picture, return_tensors="pt")
    return state(folder, transformers.JanusForConditionalGeneration, inputs, pool)


def qwen_row(folder, words, picture=None, pool="last", *, system=""):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    config = transformers.AutoConfig.from_pretrained(folder)
    said = f"{system}{QWEN_USER}{QWEN_PICTURE if picture else ''}{words}{QWEN_ANSWER}"
    seen = {}
    if picture:
        seen = dict(transformers.Qwen2VLImageProcessorPil.from_pretrained(folder)(picture, return_tensors="pt"))
        _, height, width = seen["image_grid_thw"][0].tolist()
        said = said.replace("<|image_pad|>", "<|image_pad|>" * (height * width // 4))
    ids = tokenizer(said, add_special_tokens=False, return_tensors="pt")["input_ids"]
    if picture:
        seen["mm_token_type_ids"] = (ids == config.image_token_id).int()
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **seen}
    kinds = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL", "qwen3_vl": "Qwen3VL"}
    kind = getattr(transformers, f"{kinds[config.model_type]}ForConditionalGeneration")
    return state(folder, kind, inputs, pool)


FAMILIES = {
    "llava": (llava.tiny, llava_row),
    "janus": (janus.tiny, janus_row),
    "qwen2-vl": (qwen_vl.tiny, qwen_row),
    "qwen2.5-vl": (qwen_vl.tiny_half, qwen_row),
    "qwen3-vl": (qwen_vl.tiny_third, qwen_row),
}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory):
    """The address of a tiny checkpoint, and the oracle of its rows."""
    tiny, row = FAMILIES[request.param]
    return tiny(tmp_path_factory.mktemp(request.param) / "model"), row


@pytest.mark.parametrize("pool", ["last", "mean"])
def test_pictures_and_texts_are_summed_up_in_one_word(family, pool):
    address, row = family
    encoder = encoders.load(address if pool == "last" else f"{address}#pool=mean")
    texts = [row(address, f"{text}\n{ABOVE.format('sentence')}", pool=pool) for text in TEXTS]
    pictures = [row(address, ABOVE.format("image"), picture, pool) for picture in PICTURES]
    assert encoder.encode_texts(TEXTS) == pytest.approx(np.stack(texts), abs=2e-5)
    assert encoder.encode_images(PICTURES) == pytest.approx(np.stack(pictures), abs=2e-5)
    assert np.linalg.norm(texts[0] - texts[1]) > 0.01
    assert np.linalg.norm(pictures[0] - pictures[1]) > 0.01


@pytest.mark.parametrize("tiny", [qwen_vl.tiny, qwen_vl.tiny_third])
def test_a_model_that_was_trained_to_embed_is_told_to_represent(tiny, tmp_path):
    """By its name here; nothing is said behind the picture or the text."""
    address = tiny(tmp_path / "Tiny-VL-Embedding")
    encoder = encoders.load(address)
    told = "<|im_start|>system\nRepresent the user's input.<|im_end|>\n"
    texts = [qwen_row(address, text, system=told) for text in TEXTS]
    pictures = [qwen_row(address, "", picture, system=told) for picture in PICTURES]
    assert encoder.encode_texts(TEXTS) == pytest.approx(np.stack(texts), abs=2e-5)
    assert encoder.encode_images(PICTURES) == pytest.approx(np.stack(pictures), abs=2e-5)


def test_an_instruction_of_ones_own(tmp_path):
    address = qwen_vl.tiny(tmp_path / "model")
    told = "<|im_start|>system\nFind pictures, & say why #1.<|im_end|>\n"
    asked = f"{address}#prompt=represent&instruction=Find%20pictures%2C%20%26%20say%20why%20%231."
    encoder = encoders.load(asked)
    assert encoder.encode_texts(["um cão"])[0] == pytest.approx(qwen_row(address, "um cão", system=told), abs=2e-5)
    behind = encoders.load(f"{address}#instruction=In+a+word")
    assert behind.encode_texts(["um cão"])[0] == pytest.approx(qwen_row(address, "um cão\nIn a word"), abs=2e-5)


def test_every_way_to_ask_is_a_space_of_its_own_that_its_address_opens_again(tmp_path):
    address = llava.tiny(tmp_path)
    ways = ["", "#pool=mean", "#prompt=represent", "#instruction=In%20a%20word", "#dim=8&pool=mean"]
    made = [encoders.load(address + way).provenance for way in ways]
    assert [one.model for one in made] == [address + way for way in ways]
    assert len({one.preprocessing for one in made}) == len(ways)
    assert [encoders.load(one.model).provenance for one in made] == made


def test_a_text_longer_than_512_tokens_is_cut(tmp_path):
    encoder = encoders.load(llava.tiny(tmp_path))
    cut, whole = encoder.encode_texts(["x" * 512, "x" * 600])
    assert cut == pytest.approx(whole, abs=1e-6)
    assert not np.allclose(cut, encoder.encode_texts(["x" * 511])[0], atol=1e-4)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("pool=first", "Unknown pooling 'first'. .*last, mean"),
        ("prompt=long", "Unknown prompt 'long'. .*one-word, represent"),
        ("pols=mean", "Did you mean 'pool'"),
    ],
)
def test_what_is_no_way_to_ask_is_refused(option, message, tmp_path):
    with pytest.raises(UnknownName, match=message):
        encoders.load(f"{llava.tiny(tmp_path)}#{option}")


@pytest.mark.parametrize("tiny", [llava.tiny, qwen_vl.tiny, janus.tiny])
def test_a_model_without_a_chat_template_is_refused(tiny, tmp_path):
    address = tiny(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="has no chat template"):
        encoders.load(address)


def test_a_template_that_is_kept_apart_is_used(tmp_path):
    """As Qwen2-VL's own repositories keep it."""
    address = qwen_vl.tiny(tmp_path)
    before = encoders.load(address).encode_texts(TEXTS)
    (tmp_path / "chat_template.jinja").rename(tmp_path / "kept")
    import json

    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": (tmp_path / "kept").read_text()}))
    assert np.array_equal(encoders.load(address).encode_texts(TEXTS), before)
