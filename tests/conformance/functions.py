"""functions.py EVENKEEL SCRATCH_DIR: what commands say of functions and branches that the engine cannot replace, and that
training and recalibration through functions give what they give for the same nodes without.

A function may be too large when every call is replaced, call itself, not exist, or be of another opset. Commands that only
look or edit take such a file; those that run it are refused by name, with the reason and status 3.
"""
import os
import subprocess
import sys

try:
    import numpy as np
    from onnx import TensorProto as T, helper as h, load, numpy_helper as nh, save
except ImportError:
    print("skipped: python3-onnx is not installed; scripts/test.sh installs it")
    sys.exit(77)

tool, scratch = sys.argv[1], sys.argv[2]
DATA = ["--data", "builtin:strokes:60"]
counts = {"checks": 0, "failed": 0}


def check(what, good, text=""):
    counts["checks"] += 1
    if not good:
        counts["failed"] += 1
        print("FAIL", what, text)


def floats(seed, *dims, low=-0.5, high=0.5):
    return np.random.default_rng(seed).uniform(low, high, dims).astype(np.float32)


NUMBERS = {"w": floats(1, 4, 1, 3, 3), "s": floats(2, 4, low=0.5, high=1.5), "b": floats(3, 4), "m": floats(4, 4),
           "q": floats(5, 4, low=0.5, high=2), "d": floats(6, 4, 10)}
PARAMETERS = ["s", "b", "m", "q"]


def value(name, dims=None, kind=T.FLOAT):
    return h.make_tensor_value_info(name, kind, dims)


def model(middle, functions=(), opset=17, outside="wd", domains=(), **arrays):
    """A classifier of images, with `middle` between "f" and "g"."""
    nodes = [h.make_node("Conv", ["x", "w"], ["f"], name="stem")] + middle + [
        h.make_node("GlobalAveragePool", ["g"], ["p"]), h.make_node("Flatten", ["p"], ["r"]),
        h.make_node("MatMul", ["r", "d"], ["y"], name="head")]
    arrays = {**{k: NUMBERS[k] for k in outside}, **arrays}
    graph = h.make_graph(nodes, "g", [value("x", ["N", 1, 28, 28])], [value("y", ["N", 10])],
                         [nh.from_array(v, k) for k, v in arrays.items()])
    opsets = [h.make_opsetid("", opset), h.make_opsetid("local", 1)] + [h.make_opsetid(d, 1) for d in domains]
    return h.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=8)


def call(name, x="f", y="g", domain="local", label=None, more=()):
    return h.make_node(name, [x] + list(more), [y], domain=domain, name=label or "call" + name)


def norm(x, y):
    return h.make_node("BatchNormalization", [x] + PARAMETERS, [y], name="bn")


def constants():
    return [h.make_node("Constant", [], [k], value=nh.from_array(NUMBERS[k])) for k in PARAMETERS]


def function(name, nodes, opset=17, inputs=("a",)):
    return h.make_function("local", name, list(inputs), ["z"], nodes, [h.make_opsetid("", opset), h.make_opsetid("local", 1)])


def tower(height):
    """2^height norms."""
    made = [function("F0", constants() + [norm("a", "z")])]
    for i in range(1, height + 1):
        made.append(function(f"F{i}", [call(f"F{i - 1}", "a", "t"), call(f"F{i - 1}", "t", "z", label="again")]))
    return made


def branch(name, nodes):
    return h.make_graph(nodes, name, [], [value(name + "z")])


def constant_if():
    node = h.make_node("If", ["c"], ["g"], name="if1", then_branch=branch("t", [norm("f", "tz")]),
                       else_branch=branch("e", [h.make_node("Neg", ["f"], ["ez"])]))
    return model([node], outside="wdsbmq", c=np.array(True))


body = constants() + [norm("a", "z")]
REFUSED = {  # file: model, what running it is refused for, the norms that are seen
    "bomb": (model([call("F20")], tower(20)), "local.F20 (x1, first at 'g'), a function: with the functions that it calls it "
             "would be more than 131072 nodes", ["local.F0/bn"]),
    "deep": (model([call("C70")], [function("C0", body)] + [function(f"C{i}", [call(f"C{i - 1}", "a", "z")])
                                                             for i in range(1, 71)]),
             "it calls functions that call functions, more than 64 deep", ["local.C0/bn"]),
    "itself": (model([call("R")], [function("R", constants() + [norm("a", "t"), call("R", "t", "z")])]),
               "local.R (x1, first at 'g'), a function: it calls itself", ["local.R/bn"]),
    "mutual": (model([call("P")], [function("P", [call("Q", "a", "z")]), function("Q", [call("P", "a", "z")])]),
               "local.P (x1, first at 'g'), a function: it calls itself", []),
    "unknown": (model([call("Gone")]), "local.Gone (x1, first at 'g')", []),
    "custom": (model([call("Gone", domain="custom")], domains=["custom"]), "custom.Gone (x1, first at 'g')", []),
    "within": (model([call("B")], [function("B", constants() + [norm("a", "t"), call("Gone", "t", "z", "custom")])],
                     domains=["custom"]), "custom.Gone (x1, first at 'g')", ["callB/bn"]),
    "older": (model([call("B")], [function("B", body, 13)]), "a function: it is of opset 13, the model of 17, and "
              "BatchNormalization changed at 14", ["local.B/bn"]),
    "reduced": (model([call("B")], [function("B", [h.make_node("ReduceMean", ["a"], ["t"], axes=[2, 3]),
                                                   h.make_node("Sub", ["a", "t"], ["z"])])], 18),
                "it is of opset 17, the model of 18, and ReduceMean changed at 18: axes are an input", []),
    "more": (model([call("B", more=["f"])], [function("B", body)]), "it is called with more inputs than the function has",
             ["local.B/bn"]),
    "branch": (constant_if(), "If (x1, first at 'g')", ["if1/then_branch/bn"]),
}


def run(*words):
    """Status and text of a command; a crash has a negative one."""
    done = subprocess.run([tool] + list(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    return done.returncode, done.stdout


def same_bytes(one, two):
    with open(one, "rb") as a, open(two, "rb") as b:
        return a.read() == b.read()


def refused(name):
    made, reason, norms = REFUSED[name]
    path, out = f"{scratch}/{name}.onnx", f"{scratch}/{name}-out.onnx"
    save(made, path)
    status, text = run("inspect", path)
    check(f"{name}: inspect", status == 0 and f"{len(norms)} norms" in text and all(f"{n} " in text for n in norms), text)
    status, text = run("fold", path, "-o", out)
    check(f"{name}: fold", status == 0 and same_bytes(path, out) and "no node differs" in text, text)
    # A norm that the engine reaches is measured (in "within" the function is replaced, what it calls is not).
    status, text = run("recalibrate", path, *DATA, "-o", out)
    measured = name == "within"
    check(f"{name}: recalibrate", status == 0 and same_bytes(path, out) != measured and
          (measured or all(f"{n}: left alone: it stands in a " in text for n in norms)), f"{status} {text}")
    os.remove(out)
    for words in (["eval", path, *DATA], ["run", path, "--input", f"x={scratch}/x.npy", "-o", f"{scratch}/y.npy"],
                  ["train", path, *DATA, "--steps", "1", "-o", out]):
        status, text = run(*words)
        check(f"{name}: {words[0]}", status == 3 and f"{name}.onnx: operators not supported" in text and reason in text,
              f"{status} {text}")
        check(f"{name}: {words[0]} wrote nothing", not os.path.exists(out) and not os.path.exists(f"{scratch}/y.npy"))


# ---- functions that are replaced: the flat model beside them has the numbers that they must have ----

def flat():
    return model([norm("f", "g")], outside="wdsbmq")


REPLACED = {
    "constants": model([call("B")], [function("B", body)]),
    "newer": model([call("B")], [function("B", body, 18)]),  # nothing in it changed at 18
    "inside": model([call("O")], [function("B", body), function("O", [call("B", "a", "z")])]),
    "formal": model([call("B", more=PARAMETERS)], [function("B", [norm("a", "z")], inputs=["a"] + PARAMETERS)],
                    outside="wdsbmq"),
}


def numbers(path):
    """Every constant by its name, in initializers and in functions."""
    made = load(path)
    found = {i.name: nh.to_array(i) for i in made.graph.initializer}
    for f in made.functions:
        found.update({n.output[0]: nh.to_array(n.attribute[0].t) for n in f.node if n.op_type == "Constant"})
    return found


def changes(before, after):
    """The kinds of lines that a diff has."""
    return {line.split()[0] for line in run("diff", before, after)[1].splitlines()}


COMMANDS = {"train": ["--steps", "3", "--batch", "20", "--reproducible", "--quiet"], "recalibrate": []}


def replaced(name, command, wanted):
    path, out = f"{scratch}/{name}.onnx", f"{scratch}/{name}-{command}.onnx"
    save(REPLACED[name], path)
    status, text = run(command, path, *DATA, *COMMANDS[command], "-o", out)
    check(f"{name}: {command}", status == 0, f"{status} {text}")
    if status != 0:
        return
    found = numbers(out)
    moved = {k for k in found if not np.array_equal(found[k], NUMBERS[k])}
    check(f"{name}: {command} moves", moved == (set("wdsbmq") if command == "train" else set("mq")), moved)
    check(f"{name}: {command} as flat", all(np.array_equal(found[k], wanted[k]) for k in wanted))
    check(f"{name}: {command} changes numbers alone", changes(path, out) <= {"tensor", "attribute", "metadata"},
          changes(path, out))


def twice():
    """Two calls have one norm: training moves it for both, recalibration leaves it and says why."""
    path, out = f"{scratch}/twice.onnx", f"{scratch}/twice-out.onnx"
    save(model([call("B", "f", "u"), call("B", "u", "g", label="second")], [function("B", body)]), path)
    status, text = run("recalibrate", path, *DATA, "-o", out)
    check("twice: recalibrate", status == 0 and text.count("it shares its statistics with another norm") == 2 and
          same_bytes(path, out), text)
    status, text = run("train", path, *DATA, *COMMANDS["train"], "-o", out)
    check("twice: train", status == 0 and not np.array_equal(numbers(out)["s"], NUMBERS["s"]), text)


os.makedirs(scratch, exist_ok=True)
np.save(f"{scratch}/x.npy", floats(8, 2, 1, 28, 28))
for file in REFUSED:
    refused(file)
save(flat(), f"{scratch}/flat.onnx")
for kind, options in COMMANDS.items():
    status, text = run(kind, f"{scratch}/flat.onnx", *DATA, *options, "-o", f"{scratch}/flat-{kind}.onnx")
    check(f"flat: {kind}", status == 0, text)
    for file in REPLACED:
        replaced(file, kind, numbers(f"{scratch}/flat-{kind}.onnx"))
twice()
print(f"{counts['checks']} checks, {counts['failed']} failed")
sys.exit(1 if counts["failed"] else 0)
