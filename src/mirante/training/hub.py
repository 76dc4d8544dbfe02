"""A checkpoint goes to the Hugging Face Hub: name and token are tried before the training, not after it."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mirante.errors import MissingLibrary, TrainingError, UsageError
from mirante.training.config import TrainConfig

TOKEN = "HF_TOKEN"  # noqa: S105 - the name of the variable


@dataclass(frozen=True)
class Repository:
    """A repository of the hub that takes checkpoints.

    Args:
        name: `owner/name`.
        url: of its page.
        token: allowed to write; never shown.
    """

    name: str
    url: str
    token: str = field(repr=False)

    def upload(self, checkpoint: Path) -> str:
        """Send every file of `checkpoint`; returns the page's address.

        Raises:
            TrainingError: the hub refused or could not be reached; the checkpoint stays where it is.
        """
        hub, failures = _client()
        try:
            hub.HfApi(token=self.token).upload_folder(
                repo_id=self.name,
                folder_path=checkpoint,
                commit_message="Upload a checkpoint with its model card",
            )
        except failures as error:
            raise TrainingError(
                f"The training is done and kept in {str(checkpoint)!r}, but the hub did not take it for "
                f"{self.name!r} ({_reason(error)}): run the same command again, and only the upload is done."
            ) from error
        return self.url


def repository(name: str) -> Repository:
    """The repository `owner/name`, made (private) where it is missing, with the token of the environment.

    Raises:
        UsageError: the name has another form, there is no token, it may not write there, or there is no network.
        MissingLibrary: the hub's client is not installed.
    """
    hub, failures = _client()
    try:
        hub.utils.validate_repo_id(name)
    except ValueError as error:
        raise UsageError(f"{name!r} cannot be a repository of the hub ({_reason(error)}): give OWNER/NAME.") from error
    if name.count("/") != 1:
        raise UsageError(f"{name!r} does not say whose repository it is: give OWNER/NAME, e.g. 'ana/{name}'.")
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise UsageError(
            f"{TOKEN} is not set: make a token that may write at https://huggingface.co/settings/tokens and put it "
            f"into the environment variable {TOKEN}. Nothing was trained yet."
        )
    try:
        url = hub.HfApi(token=token).create_repo(name, private=True, exist_ok=True)
    except failures as error:
        raise UsageError(
            f"The hub does not give the repository {name!r} ({_reason(error)}): check the owner, that the token in "
            f"{TOKEN} may write there, and the network. Nothing was trained yet."
        ) from error
    return Repository(name, str(url), token)


def check(config: TrainConfig) -> None:
    """Refuse to send what nobody else could open.

    Raises:
        UsageError: adapters that are kept apart, beside the name of a base that is not on the hub.
    """
    start, lora = config.model.start or "", config.trained.lora
    if lora and not lora.merge and not hub_id(start):
        raise UsageError(
            f"Adapters kept apart name their base {start!r}, which is not on the hub, so nobody else could open them: "
            "set merge = true under [trained.lora], or start from a model of the hub. Nothing was trained yet."
        )


def hub_id(address: str) -> str | None:
    """`owner/name` of an address that is on the hub, None for a local folder or an embedded name."""
    plain = address.partition("@")[0].partition(":")[0]
    parts = plain.split("/")
    if len(parts) < 2 or not all(parts) or plain[0] in "./~" or Path(plain).exists():
        return None
    return "/".join(parts[:2])


def _client() -> tuple[Any, tuple[type[Exception], ...]]:
    """The hub's client and what it raises when it is refused or not reached."""
    try:
        import httpx
        import huggingface_hub
        import huggingface_hub.utils
    except ModuleNotFoundError as error:
        raise MissingLibrary(str(error.name), "train", "Sending a model to the hub") from error
    return huggingface_hub, (OSError, ValueError, httpx.HTTPError)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
