"""models.py FOLDER: models that pages are made of, and FOLDER/expected.json with what numpy says of their numbers.

planted  a chain of batch norms, findings planted at known places
hostile  names that are markup, terminal commands, endless, of control characters; a name twice; an operator nobody knows
numbers  what is largest, smallest, nowhere finite, everywhere the same
layers   layer, RMS and instance norms: scale and bias only
many     more norms than a page shows in detail
none     no norm
"""
import json
import sys

import numpy
from onnx import TensorProto, helper, numpy_helper

SHARES = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]
PARTS = ["scale", "bias", "mean", "variance"]


class Chain:
    """Nodes one behind another on an image of `channels`."""

    def __init__(self, channels):
        self.channels, self.nodes, self.tensors, self.expected = channels, [], [], []
        self.value = "x"

    def tensor(self, name, values):
        name = f"{name}.{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(numpy.asarray(values, numpy.float32), name))
        return name

    def node(self, kind, name, inputs=(), **attributes):
        out = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.value, *inputs], [out], name=name, **attributes))
        self.value = out

    def norm(self, name, scale, bias, mean, variance, **attributes):
        parts = [scale, bias, mean, variance]
        self.node("BatchNormalization", name, [self.tensor(p, v) for p, v in zip(PARTS, parts)], **attributes)
        self.expect(dict(zip(PARTS, parts)))

    def expect(self, parts):
        self.expected.append({p: quantiles(numpy.float32(v)) for p, v in parts.items()})

    def save(self, folder, name):
        shape = ["N", self.channels, 4, 4]
        graph = helper.make_graph(self.nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                                  [helper.make_tensor_value_info(self.value, TensorProto.FLOAT, None)], self.tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("odd", 1)])
        model.ir_version = 8
        with open(f"{folder}/{name}.onnx", "wb") as file:
            file.write(model.SerializeToString())
        return self.expected


def quantiles(values):
    finite = values[numpy.isfinite(values)].astype(numpy.float64)
    return {"values": values.size, "not_finite": int(values.size - finite.size),
            "at": [float(v) for v in numpy.quantile(finite, SHARES)] if finite.size else [None] * len(SHARES)}


random = numpy.random.RandomState(3)


def usual(channels):
    return [random.uniform(0.5, 1.5, channels), random.normal(0, 0.3, channels), random.normal(0, 1, channels),
            random.uniform(0.2, 3, channels)]


def planted():
    chain = Chain(32)
    for place in range(12):
        scale, bias, mean, variance = usual(32)
        extra = {}
        if place == 2:
            variance[5] = -0.5
        if place == 4:
            mean[:], variance[:] = 0, 1
        if place == 6:
            mean[3], mean[4] = float("nan"), float("inf")
        if place == 7:
            scale[9] = 40000
        if place == 8:
            variance[:3] = 5e-6
        if place == 9:
            extra["momentum"] = 0.1
        if place == 11:
            scale[20] = 1e-9
        chain.norm(f"bn{place}", scale, bias, mean, variance, **extra)
        chain.node("Relu", f"relu{place}")
    return chain


def hostile():
    chain = Chain(4)
    names = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</title></svg></style><script>alert(2)</script>",
             "\x1b[31mred\x1b]0;owned\x07", "a" * 5000 + "&<>" + "\u00e9" * 3000, "\u202egnp.exe\u2066", "twice", "twice",
             "\x9b31mred", "javascript:alert(3)", "two\nlines\tand a tab", "&lt;b&gt;", "' onmouseover='alert(4)"]
    for name in names:
        scale, bias, mean, variance = usual(4)
        variance[1] = 5e-6  # a finding at each, so that the names stand everywhere
        chain.norm(name, scale, bias, mean, variance)
    chain.nodes.append(helper.make_node("</style><script>alert(5)</script>", [chain.value], ["last"], domain="odd"))
    chain.value = "last"
    return chain


def numbers():
    chain, huge, n = Chain(4), 3.4028e38, float("nan")
    for parts in [([huge, -huge, 1, 0], [0, 0, 0, 0], [1e-45, -1e-45, 1e30, -1e30], [huge, 1e-45, 1, 0]),
                  ([1, 1, 1, 1], [0, 0, 0, 0], [5, 5, 5, 5], [1e-38, 1e-38, 1e-38, 1e-38]),
                  ([n, n, n, n], [n, 1, n, 2], [float("inf")] * 4, [float("-inf"), 1, 1, 1]),
                  ([-1, -2, -3, -4], [1e8, 1e8, 1e8, 1e8], [0, 0, 0, 1e-20], [0, 0, 0, 0])]:
        chain.norm(f"bn{len(chain.nodes)}", *parts)
    return chain


def layers():
    chain = Chain(8)
    for place in range(6):
        scale, bias = random.normal(1, 0.4, 8), random.normal(0, 0.2, 8)
        kind = "InstanceNormalization" if place == 5 else "LayerNormalization"
        extent = 8 if place == 5 else 4
        parts = {"scale": scale[:extent], "bias": bias[:extent]}
        if place == 3:
            del parts["bias"]
        chain.node(kind, f"ln{place}", [chain.tensor(p, v) for p, v in parts.items()])
        chain.expect(parts)
    return chain


def many():
    chain = Chain(4)
    for place in range(850):
        scale, bias, mean, variance = usual(4)
        variance[0] = 5e-6
        chain.norm(f"block{place}/" + "deep/" * 30 + "bn", scale, bias, mean, variance)
    return chain


def none():
    chain = Chain(4)
    chain.node("Relu", "relu")
    return chain


if __name__ == "__main__":
    folder = sys.argv[1]
    made = {make.__name__: make().save(folder, make.__name__) for make in [planted, hostile, numbers, layers, many, none]}
    with open(f"{folder}/expected.json", "w", encoding="utf-8") as file:
        json.dump(made, file)
