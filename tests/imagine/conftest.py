"""An encoder of mean colours whose features have a gradient, so that the pictures to be drawn are known."""

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest
import torch
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
