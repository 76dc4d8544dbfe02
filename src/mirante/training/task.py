"""What a run learns: the weights that move, the objective, and how the gradient of a batch is found."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from torch import Tensor, nn

from mirante.batch import Batch
from mirante.training import views
from mirante.training.config import TrainConfig
from mirante.training.gradients import Gradients, Processes, recompute_activations
from mirante.training.likelihood import Likelihood
from mirante.training.objective import Objective
from mirante.training.pictures import Pictures
from mirante.training.ranking import Ranking

if TYPE_CHECKING:
    from accelerate import Accelerator

    from mirante.encoders._dual import DualEncoder


class Differentiable(Protocol):
    """The loss of a batch, and its gradient."""

    def backward(self, batch: Batch, seed: tuple[int, ...]) -> Tensor:
        """Add the gradient on `batch` to the parameters; returns the loss, detached."""

    def loss(self, batch: Batch, seed: tuple[int, ...]) -> Tensor:
        """The loss by the weights as they now are, with the draws of `backward` for that seed."""


@dataclass(frozen=True)
class Task:
    """What a run learns.

    Args:
        encoder: the model, in training or frozen.
        module: what holds the weights that move.
        objective: its own parameters, such as the scale of the cosines, move too.
        gradients: of the objective.
    """

    encoder: "DualEncoder"
    module: nn.Module
    objective: Objective | Ranking | Likelihood
    gradients: Differentiable


def contrastive(config: TrainConfig, encoder: "DualEncoder", pictures: Pictures, accelerator: "Accelerator") -> Task:
    """The towers of `encoder` learn by `config.losses`, in place.

    Args:
        config: losses, and how a batch fits the device.
        encoder: its trained parameters ask for a gradient.
        pictures: pixels of the batches' pictures.
        accelerator: device, precision and processes.
    """
    module = encoder.module
    objective = Objective(config.losses, module).to(encoder.device)
    sides = views.make(objective.views, config, encoder, pictures, accelerator.autocast)
    processes = Processes(accelerator.process_index, accelerator.num_processes)
    if config.memory.checkpointing:
        recompute_activations(module)
    return Task(
        encoder, module, objective, Gradients(sides, objective, config.memory.micro, processes, accelerator.scaler)
    )
