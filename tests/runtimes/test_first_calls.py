"""Threads that call a network for the first time at once all get an answer."""

import subprocess
import sys

import pytest

from mirante import runtimes

AT_ONCE = """
import sys, threading
from pathlib import Path
import numpy as np
from mirante import runtimes

network = runtimes.open_network({runtime!r}, Path({file!r}), threads=2)._network
sys.setswitchinterval(1e-6)
together = threading.Barrier(2)
rows = []

def call():
    together.wait()
    rows.append(network({{"x": np.ones((2, 3), np.float32)}}))

threads = [threading.Thread(target=call) for _ in range(2)]
for one in threads:
    one.start()
for one in threads:
    one.join()
print(sum(row.sum() for row in rows))
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    onnx = pytest.importorskip("onnx")
    kind, file = onnx.TensorProto.FLOAT, tmp_path_factory.mktemp("network") / "relu.onnx"
    ends = [onnx.helper.make_tensor_value_info(name, kind, ["batch", 3]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "relu", ends[:1], ends[1:])
    onnx.save(onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)]), file)
    return file


@pytest.mark.slow
@pytest.mark.parametrize("runtime", [one for one in runtimes.names() if one != "torch"])
def test_two_threads_that_are_the_first_to_call(runtime, network):
    pytest.importorskip(runtime if runtime != "onnx" else "onnxruntime")
    program = AT_ONCE.format(runtime=runtime, file=str(network))
    for _ in range(6):  # without care OpenVINO's binding hangs in one of three
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
        assert float(done.stdout) == 12
