"""compare.py: two files, field by field, by their bytes: everything outside a region is as it was, and what came belongs to it."""
from collections import Counter

import onnx

from document import FUNCTIONS, GRAPH, INITIALIZER, INPUT, IR_VERSION, METADATA, NODE, OPSET_IMPORT, VALUE_INFO, function_of, reads

OUTPUT = 12


def entry(field):
    return onnx.StringStringEntryProto.FromString(field.payload)


def shown(field):
    return repr(str(field.message) if field.message is not None else field.raw)[:300]


def name_of(node):
    return node.name or (node.output[0] if node.output else "?")


class Comparison:
    def __init__(self, before, after, region):
        self.a, self.b, self.region, self.complaints = before, after, region, []
        self.came, self.went = [], []  # nodes by index
        self.tensors = set()           # names of initializers that may differ
        self.values = set()            # that only the region knows

    def say(self, text):
        self.complaints.append(text)

    # ---- what may differ ----

    def own_tensor(self, name):
        """Read by the region and by nobody else."""
        readers = self.a.readers.get(name, [])
        return bool(readers) and set(readers) <= self.region.nodes and name not in self.a.outputs

    def prepare(self):
        r = self.region
        self.tensors = {t for t in self.a.tensors if self.own_tensor(t)} if r.tensors is None else set(r.tensors)
        self.values = {v for i in r.nodes for v in self.a.node(i).output if v} | self.tensors

    def may_differ(self, field):
        """Of the graph before."""
        if self.follows(field):
            return True
        if field.number == NODE:
            return self.a.nodes.index(field) in self.region.nodes
        if field.number == INITIALIZER:
            return field.message.name in self.tensors
        if field.number == INPUT:
            return self.region.opened or (field.message.name in self.tensors and self.a.lists_weights())
        if field.number == VALUE_INFO:
            return field.message.name in self.values and field.message.name not in self.b.values()
        return self.region.opened and field.number == OUTPUT

    def follows(self, field):
        """A declaration that is there with extents that are free now."""
        if not self.region.batch or field.number not in (INPUT, OUTPUT, VALUE_INFO):
            return False
        old = onnx.ValueInfoProto.FromString(field.payload)
        for other in self.b.graph:
            if other.number != field.number:
                continue
            new = onnx.ValueInfoProto.FromString(other.payload)
            dims, now = old.type.tensor_type.shape.dim, new.type.tensor_type.shape.dim
            if new.name != old.name or len(dims) != len(now):
                continue
            for a, b in zip(dims, now):
                if a.HasField("dim_value") and not b.HasField("dim_value"):
                    a.CopyFrom(b)
            old.DiscardUnknownFields()  # within a type that is written anew
            new.DiscardUnknownFields()
            return old == new
        return False

    # ---- lists of fields ----

    def rest(self, before, after, may_differ, what):
        """The fields of `after` that are none of those before; all others have to be there, in their order."""
        there, loose, new = Counter(f.raw for f in after), Counter(f.raw for f in before), []
        kept = [f for f in before if not may_differ(f)]
        for field in kept:
            there[field.raw] -= 1
            if there[field.raw] < 0:
                self.say(f"{what}: field {field.number} changed or went: {shown(field)}")
        for field in after:
            loose[field.raw] -= 1
            if loose[field.raw] < 0:
                new.append(field)
        known = {f.raw for f in kept}
        order = [f.raw for f in after if f.raw in known]
        if not any(count < 0 for count in there.values()) and order != [f.raw for f in kept]:
            self.say(f"{what}: fields in another order")
        return new

    def in_functions(self, field):
        function = function_of(field)
        return f"{function.domain}.{function.name}" in self.region.functions

    def model(self):
        r = self.region

        def may_differ(field):
            if field.number == METADATA:
                return entry(field).key in r.metadata
            if field.number == FUNCTIONS:
                return self.in_functions(field)
            return field.number == GRAPH or (field.number == OPSET_IMPORT and r.opset is not None and
                                             onnx.OperatorSetIdProto.FromString(field.payload).domain in ("", "ai.onnx")) or (
                field.number == IR_VERSION and r.ir is not None)
        for field in self.rest(self.a.fields, self.b.fields, may_differ, "model"):
            fits = field.number == GRAPH
            fits |= field.number == FUNCTIONS and self.in_functions(field)
            fits |= field.number == METADATA and entry(field).key in r.metadata
            fits |= field.number == OPSET_IMPORT and r.opset is not None and self.b.opset() == r.opset
            fits |= field.number == IR_VERSION and r.ir is not None and field.payload in r.ir
            if not fits:
                self.say(f"model: field {field.number} came or changed: {shown(field)}")

    def graph(self):
        for field in self.rest(self.a.graph, self.b.graph, self.may_differ, "graph"):
            if field.number == NODE:
                self.came.append(self.b.nodes.index(field))
            elif field.number == INITIALIZER:
                self.tensor(field.message)
            elif field.number == INPUT and not self.region.batch:
                self.input(field.message)
            elif not (field.number == OUTPUT and self.region.opened) and not (self.region.batch and field.number in (INPUT, OUTPUT, VALUE_INFO)):
                self.say(f"graph: field {field.number} came or changed: {shown(field)}")
        staying = {f.raw for f in self.b.nodes}
        self.went = [i for i in self.region.nodes if self.a.nodes[i].raw not in staying]

    # ---- what came ----

    def tensor(self, tensor):
        old = self.a.tensors.get(tensor.name)
        if old is not None:
            if tensor.name not in self.tensors:
                self.say(f"tensor {tensor.name} changed")
            elif old.message.data_type != tensor.data_type:
                self.say(f"tensor {tensor.name} has another type")
            elif old.message.doc_string != tensor.doc_string:
                self.say(f"tensor {tensor.name} lost its documentation")
        elif tensor.name in self.a.values() and tensor.name not in self.values:
            self.say(f"tensor {tensor.name} takes the name of another value")
        elif not self.b.readers.get(tensor.name):
            self.say(f"tensor {tensor.name} came, and nobody reads it")

    def input(self, info):
        if self.region.opened:
            return
        fresh = info.name in self.b.tensors and (info.name not in self.a.tensors or info.name in self.tensors)
        if not fresh or not self.a.lists_weights():
            self.say(f"input {info.name} came or changed")

    def known(self, name):
        """Values that a node of the region may be about."""
        if self.region.opened:
            return True
        around = {v for i in self.region.nodes for v in list(self.a.node(i).input) + list(self.a.node(i).output)}
        return not name or name in around or name not in self.a.values()

    def partner(self, node):
        """The node of the region that it was."""
        for same in (lambda old: old.name and old.name == node.name, lambda old: set(old.output) & set(node.output),
                     lambda old: old.input == node.input, lambda old: old.input[:1] == node.input[:1]):
            for i in self.went:
                old = self.a.node(i)
                if (old.op_type, old.domain) == (node.op_type, node.domain) and same(old):
                    return i
        return None

    def around(self, old, node):
        """A node with graphs that differ: nothing of it does but these."""
        left, right = (onnx.NodeProto.FromString(n.SerializeToString()) for n in (old, node))
        for one in (left, right):
            for attribute in one.attribute:
                attribute.ClearField("g")
                attribute.ClearField("graphs")
        if left != right:
            self.say(f"node {name_of(old)}: more than the graphs in it changed")

    def stays(self, old, node, index):
        """A node that is still there: only what the command is about differs."""
        if index in self.region.owners:
            self.around(old, node)
            return
        if self.region.free:
            return
        if old.name != node.name or old.doc_string != node.doc_string:
            self.say(f"node {name_of(old)}: name or documentation changed")
        left, right = ({a.name: a.SerializeToString() for a in n.attribute if a.name not in self.region.attributes} for n in (old, node))
        if left != right:
            self.say(f"node {name_of(old)}: attributes changed")
        if index in self.region.outputs_only and list(old.input) != list(node.input):
            self.say(f"node {name_of(old)}: inputs changed")

    def nodes(self):
        added = 0
        for index in self.came:
            node = self.b.node(index)
            old = self.partner(node)
            if old is not None:
                self.stays(self.a.node(old), node, old)
                self.went.remove(old)
            elif node.op_type in self.region.ops or self.region.opened:
                added += 1
                if node.doc_string and node.doc_string not in {self.a.node(i).doc_string for i in self.region.nodes}:
                    self.say(f"node {name_of(node)}: documentation came")
            else:
                self.say(f"node {name_of(node)} ({node.op_type}) came or changed")
            for name in list(node.input) + list(node.output):
                if not self.known(name):
                    self.say(f"node {name_of(node)} is about '{name}', which is elsewhere")
        if self.region.added is not None and added != self.region.added:
            self.say(f"{added} nodes came, {self.region.added} were told")

    # ---- whether it holds together ----

    def whole(self, document):
        seen = set(document.tensors) | set(document.inputs)
        for i in range(len(document.nodes)):
            node = document.node(i)
            if any(name and name not in seen for name in node.input) or any(n in document.maker and n not in seen for n in reads(node)):
                return False
            seen |= set(document.node(i).output)
        return all(name in seen for name in document.outputs)

    def run(self):
        self.prepare()
        self.model()
        self.graph()
        self.nodes()
        if self.whole(self.a) and not self.whole(self.b):
            self.say("a value is read before it is made, or nobody makes it")
        return self.complaints


def allowed(c, change):
    """Whether a row of diff is about what the region may touch."""
    kind, name, region = change["kind"], change["name"], c.region
    nodes = {name_of(c.a.node(i)) for i in region.nodes} | {name_of(c.b.node(i)) for i in c.came}
    if change["place"]:
        return any(change["place"] == place or change["place"].startswith(f"{place}/") for place in region.places)
    unnamed = any(not c.a.node(i).name for i in region.nodes)
    if kind == "order" and name == "" and change["text"].startswith("node: ") and (unnamed or not c.whole(c.a)):
        return True  # nodes are paired by what they make, which another makes now; the order of what stays has been judged
    if kind == "order" and region.free:
        return name in nodes  # attributes of a node that is written anew
    if region.batch and kind in ("input", "output", "value-info"):
        return True  # the bytes were looked at
    if kind in ("node", "attribute", "node-removed", "node-added"):
        return name in nodes
    if kind in ("tensor", "tensor-added", "tensor-removed", "tensor-type", "stored"):
        return name in c.tensors or name not in c.a.tensors
    if kind == "input":
        return region.opened or region.batch or (c.a.lists_weights() and (name in c.tensors or name in c.b.tensors and name not in c.a.tensors))
    if kind == "output":
        return region.opened
    if kind == "value-info":
        return name in c.values and name not in c.b.values()
    if kind == "metadata":
        return name in region.metadata
    return (kind == "opset" and region.opset is not None) or (kind == "ir-version" and region.ir is not None)
