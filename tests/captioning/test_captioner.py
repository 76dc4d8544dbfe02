"""Captioners: what they learn from is what the library would count, and what they write is what it would write."""

import pytest
import torch
import transformers

from mirante.captioning.captioner import open_captioner
from mirante.captioning.styles import Style, cut
from mirante.encoders import _tiny
from mirante.errors import ModelError, UsageError

TEXTS = ["um gato", "duas estrelas amarelas", "peixe"]


def read(captioner, pictures):
    return captioner.pixels([picture.load() for picture in pictures[: len(TEXTS)]])


def likelihood(captioner, pixels, rows):
    with torch.no_grad():
        logits, ids, real = captioner.logits(pixels, rows)
    return torch.nn.functional.cross_entropy(logits[real], ids[real]).item()


@pytest.fixture
def blip_oracle(blip_folder):
    module = transformers.BlipForConditionalGeneration.from_pretrained(blip_folder).eval()
    return open_captioner(blip_folder), module


def test_padding_changes_nothing(captioner, pictures):
    """The likelihood of each caption alone, weighed by its words, is that of all together."""
    pixels, rows = read(captioner, pictures), captioner.targets(TEXTS, 20)
    together = likelihood(captioner, pixels, rows) * sum(map(len, rows))
    alone = sum(likelihood(captioner, pixels[at : at + 1], rows[at : at + 1]) * len(row) for at, row in enumerate(rows))
    assert together == pytest.approx(alone, rel=1e-4)


def test_captions_end_with_the_end_token_and_are_cut(captioner):
    rows = captioner.targets(["um gato", "um gato " * 30], 12)
    assert rows[0][-1] == captioner.form.end
    assert len(rows[1]) == 12
    assert captioner.form.end not in rows[1]


def test_every_word_is_told_what_comes_before_it_and_no_more(captioner, pictures):
    """A change of the last word changes no logits: they are found before it is read."""
    pixels, row = read(captioner, pictures)[:1], captioner.targets(TEXTS[:1], 20)[0]
    other = [*row[:-1], row[0]]
    with torch.no_grad():
        one, two = (captioner.logits(pixels, [ids])[0] for ids in (row, other))
    torch.testing.assert_close(one, two)
    earlier = [row[-1], *row[1:]]
    assert not torch.allclose(captioner.logits(pixels, [earlier])[0][:, 1:], one[:, 1:], atol=1e-4)


def test_what_is_written_next_is_what_was_likeliest(captioner, pictures):
    """Greedy search and teacher forcing see the same network."""
    pixels = read(captioner, pictures)
    begin = torch.tensor(captioner.form.begin).expand(len(pixels), -1)
    given = {captioner.form.texts: begin, captioner.form.mask(): torch.ones_like(begin)}
    with torch.no_grad():
        first = captioner.module(pixel_values=pixels, **given).logits[:, -1].argmax(dim=-1)
    said = captioner.tokenizer.batch_decode(first[:, None], skip_special_tokens=True)
    written = captioner.write(pixels, Style(tokens=1))
    assert written == [" ".join(text.split()) for text in said]


def test_saved_and_opened_it_writes_the_same(captioner, pictures, tmp_path):
    pixels = read(captioner, pictures)
    again = open_captioner(str(captioner.save(tmp_path / "copy")))
    style = Style(tokens=8, beams=2)
    assert again.write(pixels, style) == captioner.write(pixels, style)
    assert again.form == captioner.form


def test_the_loss_is_that_of_blip_without_its_padding(blip_oracle, pictures):
    """The library's own loss, label smoothing off, padding as −100; with padding counted in it is another."""
    captioner, module = blip_oracle
    pixels, rows = read(captioner, pictures), captioner.targets(TEXTS, 20)
    longest = max(map(len, rows))
    begin, pad = captioner.form.begin[0], captioner.form.pad
    ids = torch.tensor([[begin, *row, *[pad] * (longest - len(row))] for row in rows])
    labels = torch.tensor([[begin, *row, *[-100] * (longest - len(row))] for row in rows])
    module.text_decoder.label_smoothing = 0.0
    with torch.no_grad():
        given = {"pixel_values": pixels, "input_ids": ids, "attention_mask": (labels != -100).long()}
        right = module(**given, labels=labels).loss.item()
        counted = module(**given, labels=ids).loss.item()
    assert likelihood(captioner, pixels, rows) == pytest.approx(right, rel=1e-4)
    assert abs(counted - right) > 0.01


def test_blip_writes_what_the_library_writes(blip_oracle, pictures):
    captioner, module = blip_oracle
    pixels = read(captioner, pictures)
    ids = module.generate(pixel_values=pixels, max_new_tokens=9, do_sample=False)
    told = captioner.tokenizer.batch_decode(ids[:, 1:], skip_special_tokens=True)
    assert captioner.write(pixels, Style(tokens=9)) == told


def test_a_prompt_is_read_and_not_written(blip_folder, pictures):
    plain, asked = open_captioner(blip_folder), open_captioner(blip_folder, prompt="um gato")
    assert asked.form.begin == (4, *plain.tokenizer("um gato", add_special_tokens=False)["input_ids"])
    assert asked.provenance.preprocessing != plain.provenance.preprocessing
    rows = plain.targets(TEXTS, 20)
    assert asked.targets(TEXTS, 20) == rows
    assert asked.logits(read(asked, pictures), rows)[0].shape == plain.logits(read(plain, pictures), rows)[0].shape


@pytest.mark.parametrize("kind", ["siglip", "blip", "blip2"])
def test_a_model_that_compares_is_refused_with_its_verb(kind, tmp_path):
    with pytest.raises(ModelError, match=r"compares pictures and texts.*mirante evaluate"):
        open_captioner(getattr(_tiny, kind)(tmp_path / kind))


def test_beams_and_sampling_exclude_each_other():
    with pytest.raises(UsageError, match=r"beams = 3 search and temperature = 0\.7 samples"):
        Style(beams=3, temperature=0.7)


@pytest.mark.parametrize(
    ("text", "characters", "found"),
    [
        ("um gato preto dorme", 0, "um gato preto dorme"),
        ("um gato preto dorme", 13, "um gato preto"),
        ("um gato, preto", 9, "um gato"),
        ("um gato preto", 12, "um gato"),
        ("paralelepípedo", 5, "paral"),
        (" um \n gato ", 0, "um gato"),
    ],
)
def test_a_caption_is_cut_at_a_word(text, characters, found):
    assert cut(text, characters) == found


def test_it_writes_without_dropout_in_the_middle_of_its_training(captioner, pictures):
    pixels = read(captioner, pictures)
    settled = captioner.write(pixels, Style(tokens=8))
    for layer in captioner.module.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.9
    captioner.module.train()
    assert captioner.write(pixels, Style(tokens=8)) == settled
    assert captioner.module.training


def test_no_more_words_are_asked_for_than_the_decoder_has_places(captioner, pictures):
    places = captioner.module.config.get_text_config(decoder=True).max_position_embeddings
    asked = captioner._asked(Style(tokens=4096))
    assert asked.max_new_tokens == min(4096, places - len(captioner.form.begin))
