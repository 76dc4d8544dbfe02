"""Coloured squares on disk, whose classes the toy encoder names exactly."""

from pathlib import Path

from PIL import Image

RGB = {"red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255)}


def squares(folder: Path, *names: str) -> Path:
    """`red/a.png` becomes a red square; `red/green.png` a green one in the folder of the red ones."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = path.stem if path.stem in RGB else path.parent.name
        Image.new("RGB", (8, 8 + len(list(path.parent.iterdir()))), RGB[colour]).save(path)
    return folder
