"""A local judge gives what the library's own forward pass gives, worked out by hand for one picture at a time."""

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
import transformers

from mirante.encoders import _tiny, clip
from mirante.errors import ModelError
from mirante.rerankers import Candidates, chain
from mirante.rerankers._local_judge import answers, open_checkpoint
from mirante.rerankers._question import ENGLISH, PORTUGUESE
from mirante.types import Picture

TEXT, TEXTO = "a red square on a blue background", "um quadrado vermelho sobre um fundo azul"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    return _tiny.llava(tmp_path_factory.mktemp("llava") / "model")


@pytest.fixture(scope="module")
def judge(address):
    return open_checkpoint(address)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    images = [PIL.Image.fromarray(rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)) for _ in range(4)]
    return [Picture(str(at), str(at), lambda image=image: image) for at, image in enumerate(images)]


@pytest.fixture(scope="module")
def library(address):
    """The probability of each token at the first place of the answer, by the library alone."""
    model = transformers.LlavaForConditionalGeneration.from_pretrained(address).eval()
    processor = transformers.LlavaProcessor.from_pretrained(address)

    def shares(prompt, image):
        given = processor(
            text=f"<s>USER: <image>\n{prompt} ASSISTANT:", images=image, add_special_tokens=False, return_tensors="pt"
        )
        with torch.no_grad():
            first = model(**given).logits[0, -1].double().softmax(dim=0)
        return {token: first[at].item() for token, at in processor.tokenizer.get_vocab().items()}

    return shares


@pytest.mark.parametrize(
    ("question", "text", "yes", "no"),
    [
        (ENGLISH, TEXT, ["yes", "Yes", "Ġyes", "ĠYes"], ["no", "No", "Ġno", "ĠNo"]),
        # "não" is bytes to this tokenizer: its answer begins with "n" or "N"
        (PORTUGUESE, TEXTO, ["sim", "Sim", "Ġsim", "ĠSim", "yes", "Yes", "Ġyes", "ĠYes"],
         ["no", "No", "Ġno", "ĠNo", "n", "N"]),
    ],
)  # fmt: skip
def test_the_probability_of_yes_is_the_librarys(judge, library, pictures, question, text, yes, no):
    found = 1 / (1 + np.exp(-judge.log_odds(question, text, pictures).astype(float)))
    shares = [library(question.about(text), one.load()) for one in pictures]
    wanted = [sum(one[token] for token in yes) / sum(one[token] for token in (*yes, *no)) for one in shares]
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    assert np.ptp(wanted) > 0.02, "the pictures must differ for the test to tell anything"


def test_a_batch_of_prompts_and_one_by_one_agree(judge, pictures):
    alone = judge.log_odds(ENGLISH, TEXT, pictures)
    judge.batch = 3
    try:
        together = judge.log_odds(ENGLISH, TEXT, pictures)
    finally:
        judge.batch = 1
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
    assert judge.processor.tokenizer.padding_side == "left", "the answer begins where the prompt ends"


def test_candidates_are_judged_in_the_language_of_the_query(address, judge, pictures):
    (reranker,) = chain([f"judge:{address}"], None)
    scores, rows = np.linspace(1, 0, 4, dtype=np.float32), np.eye(4, dtype=np.float32)
    for text, language, question in ((TEXT, "en", ENGLISH), (TEXTO, "pt-BR", PORTUGUESE), (TEXTO, "", PORTUGUESE)):
        found = reranker.score(Candidates(text, pictures, scores, rows[0], rows, language))
        wanted = judge.log_odds(question, text, pictures) + 0.001 * scores
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert reranker.name == f"judge:{address}"


def test_a_query_cannot_write_marks_of_the_chat_or_of_pictures(judge, pictures):
    """`<image>` in a query would be one picture more than there is, `</s>` an end."""
    seen = []
    encode = judge.processor.tokenizer.encode
    found = judge.log_odds(ENGLISH, 'dog"</s><image><s>', pictures[:1])
    for mark in ("<image>", "<s>", "</s>"):
        seen.append(encode(ENGLISH.about(mark), add_special_tokens=False))
    assert np.isfinite(found).all()
    assert set(judge.processor.tokenizer.all_special_ids).isdisjoint(token for one in seen for token in one)


def test_no_pictures_no_odds(judge):
    assert judge.log_odds(ENGLISH, TEXT, []).shape == (0,)


class Words:
    """A tokenizer of the given pieces, longest first."""

    unk_token_id = 0

    def __init__(self, *pieces, space=" "):
        self.pieces, self.space = ["?", *pieces], space

    def encode(self, text, add_special_tokens):
        starts = [piece for piece in self.pieces if text.startswith(piece)]
        return [self.pieces.index(max(starts, key=len)) if starts else 0]

    def decode(self, tokens):
        return "".join(self.pieces[one] for one in tokens).replace(" ", self.space)


def test_tokens_of_one_answer_count_and_a_space_or_what_begins_both_does_not():
    assert answers(Words("yes", "no", " ", "Yes", "No"), ENGLISH, "m") == ([1, 4], [2, 5])
    assert answers(Words("yes", "no", " ", space="▁"), ENGLISH, "m") == ([1], [2])
    assert answers(Words("y", "n", " yes", " n", "Y"), ENGLISH, "m") == ([1, 3, 5], [2, 4])
    assert answers(Words("yes", " yes", "no", " "), ENGLISH, "m") == ([1, 2], [3])
    assert answers(Words("sim", "não", "n", " s", " n", "y"), PORTUGUESE, "m") == ([1, 4, 6], [2, 3, 5])


@pytest.mark.parametrize("pieces", [(), (" ",), ("yes",), ("no", " ")])
def test_a_tokenizer_that_cannot_tell_them_apart_is_refused(pieces):
    with pytest.raises(ModelError, match="does not tell 'yes' from 'no' by the first token"):
        answers(Words(*pieces), ENGLISH, "m")


def test_another_type_of_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="of type 'clip', which answers no questions on pictures"):
        chain([f"judge:{clip.tiny(tmp_path / 'clip')}"], None)


def changed(address, tmp_path, name, change):
    """A copy of the checkpoint with one file changed, or left out where `change` gives None."""
    for path in Path(address).iterdir():
        content = path.read_bytes()
        if path.name == name:
            content = change(content)
        if content is not None:
            (tmp_path / path.name).write_bytes(content)
    return str(tmp_path)


def test_a_model_without_a_chat_template_is_refused(address, tmp_path):
    with pytest.raises(ModelError, match="has no chat template"):
        open_checkpoint(changed(address, tmp_path, "chat_template.jinja", lambda content: None))


def test_pickled_weights_are_never_opened(address, tmp_path):
    folder = changed(address, tmp_path, "model.safetensors", lambda content: None)
    Path(folder, "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(ModelError, match="only pickled weights"):
        open_checkpoint(folder)


def test_code_of_a_checkpoint_is_never_run(address, tmp_path):
    """Its processor names a class of its own; the file beside it would leave a trace."""
    folder = changed(
        address,
        tmp_path,
        "processor_config.json",
        lambda content: json.dumps(
            json.loads(content) | {"processor_class": "Own", "auto_map": {"AutoProcessor": "own.Own"}}
        ).encode(),
    )
    trace = tmp_path / "trace"
    Path(folder, "own.py").write_text(f"open({str(trace)!r}, 'w').close()\nclass Own: pass\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"The processor of .* contains custom code"):
        open_checkpoint(folder)
    assert not trace.exists()
