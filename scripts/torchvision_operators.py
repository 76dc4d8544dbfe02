"""Let a torchvision that was built for CUDA be imported beside a torch for the processor alone: a pytest plugin.

    PYTHONPATH=scripts pytest -p torchvision_operators tests/encoders/test_openclip.py

Its compiled operators do not load there, and its Python files ask for them while they are imported. They are declared
here and never called: open_clip uses torchvision's transforms of pictures only, which are written in Python.
"""

import torch

LIBRARY = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    LIBRARY.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
