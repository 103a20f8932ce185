"""asked_fails.py: compare.py sees every kind of change that nobody asked for, and lets pass what was asked."""
import os
import sys
import tempfile

try:
    import onnx
    from onnx import TensorProto, helper
except ImportError:
    print("skipped: python3-onnx is not installed; scripts/test.sh installs it")
    sys.exit(77)

import regions
from compare import Comparison
from document import Document


def tensor(name, count):
    return helper.make_tensor(name, TensorProto.FLOAT, [count], [1.0 + i for i in range(count)])


def made():
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], name="conv"), helper.make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"], name="bn"),
             helper.make_node("Relu", ["n"], ["r"], name="relu"), helper.make_node("Sigmoid", ["r"], ["y"], name="sig", doc_string="kept"),
             helper.make_node("Identity", ["spare"], ["nowhere"])]
    weights = [helper.make_tensor("w", TensorProto.FLOAT, [2, 1, 1, 1], [1.0, 2.0])] + [tensor(name, 2) for name in "sbmv"] + [tensor("spare", 1)]
    shape = [1, 1, 4, 4]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], weights, doc_string="a note",
                              value_info=[helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("c", "r")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("com.example", 1)], ir_version=7)
    model.metadata_props.add(key="who", value="me")
    model.metadata_props.add(key="what", value="this")
    return model


def folded():
    """What fold makes of it."""
    model = made()
    graph = model.graph
    graph.node[0].input.append("n.bias")
    graph.node[0].output[0] = "n"
    del graph.node[1]
    kept = [t for t in graph.initializer if t.name not in "sbmv"]
    kept[0].float_data[0] = 9.0
    del graph.initializer[:]
    graph.initializer.extend(kept + [tensor("n.bias", 2)])
    del graph.value_info[0]
    return model


def swap(items):
    first, second = type(items[0])(), type(items[0])()
    first.CopyFrom(items[0])
    second.CopyFrom(items[1])
    items[0].CopyFrom(second)
    items[1].CopyFrom(first)


def node(model, name):
    return next(n for n in model.graph.node if n.name == name)


FAULTS = {
    "the IR version": lambda m: setattr(m, "ir_version", 8),
    "the opset": lambda m: setattr(m.opset_import[0], "version", 14),
    "another domain's opset": lambda m: m.opset_import.pop(),
    "the order of opsets": lambda m: swap(m.opset_import),
    "the producer": lambda m: setattr(m, "producer_name", "somebody"),
    "metadata": lambda m: setattr(m.metadata_props[0], "value", "you"),
    "metadata that came": lambda m: m.metadata_props.add(key="evenkeel.freeze.other", value="stats"),
    "the order of metadata": lambda m: swap(m.metadata_props),
    "the graph's name": lambda m: setattr(m.graph, "name", "h"),
    "the graph's documentation": lambda m: m.graph.ClearField("doc_string"),
    "a node's documentation": lambda m: node(m, "sig").ClearField("doc_string"),
    "a node's name": lambda m: setattr(node(m, "relu"), "name", "other"),
    "a node's attribute": lambda m: node(m, "relu").attribute.append(helper.make_attribute("extra", 1)),
    "a node elsewhere": lambda m: setattr(node(m, "sig"), "op_type", "Tanh"),
    "a value's name": lambda m: (node(m, "relu").output.__setitem__(0, "z"), node(m, "sig").input.__setitem__(0, "z")),
    "a node nobody reads": lambda m: m.graph.node.pop(),
    "a node that came": lambda m: m.graph.node.append(helper.make_node("Identity", ["y"], ["more"])),
    "the order of nodes": lambda m: m.graph.node.insert(0, m.graph.node.pop()),
    "an attribute of the convolution": lambda m: node(m, "conv").attribute.append(helper.make_attribute("group", 1)),
    "the convolution's name": lambda m: node(m, "conv").ClearField("name"),
    "the convolution's input": lambda m: node(m, "conv").input.__setitem__(0, "spare"),
    "a tensor nobody reads": lambda m: m.graph.initializer.remove(next(t for t in m.graph.initializer if t.name == "spare")),
    "a tensor elsewhere": lambda m: setattr(next(t for t in m.graph.initializer if t.name == "spare"), "doc_string", "came"),
    "a tensor that came": lambda m: m.graph.initializer.append(tensor("useless", 1)),
    "an input": lambda m: m.graph.input.append(helper.make_tensor_value_info("n.bias", TensorProto.FLOAT, [2])),
    "an input's shape": lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[0], "dim_param", "N"),
    "an output's shape": lambda m: m.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 4, 4])),
    "a shape elsewhere": lambda m: m.graph.value_info.pop(),
    "a shape that came": lambda m: m.graph.value_info.append(helper.make_tensor_value_info("n", TensorProto.FLOAT, [1, 2, 4, 4])),
    "a function": lambda m: m.functions.add(name="F", domain="com.example"),
    "training information": lambda m: m.training_info.add(),
    "a quantization annotation": lambda m: m.graph.quantization_annotation.add(tensor_name="y"),
}


def complaints(folder, before, after):
    paths = [os.path.join(folder, name) for name in ("a.onnx", "b.onnx")]
    for path, model in zip(paths, (before, after)):
        with open(path, "wb") as file:
            file.write(model.SerializeToString())
    a, b = (Document(path) for path in paths)
    region = regions.fold(a, {"norms": [{"norm": "bn", "folded": True, "into": "into node 'conv' (Conv)"}]}, [])
    region.nodes = regions.constants(a, set(region.nodes))
    return Comparison(a, b, region).run()


def main():
    with tempfile.TemporaryDirectory() as folder:
        wrong = [f"what was asked is refused: {c}" for c in complaints(folder, made(), folded())]
        for name, fault in FAULTS.items():
            model = folded()
            fault(model)
            if not complaints(folder, made(), model):
                wrong.append(f"not seen: {name}")
    print("\n".join(wrong))
    print(f"{len(FAULTS)} faults, {len(wrong)} of them not seen")
    sys.exit(1 if wrong else 0)


main()
