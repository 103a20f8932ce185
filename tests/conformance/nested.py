"""nested.py FOLDER: convolution, products and norms in nested graphs and functions, one file for each place and kind.
nested.py damage FOLDER COUNT: models with functions and nested graphs in which names, nodes and calls are not what they were.
nested.py mutate FOLDER: of FOLDER/*-fold.onnx, files NAME-fold.N.onnx in which one number or name is wrong.

One line each: name, command, norms or layers that change (their paths, by ","; "-" = none), and why one stays ("-" = none
does; spaces as "_").
"""
import glob
import sys

import numpy as np
from onnx import AttributeProto as A, TensorProto as T, helper as h, load, numpy_helper as nh, save

rng = np.random.default_rng(7)


def floats(*dims, low=-0.5, high=0.5):
    return rng.uniform(low, high, dims).astype(np.float32)


def value(name, kind=T.FLOAT, dims=None):
    return h.make_tensor_value_info(name, kind, dims)


def constant(name, array):
    return h.make_node("Constant", [], [name], value=nh.from_array(np.asarray(array)))


def reference(node, name, outer, kind):
    attribute = node.attribute.add()
    attribute.name, attribute.ref_attr_name, attribute.type = name, outer, kind
    return node


class Piece:
    """Nodes from `x` to `y` with constants, all with `tag` in their names; x and y are [N,4,H,W]."""

    def __init__(self, tag):
        self.tag, self.nodes, self.arrays, self.count = tag, [], {}, 0

    def array(self, role, array):
        self.arrays[f"{role}{self.tag}"] = np.asarray(array)
        return f"{role}{self.tag}"

    def op(self, kind, *inputs, name="", out=None, **attributes):
        self.count += 1
        out = out or f"v{self.tag}{self.count}"
        self.nodes.append(h.make_node(kind, list(inputs), [out], name=name and name + self.tag, **attributes))
        return out

    def conv(self, x, out=None):
        return self.op("Conv", x, self.array("w", floats(4, 4, 3, 3)), self.array("c", floats(4)), name="conv", out=out,
                       pads=[1] * 4)

    def norm(self, x, role="", out=None, **attributes):
        p = [self.array(role + "s", floats(4, low=0.5, high=1.5)), self.array(role + "b", floats(4)),
             self.array(role + "m", floats(4)), self.array(role + "v", floats(4, low=0.5, high=2))]
        return self.op("BatchNormalization", x, *p, name=role + "bn", out=out, **attributes)


def after(p, x, y):
    p.op("Relu", p.norm(p.conv(x)), out=y)


def before(p, x, y):
    hidden = p.norm(p.op("Relu", x))
    p.op("Conv", hidden, p.array("w", floats(4, 4, 1, 1)), name="conv", out=y)


def chain(p, x, y):
    hidden = p.norm(p.conv(x))
    hidden = p.op("Mul", hidden, p.array("k", floats(4, 1, 1)))
    p.op("Add", p.norm(hidden, "z"), p.array("o", floats(1, 4, 1, 1)), out=y)


def gemm(p, x, y):
    shape = p.op("Shape", x)
    rows = p.op("Reshape", x, p.array("to", np.array([-1, 4], np.int64)))
    hidden = p.op("Gemm", rows, p.array("w", floats(4, 4)), p.array("c", floats(4)), name="gemm")
    p.op("Reshape", p.norm(hidden), shape, out=y)


def lone(p, x, y):
    p.op("Relu", p.norm(p.op("Tanh", x)), out=y)


def written(p, x, y):
    """A layer norm over the channels, node by node."""
    hidden = p.op("Transpose", x, perm=[0, 2, 3, 1])
    centred = p.op("Sub", hidden, p.op("ReduceMean", hidden, axes=[-1]))
    spread = p.op("ReduceMean", p.op("Pow", centred, p.array("two", np.float32(2))), axes=[-1])
    root = p.op("Sqrt", p.op("Add", spread, p.array("eps", np.float32(1e-5))))
    hidden = p.op("Mul", p.op("Div", centred, root), p.array("g", floats(4, low=0.5, high=1.5)))
    hidden = p.op("Add", hidden, p.array("h", floats(4)), name="ln")
    p.op("Transpose", hidden, perm=[0, 3, 1, 2], out=y)


def layer(p, x, y):
    hidden = p.op("Transpose", x, perm=[0, 2, 3, 1])
    hidden = p.op("LayerNormalization", hidden, p.array("g", floats(4, low=0.5, high=1.5)), p.array("h", floats(4)),
                  name="ln", axis=-1)
    p.op("Transpose", hidden, perm=[0, 3, 1, 2], out=y)


def tied(p, x, y):
    hidden = p.norm(p.conv(x))
    p.nodes.append(h.make_node("BatchNormalization", [p.op("Relu", hidden)] + list(p.nodes[-2].input[1:]), [y],
                               name="again" + p.tag))


def trains(p, x, y):
    p.norm(p.conv(x), out=y, training_mode=0)
    p.nodes[-1].attribute[0].i = 1


# ---- places: f is what goes in, y what comes out ----

def main(nodes, functions=(), **arrays):
    arrays = {"w0": floats(4, 1, 3, 3), "zero": np.float32(0), **arrays}
    stem = [h.make_node("Conv", ["x", "w0"], ["f"], name="stem", pads=[1] * 4),
            h.make_node("ReduceMean", ["x"], ["mean"], axes=[0, 1, 2, 3], keepdims=0),
            h.make_node("Greater", ["mean", "zero"], ["cond"])]
    inputs = [value("x", dims=["N", 1, 8, 8])]
    graph = h.make_graph(stem + nodes, "g", inputs, [value("y")], [nh.from_array(v, k) for k, v in arrays.items()])
    opsets = [h.make_opsetid("", 17)] + ([h.make_opsetid("local", 1)] if functions else [])
    return h.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=8)


def inner(name, piece, inputs, outputs, arrays):
    return h.make_graph(piece, name, inputs, outputs, [nh.from_array(v, k) for k, v in arrays.items()])


def branches(fill, own):
    pieces = [Piece("T"), Piece("E")]
    for p, y in zip(pieces, ["t", "e"]):
        fill(p, "f", y)
    graphs = [inner(y, p.nodes, [], [value(y)], p.arrays if own else {}) for p, y in zip(pieces, ["t", "e"])]
    node = h.make_node("If", ["cond"], ["y"], name="if1", then_branch=graphs[0], else_branch=graphs[1])
    arrays = {} if own else {**pieces[0].arrays, **pieces[1].arrays}
    return main([node], **arrays), [f"if1/then_branch/{{}}T", f"if1/else_branch/{{}}E"]


def loop(fill, own):
    p = Piece("L")
    fill(p, "carried", "next")
    p.op("Identity", "go", out="on")
    inputs = [value("i", T.INT64, []), value("go", T.BOOL, []), value("carried")]
    body = inner("b", p.nodes, inputs, [value("on", T.BOOL, []), value("next")], p.arrays if own else {})
    node = h.make_node("Loop", ["times", "go0", "f"], ["y"], name="lp", body=body)
    return main([node], times=np.int64(3), go0=np.array(True), **({} if own else p.arrays)), ["lp/body/{}L"]


def scan(fill, own):
    p = Piece("S")
    fill(p, "state", "next")
    p.op("Add", "next", "slice", out="out")
    body = inner("b", p.nodes, [value("state", dims=["N", 4, 8, 8]), value("slice", dims=[])],
                 [value("next"), value("out")], p.arrays if own else {})
    nodes = [h.make_node("Scan", ["f", "steps"], ["last", "all"], name="sc", body=body, num_scan_inputs=1),
             h.make_node("ReduceSum", ["all", "axis"], ["sum"], keepdims=0), h.make_node("Add", ["sum", "last"], ["y"])]
    arrays = {"steps": floats(3), "axis": np.array([0], np.int64), **({} if own else p.arrays)}
    return main(nodes, **arrays), ["sc/body/{}S"]


def function(fill, own, calls=2, within=False):
    p = Piece("F")
    fill(p, "a", "z")
    nodes = [constant(k, v) for k, v in p.arrays.items()] + p.nodes
    opsets = [h.make_opsetid("", 17), h.make_opsetid("local", 1)]
    made = [h.make_function("local", "Block", ["a"], ["z"], nodes, opsets)]
    if within:
        call = [h.make_node("Block", ["a"], ["z"], domain="local", name="inner")]
        made.append(h.make_function("local", "Outer", ["a"], ["z"], call, opsets))
    names = ["f"] + [f"u{i}" for i in range(1, calls)] + ["y"]
    kind = "Outer" if within else "Block"
    called = [h.make_node(kind, [names[i]], [names[i + 1]], domain="local", name=f"call{i}") for i in range(calls)]
    return main(called, made), ["local.Block/{}F"]


def called_in_branch(fill, own):
    """The function is called in a branch alone."""
    model, paths = function(fill, own, 1)
    call = model.graph.node.pop()
    call.output[0] = "t"
    graphs = [inner("t", [call], [], [value("t")], {}),
              inner("e", [h.make_node("Neg", ["f"], ["e"])], [], [value("e")], {})]
    model.graph.node.append(h.make_node("If", ["cond"], ["y"], name="if1", then_branch=graphs[0], else_branch=graphs[1]))
    return model, paths


def deep(fill, own):
    """A branch within a branch."""
    p = Piece("D")
    fill(p, "f", "d")
    most = inner("d", p.nodes, [], [value("d")], p.arrays if own else {})
    other = inner("o", [h.make_node("Neg", ["f"], ["o"])], [], [value("o")], {})
    node = h.make_node("If", ["cond"], ["t"], name="if2", then_branch=most, else_branch=other)
    graphs = [inner("t", [node], [], [value("t")], {}),
              inner("e", [h.make_node("Abs", ["f"], ["e"])], [], [value("e")], {})]
    node = h.make_node("If", ["cond"], ["y"], name="if1", then_branch=graphs[0], else_branch=graphs[1])
    return main([node], **({} if own else p.arrays)), ["if1/then_branch/if2/then_branch/{}D"]


PLACES = {"if": (branches, True), "if_outer": (branches, False), "loop": (loop, True), "loop_outer": (loop, False),
          "scan": (scan, True), "scan_outer": (scan, False), "function": (function, True),
          "within": (lambda f, own: function(f, own, 2, True), True), "called": (called_in_branch, True),
          "deep": (deep, True), "deep_outer": (deep, False)}
KINDS = {"after": (after, "fold", ["bn"]), "before": (before, "fold", ["bn"]), "chain": (chain, "fold", ["bn", "zbn"]),
         "gemm": (gemm, "fold", ["bn"]), "lone": (lone, "frozen", ["bn"]), "written": (written, "fuse", ["ln"]),
         "layer": (layer, "spell-out", ["ln"]), "tied": (tied, "untie", None), "trains": (trains, "inference", ["bn"])}


def emit(folder, name, model, command, changed, why="-"):
    save(model, f"{folder}/{name}.onnx")
    print(name, command, ",".join(changed) or "-", why.replace(" ", "_"))


def generate(folder):
    for place, (make, own) in PLACES.items():
        for kind, (fill, command, names) in KINDS.items():
            if kind == "tied" and (make in (function, called_in_branch) or place == "within"):
                continue  # constants of a function are nodes, which nothing unties
            if kind == "trains" and own and place in ("function", "within", "called"):
                continue  # its result is not what it was, which the run of the whole tells
            if kind in ("gemm", "written", "layer") and place.startswith(("loop", "scan_outer", "deep_outer")):
                continue
            model, paths = make(fill, own)
            changed = [p.format(n) for p in paths for n in names] if names else ["?"]
            if place == "called" and kind in ("written", "layer"):
                continue  # the rank is not known
            # What is carried may have another rank each time; what is called in a branch alone is not inferred.
            unknown = kind == "lone" and place in ("loop", "loop_outer", "called")
            emit(folder, f"{place}-{kind}", model, command, [] if unknown else changed,
                 "the rank of its input is not known" if unknown else "-")
    twins(folder)


def rename(node, **names):
    for i, name in enumerate(node.input):
        node.input[i] = names.get(name, name)


def twins(folder):
    """Norms that stay, each for its reason."""
    p = Piece("F")
    after(p, "a", "z")
    opsets = [h.make_opsetid("", 17)]
    formal = h.make_function("local", "Block", ["a"] + list(p.arrays), ["z"], p.nodes, opsets)
    call = h.make_node("Block", ["f"] + list(p.arrays), ["y"], domain="local", name="call")
    emit(folder, "formal", main([call], [formal], **p.arrays), "fold", [], "an input of the function, which each call gives")

    p = Piece("F")
    after(p, "a", "z")
    reference(p.nodes[1], "epsilon", "eps", A.FLOAT)
    made = h.make_function("local", "Block", ["a"], ["z"], [constant(k, v) for k, v in p.arrays.items()] + p.nodes, opsets,
                           attributes=["eps"])
    call = h.make_node("Block", ["f"], ["y"], domain="local", name="call", eps=0.5)
    emit(folder, "epsilon", main([call], [made]), "fold", [], "an attribute of the function, which each call gives")

    p = Piece("L")
    after(p, "carried", "next")
    p.op("Identity", "go", out="on")
    p.op("Identity", "wL", out="w_on")
    inputs = [value("i", T.INT64, []), value("go", T.BOOL, []), value("carried"), value("wL", dims=[4, 4, 3, 3])]
    weight = p.arrays.pop("wL")
    body = inner("b", p.nodes, inputs, [value("on", T.BOOL, []), value("next"), value("w_on")], p.arrays)
    node = h.make_node("Loop", ["times", "go0", "f", "w"], ["y", ""], name="lp", body=body)
    emit(folder, "carried", main([node], times=np.int64(2), go0=np.array(True), w=weight), "fold", [],
         "an input of the nested graph")

    model, _ = branches(after, False)
    model.graph.input.extend([value("wT", dims=[4, 4, 3, 3]), value("wE", dims=[4, 4, 3, 3])])
    emit(folder, "fed", model, "fold", [], "it is also a graph input, so that a caller may replace it")

    model, _ = branches(lone, True)
    emit(folder, "nothing_beside", model, "fold", [], "no convolution or product beside it")

    # What a graph within the branch reads stays: the convolution's own result.
    p = Piece("T")
    after(p, "f", "t0")
    again = [inner(y, [h.make_node(op, ["vT1"], [y])], [], [value(y)], {}) for y, op in [("p", "Neg"), ("q", "Abs")]]
    p.nodes.append(h.make_node("If", ["cond"], ["r"], name="if2", then_branch=again[0], else_branch=again[1]))
    p.op("Add", "t0", "r", out="t")
    graphs = [inner("t", p.nodes, [], [value("t")], p.arrays), inner("e", [h.make_node("Abs", ["f"], ["e"])], [], [value("e")], {})]
    node = h.make_node("If", ["cond"], ["y"], name="if1", then_branch=graphs[0], else_branch=graphs[1])
    emit(folder, "read_within", main([node]), "fold", [], "is also read by a graph inside")

    # A weight that both branches and the main graph read is not changed but copied.
    model, paths = branches(after, False)
    for branch in model.graph.node[-1].attribute:
        rename(branch.g.node[0], wT="shared", wE="shared")
    for array in [i for i in model.graph.initializer if i.name in ("wT", "wE")]:
        model.graph.initializer.remove(array)
    model.graph.initializer.append(nh.from_array(floats(4, 4, 3, 3), "shared"))
    model.graph.node[-1].output[0] = "u"
    model.graph.node.append(h.make_node("Conv", ["u", "shared"], ["y"], name="last"))
    emit(folder, "shared", model, "fold", [p.format("bn") for p in paths])


def all_graphs(model):
    todo = [model.graph] + list(model.functions)
    for graph in todo:
        yield graph
        for node in graph.node:
            todo += [a.g for a in node.attribute if a.HasField("g")]


def tensors(model):
    for graph in all_graphs(model):
        for tensor in getattr(graph, "initializer", []):
            yield tensor
        for node in graph.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.HasField("t"):
                    yield attribute.t


def mutate(folder):
    """Each float constant of a folded file but one: one number is wrong, or two channels change places."""
    for path in sorted(glob.glob(f"{folder}/*-fold.onnx")):
        before = {t.SerializeToString() for t in tensors(load(path.replace("-fold.onnx", ".onnx")))}
        count = sum(1 for _ in tensors(load(path)))
        made = 0
        for at in range(count):
            model = load(path)
            tensor = list(tensors(model))[at]
            array = nh.to_array(tensor).copy()
            if array.dtype != np.float32 or array.size < 4 or tensor.SerializeToString() in before:
                continue
            if made % 2:
                array[[0, 1]] = array[[1, 0]]
            else:
                array.reshape(-1)[array.size // 2] += 0.1
            tensor.CopyFrom(nh.from_array(array, tensor.name))
            save(model, path.replace(".onnx", f".{made}.onnx"))
            made += 1


def damaged(model, random):
    """One change of a name, node, call or function."""
    def pick(*args):
        return int(random.integers(*args))

    graphs = [g for g in all_graphs(model) if len(g.node)]
    graph = graphs[pick(len(graphs))]
    node = graph.node[pick(len(graph.node))]
    names = [v for n in graph.node for v in list(n.input) + list(n.output)]
    name = names[pick(len(names))]
    functions = [f.name for f in model.functions] or ["Block"]
    what = pick(12)
    if what == 0 and len(node.input):
        node.input[pick(len(node.input))] = name
    elif what == 1 and len(node.output):
        node.output[pick(len(node.output))] = name
    elif what == 2:
        graph.node.remove(node)
    elif what == 3:
        node.op_type, node.domain = functions[pick(len(functions))], "local"
    elif what == 4 and len(node.input):
        node.input[pick(len(node.input))] = ""
    elif what == 5:
        node.input.append(name)
    elif what == 6:
        node.output.append(name + "_more")
    elif what == 7 and len(model.functions):
        f = model.functions[pick(len(model.functions))]
        (f.input if pick(2) else f.output).append(name)
    elif what == 8 and len(model.functions):
        f = model.functions[pick(len(model.functions))]
        f.opset_import[0].version = pick(1, 24)
    elif what == 9 and len(node.attribute):
        node.attribute[pick(len(node.attribute))].ref_attr_name = "eps"
    elif what == 10 and len(node.input):
        del node.input[-1]
    elif what == 11 and len(model.functions):
        f = model.functions.add()
        f.CopyFrom(model.functions[0])
        if pick(2):
            f.name = "Other"


def damage(folder, count):
    random = np.random.default_rng(11)
    bases = [f for f in sorted(glob.glob(f"{folder}/*.onnx")) if f.split("/")[-1].split("-")[0] in
             ("function", "within", "called", "formal.onnx", "epsilon.onnx", "if", "if_outer", "loop", "deep", "shared.onnx")]
    bases = [f for f in bases if f.count("-") < 2]
    for at in range(count):
        model = load(bases[at % len(bases)])
        for _ in range(random.integers(1, 4)):
            damaged(model, random)
        data = bytearray(model.SerializeToString())
        if at % 10 == 0:
            data[random.integers(len(data))] ^= 1 << int(random.integers(8))
        with open(f"{folder}/damaged{at}.onnx", "wb") as file:
            file.write(data)


if sys.argv[1] == "mutate":
    mutate(sys.argv[2])
elif sys.argv[1] == "damage":
    damage(sys.argv[2], int(sys.argv[3]))
else:
    generate(sys.argv[1])
