"""Pipelines of sentence-transformers: rows, what is opened by another family, and what is never opened.

The oracle is written with transformers and numpy alone: CLIP, then the dense layer; or BERT, the mean over the tokens
that are not padding, then the dense layer.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.numpy import load_file

from mirante import encoders
from mirante.encoders import _locate, _tiny
from mirante.encoders import sentence_transformers as family
from mirante.errors import ModelError, ModelMismatch, UnknownName, UsageError

pytest.importorskip("sentence_transformers", reason="pip install 'mirante[sentence]'")

OWN = "sentence_transformers.models"
TEXTS = ["a red square", "A Red SQUARE at Night", "um cão azul", "a much longer text than sixteen tokens can hold"]
RNG = np.random.default_rng(5)
PICTURES = [
    Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8))
    for height, width in ((40, 64), (32, 32), (90, 31), (8, 8))
]


def dense(rows, folder):
    (layer,) = (load_file(path) for path in Path(folder).glob("*_Dense/model.safetensors"))
    mapped = rows @ layer["linear.weight"].T + layer["linear.bias"]
    return mapped / np.linalg.norm(mapped, axis=1, keepdims=True)


def clip_rows(folder):
    """Rows of the pictures and of the texts by the CLIP in `folder`, not normalised; a text at a time."""
    model = transformers.CLIPModel.from_pretrained(folder).eval()
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    pixels = transformers.CLIPImageProcessorPil.from_pretrained(folder)(PICTURES, return_tensors="pt")
    texts = [tokenizer([text], truncation=True, max_length=16, return_tensors="pt") for text in TEXTS]
    with torch.inference_mode():
        images = model.get_image_features(**pixels).pooler_output.numpy()
        return images, np.concatenate([model.get_text_features(**one).pooler_output.numpy() for one in texts])


def bert_rows(folder):
    """The mean over every token of the text, start and end included; a text at a time, so never padded."""
    model = transformers.BertModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = [tokenizer([text], truncation=True, max_length=16, return_tensors="pt") for text in TEXTS]
    with torch.inference_mode():
        return np.concatenate([model(**one).last_hidden_state.mean(dim=1).numpy() for one in texts])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return family.tiny(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return family.tiny_reader(tmp_path_factory.mktemp("reader"))


def test_a_clip_with_a_dense_layer_gives_the_rows_of_both(whole):
    encoder = encoders.load(whole)
    images, texts = clip_rows(whole)
    assert encoder.dim == 16
    assert encoder.encode_images(PICTURES) == pytest.approx(dense(images, whole), abs=1e-5)
    assert encoder.encode_texts(TEXTS) == pytest.approx(dense(texts, whole), abs=1e-5)


def test_a_text_tower_and_what_sees_for_it_give_the_rows_of_each(reader):
    encoder = encoders.load(reader)
    folder, _, eyes = reader.partition("#images=")
    eyes = str(Path(folder).parent / "eyes")
    images = clip_rows(eyes)[0]
    assert encoder.encode_texts(TEXTS) == pytest.approx(dense(bert_rows(folder), folder), abs=1e-5)
    assert encoder.encode_images(PICTURES) == pytest.approx(
        images / np.linalg.norm(images, axis=1, keepdims=True), abs=1e-5
    )
    assert encoder.provenance.model == reader
    assert encoder.provenance.revision.endswith("+" + encoders.load(eyes).provenance.revision)


def test_the_tiny_models_tell_these_pictures_and_texts_apart(whole, reader):
    rows = [encoders.load(whole).encode_images(PICTURES), encoders.load(whole).encode_texts(TEXTS)]
    for found in (*rows, encoders.load(reader).encode_texts(TEXTS)):
        distance = np.linalg.norm(found[:, None] - found[None], axis=-1)
        assert distance[~np.eye(len(found), dtype=bool)].min() > 1e-3


def test_a_text_that_looks_like_an_address_or_a_path_is_read_and_never_fetched(whole, tmp_path):
    picture = tmp_path / "x.png"
    PICTURES[0].save(picture)
    encoder = encoders.load(whole)
    strange = [str(picture), "http://127.0.0.1:9/cat.jpg"]
    rows = encoder.encode_texts(strange)
    assert rows.shape == (2, 16)
    assert not np.allclose(rows[0], encoder.encode_images([PICTURES[0]])[0], atol=1e-3)


def test_a_text_tower_alone_says_how_to_name_what_sees(reader):
    folder = reader.partition("#")[0]
    with pytest.raises(ModelError, match=r"reads texts and sees no pictures.*#images=sentence-transformers/clip"):
        encoders.load(folder)


def test_eyes_of_another_width_are_refused(reader, tmp_path):
    other = _tiny.siglip(tmp_path / "other")
    with pytest.raises(ModelMismatch, match=r"24 values.*32 values"):
        encoders.load(f"{reader.partition('#')[0]}#images={other}")


def test_no_other_option_is_known(whole):
    with pytest.raises(UnknownName, match="images"):
        encoders.load(f"{whole}#image={whole}")


class TestWhoOpensIt:
    """A pipeline that adds nothing to its transformer is opened by the transformer's own family."""

    @pytest.fixture
    def folder(self, tmp_path):
        return Path(_tiny.clip(tmp_path / "model"))

    def write(self, folder, *kinds):
        (folder / "modules.json").write_text(json.dumps([{"type": kind, "path": ""} for kind in kinds]))
        return _locate.model_type(_locate.locate(str(folder)))

    @pytest.mark.parametrize(
        ("kinds", "kind"),
        [
            ([f"{OWN}.CLIPModel"], "clip"),
            ([f"{OWN}.Transformer", f"{OWN}.Pooling"], "clip"),
            (
                [f"{OWN}.Transformer", f"{OWN}.Dense"],
                "sentence-transformers",
            ),
            (["custom_st.Transformer"], "sentence-transformers"),
        ],
    )
    def test_by_what_its_modules_are(self, folder, kinds, kind):
        assert self.write(folder, *kinds) == kind

    def test_without_a_configuration_of_its_own_it_is_a_pipeline(self, folder):
        (folder / "config.json").unlink()
        assert self.write(folder, f"{OWN}.CLIPModel") == "sentence-transformers"

    def test_code_from_a_repository_is_never_run(self, folder):
        self.write(folder, "custom_st.Transformer")
        with pytest.raises(ModelError, match=r"code of its own \(custom_st\.Transformer\), which is never run"):
            encoders.load(str(folder))

    def test_pickled_weights_are_never_opened(self, folder):
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        self.write(folder, f"{OWN}.Transformer", f"{OWN}.Dense")
        with pytest.raises(ModelError, match=r"only pickled weights \(pytorch_model\.bin"):
            encoders.load(str(folder))


def test_a_save_never_writes_over_what_is_there(whole, tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(UsageError, match="is not empty"):
        encoders.load(whole).save(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "kept"
