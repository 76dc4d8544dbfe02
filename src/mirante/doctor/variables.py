"""Environment variables that change what Mirante does; secrets are told as there or not there, never shown."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mirante.doctor.findings import Finding
from mirante.doctor.storage import nearest
from mirante.messages import LANGUAGES

SHOWN = (
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_DATASETS_CACHE",
    "TORCH_HOME",
    "CUDA_VISIBLE_DEVICES",
    "PYTORCH_CUDA_ALLOC_CONF",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TOKENIZERS_PARALLELISM",
    "RANK",
    "WORLD_SIZE",
)
PRIVATE = (
    "HF_ENDPOINT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "MIRANTE_POSTGRES_URI",
    "MIRANTE_MILVUS_URI",
    "MIRANTE_MILVUS_TOKEN",
)
"""Addresses, which may carry a password, and what is one."""
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
FOLDERS = ("HF_HOME", "HF_HUB_CACHE", "HF_DATASETS_CACHE")
YES = ("1", "ON", "YES", "TRUE")


def look(environment: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """What is set, and what of it is a mistake."""
    environment = os.environ if environment is None else environment
    yield Finding("ok", "doctor.token" if _token(environment) else "doctor.token-none")
    for name in SHOWN:
        if environment.get(name):
            yield Finding("ok", "doctor.variable", {"name": name, "value": environment[name]})
    for name in PRIVATE:
        if environment.get(name) or environment.get(name.lower()):
            yield Finding("ok", "doctor.variable-private", {"name": name})
    for name in FOLDERS:
        if environment.get(name) and not os.access(nearest(Path(environment[name]).expanduser()), os.W_OK):
            yield Finding("wrong", "doctor.folder-refused", {"name": name, "value": environment[name]})
    for name in OFFLINE:
        if environment.get(name, "").upper() in YES:
            yield Finding("warn", "doctor.offline", {"name": name})
    yield from _language(environment)


def _token(environment: Mapping[str, str]) -> bool:
    """Whether the hub's client would find a token: a variable, or the file that its login writes."""
    home = Path(environment.get("HF_HOME") or Path(environment.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    file = Path(environment.get("HF_TOKEN_PATH") or home / "token").expanduser()
    return any(environment.get(name) for name in TOKENS) or file.is_file()


def _language(environment: Mapping[str, str]) -> Iterator[Finding]:
    wanted = environment.get("MIRANTE_LANG")
    if wanted and wanted[:2].lower() in LANGUAGES:
        yield Finding("ok", "doctor.variable", {"name": "MIRANTE_LANG", "value": wanted})
    elif wanted:
        yield Finding("warn", "doctor.language-unknown", {"value": wanted, "known": ", ".join(LANGUAGES)})
