"""document.py: an ONNX file as the fields that its bytes are made of, with just enough meaning to say who reads what.

Shares nothing with the product: bytes are split here, and messages are read by python3-onnx.
"""
import onnx

NODE, INITIALIZER, INPUT, VALUE_INFO = 1, 5, 11, 13  # of GraphProto
IR_VERSION, GRAPH, OPSET_IMPORT, METADATA, FUNCTIONS = 1, 7, 8, 14, 25  # of ModelProto
PARSERS = {NODE: onnx.NodeProto, INITIALIZER: onnx.TensorProto, INPUT: onnx.ValueInfoProto, VALUE_INFO: onnx.ValueInfoProto}


def function_of(field):
    return onnx.FunctionProto.FromString(field.payload)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if byte < 128:
            return value, at


class Field:
    """One field as it stands in the file: number, all its bytes, what is in it, and the message where it is one."""

    def __init__(self, number, raw, payload):
        self.number, self.raw, self.payload, self.message = number, raw, payload, None

    def read(self, kind):
        self.message = kind.FromString(self.payload)
        return self


def fields(data):
    at, found = 0, []
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 2:
            size, at = varint(data, at)
            payload, at = data[at:at + size], at + size
        else:
            payload = None
            if wire == 0:
                payload, at = varint(data, at)
            else:
                at += {1: 8, 5: 4}[wire]
        if at > len(data):
            raise ValueError("a field that does not end")
        found.append(Field(number, data[start:at], payload))
    return found


def graphs_of(node):
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def names_within(graph):
    """Every name that a nested graph reads, its own values too: more than it captures, never less."""
    for node in graph.node:
        yield from node.input
        for inner in graphs_of(node):
            yield from names_within(inner)
    yield from (output.name for output in graph.output)


def reads(node):
    names = [name for name in node.input if name]
    for graph in graphs_of(node):
        names += names_within(graph)
    return names


class Document:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.fields = fields(self.bytes)
        graphs = [f for f in self.fields if f.number == GRAPH]
        self.graph = fields(b"".join(f.payload for f in graphs))
        for field in self.graph:
            if field.number in PARSERS:
                field.read(PARSERS[field.number])
        self.outputs = [onnx.ValueInfoProto.FromString(f.payload).name for f in self.graph if f.number == 12]
        self.nodes = [f for f in self.graph if f.number == NODE]
        self.tensors = {f.message.name: f for f in self.graph if f.number == INITIALIZER}
        self.inputs = [f.message.name for f in self.graph if f.number == INPUT]
        self.maker = {name: i for i, f in enumerate(self.nodes) for name in f.message.output if name}
        self.readers = {}
        for i, field in enumerate(self.nodes):
            for name in reads(field.message):
                self.readers.setdefault(name, []).append(i)

    def node(self, index):
        return self.nodes[index].message

    def values(self):
        return set(self.maker) | set(self.tensors) | set(self.inputs)

    def ir_version(self):
        return next((f.payload for f in self.fields if f.number == IR_VERSION), 0)

    def opset(self):
        for field in self.fields:
            if field.number == OPSET_IMPORT:
                entry = onnx.OperatorSetIdProto.FromString(field.payload)
                if entry.domain in ("", "ai.onnx"):
                    return entry.version
        return 1

    def lists_weights(self):
        """Initializers have to be inputs before IR version 4, and are in many later files."""
        return self.ir_version() < 4 or (bool(self.tensors) and all(name in self.inputs for name in self.tensors))

    def find(self, name):
        """The node that a report names: by its name, else by an output."""
        for i in range(len(self.nodes)):
            if self.node(i).name == name:
                return i
        return self.maker.get(name)

    def has_graphs(self, index):
        return any(True for _ in graphs_of(self.node(index)))

    def functions(self):
        """"domain.name" of each."""
        return [f"{f.domain}.{f.name}" for f in map(function_of, (f for f in self.fields if f.number == FUNCTIONS))]

    def trains(self, node):
        """Whether a batch norm takes the statistics of each batch, by its opset."""
        numbers = {a.name: a.i for a in node.attribute}
        opset = self.opset()
        if opset >= 14:
            return numbers.get("training_mode", 0) != 0
        return numbers.get("is_test", 0) == 0 if opset < 7 else len([o for o in node.output if o]) > 1
