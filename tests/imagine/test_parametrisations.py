"""Pictures as numbers: what is particular to each kind."""

import pytest
import torch
from diffusers import VQModel

from mirante import registry
from mirante.errors import ModelError, UnknownName, UsageError
from mirante.imagine.parametrisations import Drawing, open_parametrisation, through, vqgan

FAMILY = "mirante.imagine.parametrisations"


def test_the_kinds_are_these() -> None:
    assert registry.names(FAMILY) == ("fourier", "pixels", "vqgan")


def test_frequencies_that_change_alike_change_the_picture_broadly() -> None:
    drawn = open_parametrisation("fourier", Drawing(32))
    (spectrum,) = drawn.parameters()
    with torch.no_grad():
        spectrum.zero_()
        spectrum[0, 1, 0, 0] = 1
        low = drawn.picture().sub(0.5).abs().max()
        spectrum.zero_()
        spectrum[0, 16, 0, 0] = 1
        high = drawn.picture().sub(0.5).abs().max()
    assert float(low) > 5 * float(high)


def test_an_empty_spectrum_is_grey() -> None:
    drawn = open_parametrisation("fourier", Drawing(16))
    with torch.no_grad():
        drawn.parameters()[0].zero_()
    assert torch.equal(drawn.picture().detach(), torch.full((1, 3, 16, 16), 0.5))


def test_pixels_come_back_between_0_and_1() -> None:
    drawn = open_parametrisation("pixels", Drawing(16))
    with torch.no_grad():
        drawn.parameters()[0].fill_(7)
    drawn.settle()
    assert torch.equal(drawn.parameters()[0].detach(), torch.ones(1, 3, 16, 16))


def test_values_outside_are_cut_and_keep_their_gradient() -> None:
    values = torch.tensor([-1.0, 0.25, 2.0], requires_grad=True)
    shown = through(values)
    shown.sum().backward()
    assert shown.tolist() == [0, 0.25, 1]
    assert values.grad.tolist() == [1, 1, 1]


def test_a_vqgan_draws_what_its_model_decodes_from_the_nearest_codes(tiny_vqgan: str) -> None:
    model = VQModel.from_pretrained(tiny_vqgan, low_cpu_mem_usage=False).eval()
    drawn = open_parametrisation(f"vqgan:{tiny_vqgan}", Drawing())
    (latents,) = drawn.parameters()
    with torch.no_grad():
        latents.add_(0.01)
        rows = latents.permute(0, 2, 3, 1).reshape(-1, 3)
        codes = model.quantize.embedding.weight
        nearest = codes[(rows[:, None] - codes[None]).square().sum(dim=-1).argmin(dim=1)]
        decoded = model.decoder(model.post_quant_conv(nearest.reshape(1, 8, 8, 3).permute(0, 3, 1, 2)))
        assert drawn.picture().shape == (1, 3, 32, 32)
        assert torch.allclose(drawn.picture(), (decoded / 2 + 0.5).clamp(0, 1), atol=1e-5)


def test_latents_come_back_to_the_span_of_the_codes(tiny_vqgan: str) -> None:
    drawn = open_parametrisation(f"vqgan:{tiny_vqgan}", Drawing(16))
    with torch.no_grad():
        drawn.parameters()[0].fill_(99)
    drawn.settle()
    highest = VQModel.from_pretrained(tiny_vqgan, low_cpu_mem_usage=False).quantize.embedding.weight.amax(dim=0)
    assert torch.equal(drawn.parameters()[0][0, :, 1, 2].detach(), highest)


def test_a_size_that_the_latents_do_not_divide_is_refused(tiny_vqgan: str) -> None:
    with pytest.raises(UsageError, match=r"4 pixels a latent.*not 30"):
        open_parametrisation(f"vqgan:{tiny_vqgan}", Drawing(30))


@pytest.mark.parametrize("kind", ["fourier", "pixels"])
def test_an_address_where_there_are_no_weights_is_refused(kind: str) -> None:
    with pytest.raises(UsageError, match=f"'{kind}' has no weights and takes no address, not 'x'"):
        open_parametrisation(f"{kind}:x", Drawing(16))


def test_an_unknown_kind_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'fourier'"):
        open_parametrisation("furier", Drawing(16))


def test_too_small_a_picture_is_refused() -> None:
    with pytest.raises(UsageError, match="8 pixels is too small"):
        Drawing(8)


def test_what_is_no_vqgan_is_told(tmp_path) -> None:
    with pytest.raises(UsageError, match="needs weights"):
        open_parametrisation("vqgan", Drawing(16))
    with pytest.raises(UsageError, match="no folder 'nowhere'"):
        open_parametrisation("vqgan:nowhere", Drawing(16))
    (tmp_path / "last.ckpt").write_bytes(b"pickled")
    with pytest.raises(ModelError, match=r"holds no VQGAN \(last.ckpt\).*never opened"):
        open_parametrisation(f"vqgan:{tmp_path}", Drawing(16))
    (tmp_path / "config.json").write_text('{"_class_name": "AutoencoderKL"}')
    with pytest.raises(ModelError, match="holds a AutoencoderKL, no VQModel"):
        open_parametrisation(f"vqgan:{tmp_path}", Drawing(16))


def test_a_vqgan_starts_at_what_it_sees_in_faint_colours(tiny_vqgan: str, monkeypatch) -> None:
    faint = vqgan._wash(32, Drawing())
    assert 0 < float(faint.abs().max()) < 0.15
    monkeypatch.setattr(vqgan, "FAINT", 0.0)
    (start,) = open_parametrisation(f"vqgan:{tiny_vqgan}", Drawing()).parameters()
    model = VQModel.from_pretrained(tiny_vqgan).eval()
    codes = model.quantize.embedding.weight.detach()
    with torch.no_grad():
        grey = model.encode(torch.zeros(1, 3, 32, 32)).latents
    assert torch.equal(start, grey.clamp(codes.amin(dim=0)[:, None, None], codes.amax(dim=0)[:, None, None]))
