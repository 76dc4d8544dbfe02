"""Where a data set knows its size before reading, the size is right."""

from pathlib import Path

import pytest

from mirante import registry
from mirante.datasets import open_dataset


@pytest.mark.parametrize("name", registry.names("mirante.datasets"))
def test_a_known_count_is_the_number_of_items(name: str, tmp_path: Path) -> None:
    dataset = open_dataset(registry.load("mirante.datasets", name).example(tmp_path))
    count = getattr(dataset, "count", lambda split: None)
    for split in dataset.splits:
        assert count(split) in (None, len(list(dataset.items(split))))


def test_scenes_and_folders_know_theirs(tmp_path: Path) -> None:
    address = registry.load("mirante.datasets", "folder").example(tmp_path)
    assert open_dataset(address).count("all") == 6
    assert open_dataset("scenes:train-1000000").count("train-1000000") == 1_000_000
