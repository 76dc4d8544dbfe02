"""An encoder of mean colours whose features have a gradient, so that what is to be drawn is known; a small VQGAN."""

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import VQModel
from PIL.Image import Image

from mirante.types import Provenance, Vectors

AXES = {"red": 0, "green": 1, "blue": 2}


class MeanColour:
    """Pictures and the words red, green and blue in three dimensions: how red, green and blue they are."""

    dim = 3
    device = torch.device("cpu")
    provenance = Provenance("mean-colour", "1", "mean of each colour")
    image_processor = SimpleNamespace(
        size={"height": 8, "width": 8}, image_mean=[0.0] * 3, image_std=[1.0] * 3, do_normalize=True
    )

    def __init__(self) -> None:
        self.module = torch.nn.Identity()

    def image_features(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.mean(dim=(2, 3)) + 1e-6

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        rows = np.array([np.asarray(image, np.float32).mean(axis=(0, 1)) for image in images], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return np.eye(3, dtype=np.float32)[[AXES[text] for text in texts]]


@pytest.fixture
def colours() -> MeanColour:
    return MeanColour()


@pytest.fixture(scope="module")
def tiny_vqgan(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random VQGAN of 4 pixels a latent and 8 codes; its address."""
    torch.manual_seed(0)
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 3, "up_block_types": ("UpDecoderBlock2D",) * 3}
    sizes = {"block_out_channels": (4, 4, 8), "norm_num_groups": 2, "latent_channels": 3, "sample_size": 32}
    model = VQModel(**blocks, **sizes, num_vq_embeddings=8)
    torch.nn.init.normal_(model.quantize.embedding.weight)
    folder = tmp_path_factory.mktemp("vqgan")
    model.save_pretrained(folder)
    return str(folder)
