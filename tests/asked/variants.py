"""variants.py: the same model with more in its file that a command might lose: lists of old exporters, documentation, shapes of every value,
what nobody reads, nodes without names."""
import onnx
from onnx import helper, shape_inference

SIDE = "a note that stays"


def listed(model):
    """Every initializer is an input, too."""
    known = {i.name for i in model.graph.input}
    for tensor in model.graph.initializer:
        if tensor.name not in known:
            model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))


def old(model):
    listed(model)
    model.ir_version = 3


def described(model):
    """Shapes and notes wherever there is room for them."""
    try:
        model.CopyFrom(shape_inference.infer_shapes(model))
    except Exception:  # operators that it does not know, or a wrong model, as some cases are
        pass
    model.doc_string = model.graph.doc_string = model.domain = SIDE
    model.model_version = 7
    for item in list(model.graph.node) + list(model.graph.input) + list(model.graph.output) + list(model.graph.value_info) + list(model.graph.initializer):
        item.doc_string = SIDE
    for node in model.graph.node:
        for attribute in node.attribute:
            attribute.doc_string = SIDE
    for number in range(3):
        model.metadata_props.add(key=f"key{number}", value=SIDE)
    model.opset_import.add(domain="com.example.unused", version=3)
    for node in model.graph.node[:2]:
        note = model.graph.quantization_annotation.add(tensor_name=node.output[0])
        note.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="spare.scale")


def spare(model):
    """What nobody reads: tensors, a node, a chain of them, a description of nothing."""
    model.graph.initializer.append(helper.make_tensor("spare.scale", onnx.TensorProto.FLOAT, [2], [1.0, 2.0]))
    model.graph.node.insert(0, helper.make_node("Constant", [], ["spare.constant"], value=helper.make_tensor("", onnx.TensorProto.FLOAT, [1], [3.0])))
    model.graph.node.append(helper.make_node("Identity", ["spare.constant"], ["spare.copy"], name="spare"))
    model.graph.value_info.append(helper.make_tensor_value_info("spare.nothing", onnx.TensorProto.FLOAT, [1]))


def unnamed(model):
    for node in model.graph.node:
        node.ClearField("name")


def exported(model):
    """Every value is an output: what stands between may not go."""
    known = {o.name for o in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known:
                model.graph.output.add(name=name).type.tensor_type.elem_type = onnx.TensorProto.FLOAT


def unsorted(model):
    """Against ONNX's rule, and read all the same."""
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


VARIANTS = [old, described, spare, unnamed, listed, exported, unsorted]


def write(path, variant, output):
    model = onnx.load(path, load_external_data=False)
    variant(model)
    with open(output, "wb") as file:
        file.write(model.SerializeToString())
