"""Train a small VQGAN on the drawn pictures of `scenes`, so that `mirante imagine` has a generator that draws them.

    python scripts/train_vqgan.py runs/scenes-vqgan --minutes 38

Source: Esser, Rombach and Ommer 2021 (Taming Transformers, arXiv 2012.09841): an autoencoder whose latents are entries
of a codebook, and towards the end a discriminator of patches with the hinge loss. Here: mean absolute error of values,
colours and differences in place of a network's features; codes that nobody uses start again at a latent of the batch;
one group of channels in each normalisation, since groups of one channel would wash the colours out.
The checkpoint is in the format of diffusers' `VQModel`. Reconstruction and the use of the codebook, on pictures of the
validation split, are printed and kept in figures.json beside it.
"""

import argparse
import itertools
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import VQModel
from torch import Tensor, nn
from torch.nn.functional import relu

from mirante.datasets.scenes import SceneDataset
from mirante.datasets.scenes.drawing import draw

CODES, WIDTH, SIZE, BATCH = 512, 8, 64, 8
RATE, ADVERSARY = 2e-3, 0.05
PLAIN_STEPS, REVIVE_EVERY, CHECKED = 800, 20, 200
COLOUR, APART = 2.0, 8.0
"""How much more an error of colour weighs, and one where a picture differs from the rest of its row."""


def small_vqgan() -> VQModel:
    """16 × 16 codes for a picture of 64 × 64 pixels."""
    channels = (8, 16, 32)
    return VQModel(
        block_out_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * len(channels),
        up_block_types=("UpDecoderBlock2D",) * len(channels),
        layers_per_block=1,
        latent_channels=WIDTH,
        sample_size=SIZE,
        num_vq_embeddings=CODES,
        norm_num_groups=1,
    )


def discriminator() -> nn.Sequential:
    """Whether patches of 22 × 22 pixels are drawn or decoded."""
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(32, 1, 3, 1, 1))


def batches(split: str, size: int) -> Iterator[Tensor]:
    """Batches of `size` pictures, (size, 3, SIZE, SIZE) from −1 to 1."""
    scenes = SceneDataset().scenes(split)
    while part := list(itertools.islice(scenes, size)):
        yield (
            torch.from_numpy(np.stack([np.asarray(draw(scene, SIZE)) for scene in part])).permute(0, 3, 1, 2).float()
            / 127.5
            - 1
        )


def reconstruction_loss(made: Tensor, given: Tensor) -> Tensor:
    """Mean absolute error of values, colours and differences between neighbours; objects count more than ground."""
    error = made - given
    colour = error - error.mean(dim=1, keepdim=True)
    apart = (given - given.median(dim=-1, keepdim=True).values).abs().mean(dim=1, keepdim=True)
    values = (1 + APART * apart) * (error.abs() + COLOUR * colour.abs())
    return values.mean() + error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()


@torch.no_grad()
def revive(model: VQModel, latents: Tensor, seen: Tensor) -> int:
    """Put codes that were not `seen` onto latents of the batch; returns how many."""
    rows = latents.detach().permute(0, 2, 3, 1).reshape(-1, WIDTH)
    dead = torch.nonzero(~seen).flatten()
    model.quantize.embedding.weight[dead] = rows[torch.randint(len(rows), (len(dead),))]
    return len(dead)


class Trainer:
    """One VQGAN, its discriminator and their optimisers."""

    def __init__(self) -> None:
        self.model, self.judge = small_vqgan(), discriminator()
        self.model.quantize.legacy = False
        self.adam = torch.optim.Adam(self.model.parameters(), lr=RATE, betas=(0.8, 0.95))
        self.judge_adam = torch.optim.Adam(self.judge.parameters(), lr=1e-3, betas=(0.5, 0.9))
        self.seen, self.steps = torch.zeros(CODES, dtype=torch.bool), 0

    def step(self, given: Tensor, share: float) -> dict[str, float]:
        """One step at `share` of the time; the discriminator joins in the last third."""
        for group in self.adam.param_groups:
            group["lr"] = RATE * min(1, self.steps / 30 + 0.1) * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)
        latents = self.model.encode(given).latents
        if self.steps == PLAIN_STEPS:
            revive(self.model, latents, torch.zeros_like(self.seen))
        if self.steps < PLAIN_STEPS:
            made, loss = self.model.decode(latents, force_not_quantize=True).sample, torch.zeros(())
        else:
            codes, loss, (_, _, used) = self.model.quantize(latents)
            self.seen[used.unique()] = True
            made = self.model.decode(codes, force_not_quantize=True).sample
        error = reconstruction_loss(made, given)
        adversarial = share > 2 / 3
        loss = error + loss + (-ADVERSARY * self.judge(made).mean() if adversarial else 0)
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        if adversarial:
            self._judge(given, made.detach())
        self.steps += 1
        dead = 0
        if self.steps > PLAIN_STEPS and self.steps % REVIVE_EVERY == 0 and share < 0.7:
            dead, self.seen = revive(self.model, latents, self.seen), torch.zeros_like(self.seen)
        return {"step": self.steps, "error": float(error.detach()), "dead": dead}

    def _judge(self, given: Tensor, made: Tensor) -> None:
        loss = relu(1 - self.judge(given)).mean() + relu(1 + self.judge(made)).mean()
        self.judge_adam.zero_grad()
        loss.backward()
        self.judge_adam.step()


@torch.no_grad()
def figures(model: VQModel) -> dict[str, Any]:
    """Reconstruction and codebook on pictures of the validation split."""
    errors, squares, counts = [], [], torch.zeros(CODES)
    for given in batches(f"validation-{CHECKED}", 50):
        latents = model.encode(given).latents
        counts += torch.bincount(model.quantize(latents)[2][2].flatten(), minlength=CODES)
        difference = (model.decode(latents).sample.clamp(-1, 1) - given) / 2
        errors.append(float(difference.abs().mean()))
        squares += difference.square().mean(dim=(1, 2, 3)).tolist()
    share = counts[counts > 0] / counts.sum()
    return {
        "pictures": CHECKED,
        "mean_absolute_error": float(np.mean(errors)),
        "psnr_db": float(np.mean([-10 * math.log10(one) for one in squares])),
        "codes": CODES,
        "codes_used": int((counts > 0).sum()),
        "code_perplexity": float(torch.exp(-(share * share.log()).sum())),
        "parameters": sum(one.numel() for one in model.parameters()),
    }


def main() -> None:
    """Train for so many minutes of the processor, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=38, help="of the processor, over all threads")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    trainer, start, said = Trainer(), time.process_time(), 0.0
    for given in batches("train-1000000", BATCH):
        share = (time.process_time() - start) / (60 * asked.minutes)
        if share >= 1:
            break
        told = trainer.step(given, share)
        if time.monotonic() - said > 20:
            said = time.monotonic()
            print(json.dumps({"share": round(share, 3), **told}), flush=True)
            trainer.model.save_pretrained(asked.out)
    trainer.model.save_pretrained(asked.out)
    found = figures(trainer.model.eval()) | {"steps": trainer.steps, "processor_seconds": time.process_time() - start}
    (asked.out / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
