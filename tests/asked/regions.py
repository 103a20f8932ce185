"""regions.py: what a command may touch, from what its own report names and what the file before says.

A region never looks at the file after: who reads the report and the file knows beforehand what may differ.
"""
import re

from onnx import defs

CHANGES = {(s.name, s.since_version) for s in defs.get_all_schemas_with_history() if s.domain == ""}
PRODUCTS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
AFFINE = {"Mul", "Div", "Add", "Sub"}
NORMS = {"BatchNormalization", "LayerNormalization", "GroupNormalization", "InstanceNormalization", "RMSNormalization",
         "SimplifiedLayerNormalization", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "GroupNorm",
         "MeanVarianceNormalization"}
WRITTEN = AFFINE | NORMS | {"ReduceMean", "ReduceSum", "ReduceSumSquare", "GlobalAveragePool", "Pow", "Sqrt", "Reciprocal", "Cast", "Reshape",
                            "Flatten", "Transpose", "Identity", "Constant", "Shape", "Neg", "Squeeze", "Unsqueeze", "Sigmoid", "Concat", "Slice",
                            "Expand", "Abs", "Sum", "Gather", "Exp", "Size", "Dropout"}
# A group norm below opset 21; in half precision with its moments in float32.
SPREAD = {"Reshape", "InstanceNormalization", "Mul", "Add", "Shape", "Cast"}
TARGETS = {"batch": {"BatchNormalization"}, "frozen": {"Mul", "Add"}, "instance": {"InstanceNormalization"},
           "group:2": {"GroupNormalization"} | SPREAD, "layer": {"LayerNormalization", "GroupNormalization"} | SPREAD}


class Region:
    def __init__(self):
        self.nodes = set()        # that may differ or go, by index
        self.ops = set()          # of nodes that may come
        self.outputs_only = set() # nodes of which only output names and the attributes below may differ
        self.attributes = set()   # that may differ in the nodes that stay
        self.metadata = set()     # keys
        self.tensors = None       # names that may differ; None = those that nobody but the region reads
        self.shapes = True        # a tensor that stays keeps its shape
        self.added = None         # how many nodes come, where the report tells
        self.opset = self.ir = None
        self.free = False         # nodes of the region may be written anew
        self.batch = False        # extents of the input, and what follows from them, may become free
        self.opened = False       # the input and, with probabilities, the output are declared anew
        self.places = set()       # paths of nested graphs ("if_1/then_branch") and functions ("local.Block") that may differ
        self.owners = set()       # nodes with such graphs, of which only these may differ
        self.functions = set()    # that may differ


def rows(report, did):
    """Norm and text of each row that says something was done."""
    return [(row["norm"], row.get("into") or row.get("added") or "") for row in report.get("norms", []) if row.get(did)]


def in_place(document, r, name):
    """Takes in a nested graph or function that a report's name stands in; False = it names a node of the graph itself."""
    if document.find(name) is not None:
        return False
    for function in document.functions():
        if name.startswith(f"{function}/"):
            r.places.add(function)
            r.functions.add(function)
            return True
    for end in range(len(name), 0, -1):
        owner = document.find(name[:end]) if name[end:end + 1] == "/" else None
        if owner is not None and document.has_graphs(owner):
            r.places.add(name[:name.rindex("/")])
            r.owners.add(owner)
            r.nodes.add(owner)
            return True
    return False


def switch_keys(document, index):
    out = document.node(index).output
    return {f"evenkeel.{what}.{out[0]}" for what in ("freeze", "updates")} if out else set()


def single_reader(document, name):
    readers = document.readers.get(name, [])
    return readers[0] if len(readers) == 1 and name not in document.outputs else None


def makers(document, index):
    return {document.maker[name] for name in document.node(index).input if name in document.maker}


def chain(document, start):
    """The norm and what maps each channel beside it, in a row."""
    found, todo = set(), [start]
    while todo:
        index = todo.pop()
        if index in found:
            continue
        found.add(index)
        following = single_reader(document, document.node(index).output[0])
        near = [following] if following is not None else []
        near += [m for m in makers(document, index) if single_reader(document, document.node(m).output[0]) == index]
        todo += [n for n in near if document.node(n).op_type in AFFINE | {"BatchNormalization"}]
    return found


def labelled(document, text):
    """Nodes that a text names: node 'cv' (Conv), node of output 'c' (Conv)."""
    return {i for name in re.findall(r"node (?:of output )?'([^']*)'", text) if (i := document.find(name)) is not None}


def constants(document, region):
    """Nodes that make constants for the region alone: they may go with it."""
    grown = True
    while grown:
        grown = False
        for i in range(len(document.nodes)):
            node = document.node(i)
            if i in region or any(name in document.outputs for name in node.output):
                continue
            used = {r for name in node.output for r in document.readers.get(name, [])}
            fixed = all(not name or name in document.tensors or document.maker.get(name) in region for name in node.input)
            if used and used <= region and fixed:
                region.add(i)
                grown = True
    return region


def written(document, end):
    """The nodes of a norm that is written out and ends at this one: all that lead there and nowhere else."""
    found = {end}
    grown = document.node(end).op_type in WRITTEN
    while grown:
        grown = False
        for i in {m for n in found for m in makers(document, n)} - found:
            used = {r for name in document.node(i).output for r in document.readers.get(name, [])}
            exported = any(name in document.outputs for name in document.node(i).output)
            if document.node(i).op_type in WRITTEN and used <= found and not exported:
                found.add(i)
                grown = True
    return found


def fold(document, report, _):
    r = Region()
    for name, text in rows(report, "folded"):
        if in_place(document, r, name):
            continue
        start = document.find(name)
        nodes = chain(document, start)
        for i in nodes:
            r.metadata |= switch_keys(document, i)
        r.nodes |= nodes | labelled(document, text)
        if "follows" in text:  # into all that read it
            r.nodes |= {k for i in nodes for k in document.readers.get(document.node(i).output[0], [])
                        if document.node(k).op_type in PRODUCTS}
    r.ops = {"Add"}  # what a convolution's zeros at the border lack, and the bias of a MatMul
    r.attributes = {"beta"}
    return r


def unfold(document, report, _):
    r = Region()
    done = [(name, text) for name, text in rows(report, "unfolded") if not in_place(document, r, name)]
    r.outputs_only = {document.find(name) for name, _ in done}
    r.nodes |= r.outputs_only
    r.ops, r.added, r.tensors = {"BatchNormalization"}, len(done), set()
    return r


def freeze(document, report, _):
    r = Region()
    r.metadata = {f"evenkeel.freeze.{norm['output']}" for norm in report["norms"] if norm["changed"]}
    return r


def to_inference(document, r):
    """What recalibrate and train say of norms in training mode."""
    for i in range(len(document.nodes)):
        node = document.node(i)
        if node.op_type == "BatchNormalization" and document.trains(node):
            r.nodes.add(i)
            r.outputs_only.add(i)
    r.attributes |= {"training_mode", "is_test"}


def recalibrate(document, report, _):
    r = Region()
    r.tensors = set()
    for row in report["norms"]:
        index = document.find(row["norm"]) if row["updated"] else None
        if index is None or document.node(index).op_type not in NORMS:  # a call, or within one
            r.functions |= set(document.functions()) if row["updated"] else set()
            r.places |= r.functions
            r.tensors |= set(document.tensors) if row["updated"] and r.functions else set()  # that a call gives
            continue
        for name in document.node(index).input[3:5]:
            maker = document.maker.get(name)
            if maker is None or single_reader(document, name) is None:
                r.tensors |= set(sources(document, [name]))
            else:  # an Identity of a tensor that others have, too: its value becomes a tensor
                r.nodes.add(maker)
                r.tensors.add(name)
                r.attributes |= {"value", "value_float", "value_floats"} if document.node(maker).op_type == "Constant" else set()
        r.metadata |= switch_keys(document, index) - {f"evenkeel.freeze.{document.node(index).output[0]}"}
    to_inference(document, r)
    return r


def sources(document, names):
    """The initializers behind names, also through Identity."""
    for name in names:
        while name not in document.tensors and name in document.maker:
            inputs = document.node(document.maker[name]).input
            if not inputs:
                break
            name = inputs[0]
        yield name


def convert(document, report, options):
    r = Region()
    kind = options[1] if options[0] == "--norm" else options[0]
    for name, text in rows(report, "converted"):
        if name == "model" or in_place(document, r, name):
            continue
        index = document.find(name)
        if index is None:
            raise ValueError(f"the report names '{name}', which the file does not have")
        if kind == "--untie":
            own = re.search(r"'([^']*)' of its own", text).group(1)
            r.nodes |= {index} | ({document.maker[own]} if own in document.maker else set())
            continue
        nodes = written(document, index)
        if kind == "batch":  # of a Mul and an Add
            nodes |= makers(document, index)
        r.nodes |= nodes
        for i in nodes:
            r.metadata |= switch_keys(document, i)
    r.ops, r.free = set(TARGETS.get(kind, ())), kind in TARGETS or kind in ("--fuse", "--spell-out")
    if kind in ("--fuse", "--spell-out"):
        r.ops = WRITTEN
    if kind in ("--inference", "--from"):
        r.outputs_only = set(r.nodes) if kind == "--inference" else set()
        r.attributes = {"training_mode", "is_test"} if kind == "--inference" else {"momentum"}
    if kind != "--from":
        r.metadata = {key for key in r.metadata if TARGETS.get(kind)}
    return r


def opset(document, report, options):
    """Nodes whose operator ONNX changed on the way; and what their attributes become as inputs."""
    late = {"GroupNormalization", "Split", "Pad", "BatchNormalization", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2",
            "ReduceLogSum", "ReduceLogSumExp", "ReduceProd", "ReduceSumSquare"}  # of 18 to 23, which onnx 1.12 does not know
    r = Region()
    own, asked = document.opset(), int(options[1])
    if own == asked:
        return r
    r.opset = asked
    if asked < own:
        r.ir = {8, 9, 10, 11}
        r.metadata = {"evenkeel.opset"}
    elif document.ir_version() < 3:
        r.ir = {3}
    for i in range(len(document.nodes)):
        node = document.node(i)
        if node.domain not in ("", "ai.onnx"):
            continue
        changed = asked > 17 and node.op_type in late
        changed |= own < 6 and any(a.name == "consumed_inputs" for a in node.attribute)
        changed |= asked < own and node.op_type in ("GroupNormalization", "RMSNormalization")
        changed |= any((node.op_type, since) in CHANGES for since in range(own + 1, asked + 1))
        if changed:
            r.nodes.add(i)
    r.ops = {"Resize"} | (WRITTEN if asked < own else set())
    r.free = True
    return r


def preprocess(document, report, _):
    r = Region()
    r.opened = True
    r.metadata = {f"evenkeel.preprocess{more}" for more in ("", ".input", ".output", ".classes")}
    return r


def nothing(document, report, _):
    return Region()


def train(document, report, _):
    """All weights move; what the file says of its images is added."""
    r = Region()
    r.tensors = set(document.tensors)
    r.functions = r.places = set(document.functions())
    r.batch = True
    r.metadata = {f"evenkeel.{key}" for key in ("mean", "std", "classes", "size", "normalize", "opset")}
    for i in range(len(document.nodes)):
        r.metadata |= switch_keys(document, i)
    to_inference(document, r)
    return r
