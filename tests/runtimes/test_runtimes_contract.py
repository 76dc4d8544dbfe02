"""What every engine for exported networks promises, asked of each component that the registry lists."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mirante import registry, runtimes
from mirante.errors import ModelError, UnknownName

WEIGHTS = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """relu(values · weights) + the sum of the ids; two named inputs, as the text towers have."""
    onnx = pytest.importorskip("onnx")
    make, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        make.make_node("MatMul", ["values", "weights"], ["product"]),
        make.make_node("Relu", ["product"], ["positive"]),
        make.make_node("Cast", ["ids"], ["numbers"], to=kinds.FLOAT),
        make.make_node("ReduceSum", ["numbers", "axes"], ["total"], keepdims=1),
        make.make_node("Add", ["positive", "total"], ["features"]),
    ]
    ends = {"values": (kinds.FLOAT, 3), "ids": (kinds.INT64, 2), "features": (kinds.FLOAT, 4)}
    values, ids, features = (
        make.make_tensor_value_info(name, kind, ["batch", width]) for name, (kind, width) in ends.items()
    )
    constants = [
        onnx.numpy_helper.from_array(WEIGHTS, "weights"),
        onnx.numpy_helper.from_array(np.array([1], np.int64), "axes"),
    ]
    graph = make.make_graph(nodes, "layer", [values, ids], [features], constants)
    path = tmp_path_factory.mktemp("network") / "layer.onnx"
    onnx.save(make.make_model(graph, ir_version=8, opset_imports=[make.make_opsetid("", 17)]), path)
    return path


@pytest.fixture(scope="module", params=registry.names("mirante.runtimes"))
def runtime(request):
    return request.param


@pytest.fixture(scope="module")
def component(runtime):
    return registry.load("mirante.runtimes", runtime)


@pytest.fixture(scope="module")
def network(component, file):
    return component.open(file, "fp32", 2)


def given(rows, seed=0):
    rng = np.random.default_rng(seed)
    return {"values": rng.normal(size=(rows, 3)).astype(np.float32), "ids": rng.integers(0, 9, (rows, 2))}


def by_hand(inputs):
    return np.maximum(inputs["values"] @ WEIGHTS, 0) + inputs["ids"].sum(axis=1, keepdims=True)


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_features_are_those_of_the_network_for_any_number_of_rows(network, rows):
    found = network(given(rows))
    assert found.dtype == np.float32
    assert found == pytest.approx(by_hand(given(rows)), abs=1e-5)


def test_threads_share_it(network):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(network, (given(3, seed) for seed in range(40))))
    for seed, rows in enumerate(found):
        assert rows == pytest.approx(by_hand(given(3, seed)), abs=1e-5)


def test_what_it_gave_is_not_overwritten_by_the_next_call(network):
    first = network(given(3, 1))
    kept = first.copy()
    network(given(3, 2))
    np.testing.assert_array_equal(first, kept)


def test_it_computes_in_fp32_and_refuses_what_it_does_not_name(runtime, component):
    assert "fp32" in component.PRECISIONS
    for precision in component.PRECISIONS:
        runtimes.check(runtime, precision)
    with pytest.raises(UnknownName, match="fp32"):
        runtimes.check(runtime, "fp3")


def test_a_damaged_file_is_refused_with_its_name(component, tmp_path):
    (tmp_path / "images.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"images\.onnx' cannot be read"):
        component.open(tmp_path / "images.onnx", "fp32", 1)
