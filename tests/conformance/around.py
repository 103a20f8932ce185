"""around.py FOLDER: models with convolution and batch norm before and behind what the engine does not run.

One line each: name, batch norms outside of nested graphs, the operator that the tool should miss (- = none: a function
is its body), whether onnxruntime runs it, and how many norms can be measured (their inputs come from the image alone).
"""
import sys

import numpy as np
from onnx import TensorProto as T, helper as h, numpy_helper, save

folder = sys.argv[1]
rng = np.random.default_rng(5)


class Net:
    def __init__(self, opset=15, domains=()):
        self.nodes, self.inits, self.count = [], [], 0
        self.opsets = [h.make_opsetid("", opset)] + [h.make_opsetid(d, 1) for d in domains]
        self.functions, self.inputs, self.outputs = [], [h.make_tensor_value_info("x", T.FLOAT, ["N", 1, 28, 28])], []

    def init(self, array):
        self.count += 1
        name = f"w{self.count}"
        self.inits.append(numpy_helper.from_array(array, name))
        return name

    def floats(self, *dims, low=-0.5, high=0.5):
        return self.init(rng.uniform(low, high, dims).astype(np.float32))

    def op(self, kind, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"v{self.count}"] + [f"v{self.count}_{i}" for i in range(1, outputs)]
        self.nodes.append(h.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, x, cin, cout, stride=1):
        return self.op("Conv", x, self.floats(cout, cin, 3, 3), self.floats(cout), pads=[1] * 4, strides=[stride] * 2)

    def norm(self, x, c):
        return self.op("BatchNormalization", x, self.floats(c, low=0.5, high=1.5), self.floats(c), self.floats(c),
                       self.floats(c, low=0.5, high=2))

    def block(self, x, cin, cout, stride=1):
        return self.op("Relu", self.norm(self.conv(x, cin, cout, stride), cout))

    def finish(self, name, *row, **outputs):
        self.outputs = [h.make_tensor_value_info(n, t, None) for n, t in outputs.items()]
        graph = h.make_graph(self.nodes, name, self.inputs, self.outputs, self.inits)
        model = h.make_model(graph, opset_imports=self.opsets, functions=self.functions, ir_version=8)
        save(model, f"{folder}/{name}.onnx")
        print(name, *row)


def branch(name, *nodes):
    return h.make_graph(list(nodes), name, [], [h.make_tensor_value_info(nodes[-1].output[0], T.FLOAT, None)])


n = Net()
features = n.block(n.block("x", 1, 4, 2), 4, 8, 2)
rows = n.op("Reshape", n.op("Transpose", features, perm=[3, 0, 1, 2]), n.init(np.array([7, -1, 56], np.int64)))
n.nodes.append(h.make_node("LSTM", [rows, n.floats(1, 20, 56), n.floats(1, 20, 5)], ["y"], hidden_size=5))
n.finish("lstm", 2, "LSTM", "runs", 2, y=T.FLOAT)

n = Net(domains=["com.acme"])
hidden = n.op("MyOp", n.block("x", 1, 4, 2), domain="com.acme")
n.nodes.append(h.make_node("Identity", [n.block(hidden, 4, 6)], ["y"]))
n.finish("custom", 2, "com.acme.MyOp", "no", 1, y=T.FLOAT)

n = Net()
features = n.block("x", 1, 4)
n.nodes.append(h.make_node("If", [n.init(np.array(True))], ["u"],
                           then_branch=branch("then", h.make_node("Neg", [features], ["t"])),
                           else_branch=branch("else", h.make_node("Abs", [features], ["e"]))))
n.nodes.append(h.make_node("Identity", [n.block("u", 4, 4)], ["y"]))
n.finish("if", 2, "If", "runs", 1, y=T.FLOAT)

n = Net()
features = n.block("x", 1, 4)
body = h.make_graph([h.make_node("Relu", ["carried"], ["next"]), h.make_node("Identity", ["go"], ["on"])], "body",
                    [h.make_tensor_value_info("i", T.INT64, []), h.make_tensor_value_info("go", T.BOOL, []),
                     h.make_tensor_value_info("carried", T.FLOAT, None)],
                    [h.make_tensor_value_info("on", T.BOOL, []), h.make_tensor_value_info("next", T.FLOAT, None)])
n.nodes.append(h.make_node("Loop", [n.init(np.array(3, np.int64)), n.init(np.array(True)), features], ["u"], body=body))
n.nodes.append(h.make_node("Identity", [n.block("u", 4, 4)], ["y"]))
n.finish("loop", 2, "Loop", "runs", 1, y=T.FLOAT)

n = Net(domains=["local"])
n.functions.append(h.make_function("local", "Act", ["a"], ["b"], [h.make_node("Relu", ["a"], ["b"])],
                                   [h.make_opsetid("", 15)]))
hidden = n.op("Act", n.norm(n.conv("x", 1, 4), 4), domain="local")
n.nodes.append(h.make_node("Identity", [n.block(hidden, 4, 4)], ["y"]))
n.finish("function", 2, "-", "runs", 2, y=T.FLOAT)

n = Net()
scale, zero = n.init(np.array(0.05, np.float32)), n.init(np.array(128, np.uint8))
quantized = n.op("DequantizeLinear", n.op("QuantizeLinear", n.norm(n.conv("x", 1, 4), 4), scale, zero), scale, zero)
n.nodes.append(h.make_node("Identity", [n.norm(n.conv(quantized, 4, 4), 4)], ["y"]))
n.finish("quantize", 2, "QuantizeLinear", "steps", 1, y=T.FLOAT)  # a step may turn by one

# A detector: boxes and scores of a head, suppressed; an input of its own for the size of the image.
n = Net()
n.inputs.append(h.make_tensor_value_info("size", T.FLOAT, [1]))
features = n.block(n.block("x", 1, 4, 2), 4, 8, 2)
shape = n.init(np.array([0, -1, 4], np.int64))
boxes = n.op("Mul", n.op("Sigmoid", n.op("Reshape", n.conv(features, 8, 4), shape)), "size")
score_shape = n.init(np.array([0, 1, -1], np.int64))
n.nodes.append(h.make_node("Sigmoid", [n.op("Reshape", n.conv(features, 8, 1), score_shape)], ["scores"]))
n.nodes.append(h.make_node("NonMaxSuppression", [boxes, "scores", n.init(np.array([9], np.int64))], ["kept"]))
n.finish("detector", 2, "NonMaxSuppression", "runs", 2, scores=T.FLOAT, kept=T.INT64)

# Numbers of a type that nobody here computes with, and a sequence.
n = Net()
hidden = n.op("Cast", n.block("x", 1, 4), to=T.DOUBLE)
hidden = n.op("Cast", n.op("Tanh", hidden), to=T.FLOAT)
listed = n.op("SequenceConstruct", hidden, hidden)
hidden = n.op("SequenceAt", listed, n.init(np.array(1, np.int64)))
n.nodes.append(h.make_node("Identity", [n.block(hidden, 4, 4)], ["y"]))
n.finish("types", 2, "SequenceConstruct", "runs", 1, y=T.FLOAT)

# Not in the list: statistics that are not finite, of one norm all, of the other one channel.
n = Net()
n.nodes.append(h.make_node("Identity", [n.block(n.block("x", 1, 4), 4, 4)], ["y"]))
for at, mean in enumerate(i for i in n.inits if i.name in {v.input[3] for v in n.nodes if v.op_type[:5] == "Batch"}):
    values = numpy_helper.to_array(mean).copy()
    values[:4 if at == 0 else 1] = np.nan
    mean.CopyFrom(numpy_helper.from_array(values, mean.name))
save(h.make_model(h.make_graph(n.nodes, "damaged", n.inputs, [h.make_tensor_value_info("y", T.FLOAT, None)], n.inits),
                  opset_imports=n.opsets, ir_version=8), f"{folder}/damaged.onnx")

# Not in the list: a graph inside If reads what the convolution makes, what the norm makes, what the ReLU makes.
for at, name in enumerate(["read_conv", "read_norm", "read_relu"]):
    n = Net()
    values = [n.conv("x", 1, 4)]
    values.append(n.norm(values[0], 4))
    values.append(n.op("Relu", values[1]))
    n.nodes.append(h.make_node("If", [n.init(np.array(True))], ["u"],
                               then_branch=branch("then", h.make_node("Tanh", [values[at]], ["t"])),
                               else_branch=branch("else", h.make_node("Abs", [values[at]], ["e"]))))
    n.nodes.append(h.make_node("Add", [values[2], "u"], ["y"]))
    save(h.make_model(h.make_graph(n.nodes, name, n.inputs, [h.make_tensor_value_info("y", T.FLOAT, None)], n.inits),
                      opset_imports=n.opsets, ir_version=8), f"{folder}/{name}.onnx")
