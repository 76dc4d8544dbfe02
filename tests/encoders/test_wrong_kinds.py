"""A model of another kind, given as an encoder, gets one message that names what takes it."""

import json

import pytest
import transformers

from mirante import encoders
from mirante.encoders import _kinds, _tiny, clip
from mirante.errors import ModelError


def renamed(folder, head):
    """A checkpoint whose configuration names another head."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"architectures": [head]}))


@pytest.mark.parametrize(
    ("tiny", "head", "message"),
    [
        (_tiny.blip, "BlipForConditionalGeneration", "which writes captions: .*`mirante caption run`"),
        (_tiny.blip2, "Blip2ForConditionalGeneration", "which writes captions: .*`mirante caption run`"),
        (_tiny.blip, "BlipForQuestionAnswering", "which answers questions about pictures: .*`mirante ask"),
        (clip.tiny, "CLIPForImageClassification", "which knows classes of pictures and no texts: use a model"),
    ],
)
def test_another_head_of_a_type_that_is_opened(tiny, head, message, tmp_path):
    address = tiny(tmp_path)
    encoders.load(address)
    renamed(tmp_path, head)
    with pytest.raises(ModelError, match=f"is a {head}, {message}"):
        encoders.load(address)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("vision-encoder-decoder", "writes captions: .*`mirante caption run`"),
        ("git", "writes captions: .*`mirante caption run`"),
        ("smolvlm", "answers questions about pictures: .*`mirante ask --generator transformers:MODEL`"),
        ("dinov2", "sees pictures and reads no texts: use a model that compares the two"),
        ("xlm-roberta", "reads texts and sees no pictures: use a model that compares the two"),
        ("siglip_vision_model", "one half of a model"),
        ("whisper", "use a model of type blip, blip-2, clip, .*qwen3_vl.*siglip"),
    ],
)
def test_a_type_that_no_encoder_opens(kind, message, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    with pytest.raises(ModelError, match=f"of type '{kind}', which no encoder opens: .*{message}"):
        encoders.load(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model_index.json", {"_class_name": "StableDiffusionPipeline"}, "a pipeline that makes pictures.*imagine"),
        ("config.json", {"_class_name": "VQModel"}, r"a part of a generator \(VQModel\), no encoder: .*imagine"),
        ("elip.json", {}, "a guide over the model that it was trained on, no encoder: .*--rerank elip:FOLDER"),
    ],
)
def test_a_folder_that_holds_something_else(name, content, message, tmp_path):
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(ModelError, match=message):
        encoders.load(str(tmp_path))


def test_the_types_that_are_told_apart_are_the_librarys():
    """A name that the library does not know would never be met."""
    known = {*transformers.CONFIG_MAPPING.keys(), "clip_text_model", "clip_vision_model"}
    assert {*_kinds._WRITERS, *_kinds._PICTURES, *_kinds._TEXTS, *_kinds._HALVES} <= known
