"""contrib.py FOLDER: models with operators of onnxruntime's own, listed in FOLDER/cases.json."""
import json
import sys

import numpy as np
from onnx import TensorProto as T, helper as h, numpy_helper, save

folder = sys.argv[1]
rng = np.random.default_rng(3)
cases = []
MS = {"domain": "com.microsoft"}


def floats(*dims, low=-1, high=1):
    return rng.uniform(low, high, dims).astype(np.float32)


def case(name, nodes, weights, inputs, outputs=("y",), opset=17, norm=False, left=None):
    """norm: it can be spelled out; left: batch norms that fold leaves, None = it is no case for fold."""
    infos = lambda names, shapes: [h.make_tensor_value_info(n, T.FLOAT, s) for n, s in zip(names, shapes)]
    graph = h.make_graph(nodes, name, infos(inputs, [list(v) for v in inputs.values()]),
                         infos(outputs, [[None] * len(inputs["x"])] * len(outputs)),
                         [numpy_helper.from_array(v, k) for k, v in weights.items()])
    opsets = [h.make_opsetid("", opset), h.make_opsetid("com.microsoft", 1)]
    save(h.make_model(graph, opset_imports=opsets, ir_version=8), f"{folder}/{name}.onnx")
    cases.append({"name": name, "inputs": inputs, "outputs": outputs, "norm": norm, "left": left})


node = h.make_node
rows, pair = {"x": (2, 5, 12)}, {"x": (2, 5, 12), "s": (2, 5, 12)}
g, b, c = floats(12, low=0.5, high=1.5), floats(12), floats(12)


def norm(name, op, inputs, outputs=("y",), tail=(), model_outputs=("y",), weights=None, feeds=pair, **attributes):
    for opset in (9, 13, 17, 21):
        weights = weights or {k: v for k, v in {"g": g, "b": b, "c": c}.items() if k in inputs}
        case(f"{name} {opset}", [node(op, inputs, outputs, **attributes), *tail], weights, feeds, model_outputs, opset,
             True)


skip, skip_rms = "SkipLayerNormalization", "SkipSimplifiedLayerNormalization"
norm("skip", skip, ["x", "s", "g", "b"], epsilon=1e-3, **MS)
norm("skip with bias", skip, ["x", "s", "g", "b", "c"], **MS)
norm("skip without beta", skip, ["x", "s", "g"], **MS)
norm("skip whose sum is read", skip, ["x", "s", "g", "b", "c"], ["t", "", "", "u"], [node("Add", ["t", "u"], ["y"])], **MS)
norm("skip whose sum is an output", skip, ["x", "s", "g", "b"], ["y", "", "", "u"], (), ("y", "u"), **MS)
norm("skip RMS", skip_rms, ["x", "s", "g"], epsilon=1e-3, **MS)
norm("skip RMS with bias", skip_rms, ["x", "s", "g", "c"], ["y", "", "", "u"], (), ("y", "u"), **MS)
norm("RMS", "SimplifiedLayerNormalization", ["x", "g"], feeds=rows, axis=-1, epsilon=1e-3)
norm("RMS of com.microsoft", "SimplifiedLayerNormalization", ["x", "g"], feeds=rows, axis=2, **MS)
norm("layer of com.microsoft", "LayerNormalization", ["x", "g", "b"], feeds=rows, axis=-1, epsilon=1e-3, **MS)
for opset in (9, 13):
    case(f"layer before ONNX {opset}", [node("LayerNormalization", ["x", "g", "b"], ["y"], axis=1, epsilon=1e-3)],
         {"g": floats(5, 12), "b": floats(5, 12)}, rows, opset=opset, norm=True)
for last in (0, 1):
    for swish in (0, 1):
        case(f"group {last}{swish}", [node("GroupNorm", ["x", "g", "b"], ["y"], groups=3, activation=swish,
                                           channels_last=last, epsilon=1e-3, **MS)],
             {"g": g, "b": b}, {"x": (2, 4, 5, 12) if last else (2, 12, 4, 5)}, norm=bool(last))
case("group of a sum", [node("SkipGroupNorm", ["x", "g", "b", "s"], ["y", "u"], groups=3, activation=1, epsilon=1e-3, **MS)],
     {"g": g, "b": b}, {"x": (2, 4, 5, 12), "s": (2, 4, 5, 12)}, ("y", "u"), norm=True)

w, wb = floats(6, 3, 3, 3), floats(6)
activations = {"none": {}, "Relu": {}, "Tanh": {}, "Sigmoid": {}, "LeakyRelu": {"activation_params": [0.2]},
               "Clip": {"activation_params": [-0.5, 0.4]}, "HardSigmoid": {"activation_params": [0.3, 0.6]}}
for name, more in activations.items():
    if name != "none":
        more = {"activation": name, **more}
    case(f"convolution {name}", [node("FusedConv", ["x", "w", "b"], ["y"], pads=[1] * 4, **more, **MS)],
         {"w": w, "b": wb}, {"x": (2, 3, 7, 6)})
    case(f"convolution and sum {name}",
         [node("FusedConv", ["x", "w", "b", "z"], ["y"], kernel_shape=[3, 3], strides=[2, 2], **more, **MS)],
         {"w": w, "b": wb}, {"x": (2, 3, 7, 7), "z": (2, 6, 3, 3)})
    case(f"convolution 9 {name}", [node("FusedConv", ["x", "w"], ["y"], **more, **MS)], {"w": w}, {"x": (2, 3, 7, 6)},
         opset=9)
for name, more in (("Relu", {}), ("LeakyRelu", {"activation_alpha": 0.3}), ("Tanh", {})):
    case(f"product {name}", [node("FusedGemm", ["x", "w", "b"], ["y"], activation=name, alpha=0.5, beta=2.0, **more, **MS)],
         {"w": floats(12, 7), "b": floats(7)}, {"x": (4, 12)})

statistics = {"s": floats(6, low=0.5, high=1.5), "t": floats(6), "m": floats(6), "v": floats(6, low=0.5, high=2)}
batch = lambda x, y: node("BatchNormalization", [x, "s", "t", "m", "v"], [y])
behind, before = {"w": w, "b": wb, **statistics}, {"w": floats(4, 6, 3, 3), "b": floats(4), **statistics}
relu = {"activation": "Relu", **MS}
case("norm behind", [node("FusedConv", ["x", "w", "b"], ["h"], pads=[1] * 4, **MS), batch("h", "y")], behind,
     {"x": (2, 3, 7, 6)}, left=0)
case("norm behind an activation", [node("FusedConv", ["x", "w", "b"], ["h"], **relu), batch("h", "y")], behind,
     {"x": (2, 3, 7, 6)}, left=1)
case("norm behind a sum", [node("FusedConv", ["x", "w", "b", "z"], ["h"], **MS), batch("h", "y")], behind,
     {"x": (2, 3, 7, 7), "z": (2, 6, 5, 5)}, left=1)
case("norm before", [batch("x", "h"), node("FusedConv", ["h", "w", "b"], ["y"], **relu)], before, {"x": (2, 6, 7, 6)},
     left=0)
case("norm before padding", [batch("x", "h"), node("FusedConv", ["h", "w", "b"], ["y"], pads=[1] * 4, **relu)], before,
     {"x": (2, 6, 7, 6)}, left=1)
with open(f"{folder}/cases.json", "w") as out:
    json.dump(cases, out)
