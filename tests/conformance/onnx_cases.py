"""onnx_cases.py: ONNX's own node test cases (python3-onnx) run through `evenkeel run` and compared.

    onnx_cases.py EVENKEEL SCRATCH_DIR

Every case of the listed operators, whose data are float32: their expected outputs are ONNX's, to 1e-5 of the largest
element. With another expectation (the control) the comparison must fail.
"""
import os
import subprocess
import sys

try:
    import numpy as np
    from onnx import numpy_helper
    from onnx.backend.test.case.node import collect_testcases
except ImportError:
    print("skipped: python3-onnx is not installed; scripts/test.sh installs it")
    sys.exit(77)

for name in ("float", "int", "bool", "object"):  # onnx 1.12 uses names that numpy 1.24 dropped
    if name not in np.__dict__:
        setattr(np, name, getattr(__builtins__, name))

NORMS = ["BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization", "LpNormalization",
         "MeanVarianceNormalization", "LRN"]
LOSSES = ["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"]
TOLERANCE = 1e-5


def array_of(value):
    return np.asarray(value) if isinstance(value, (np.ndarray, np.generic)) else numpy_helper.to_array(value)


def run(tool, scratch, case, inputs, outputs):
    model = os.path.join(scratch, "case.onnx")
    with open(model, "wb") as stream:
        stream.write(case.model.SerializeToString())
    command = [tool, "run", model, "--quiet", "--mode", "file"]
    for info, value in zip(case.model.graph.input, inputs):
        path = os.path.join(scratch, "in-%s.npy" % info.name)
        np.save(path, np.ascontiguousarray(array_of(value)))
        command += ["--input", "%s=%s" % (info.name, path)]
    results = [os.path.join(scratch, "out-%d.npy" % i) for i in range(len(outputs))]
    for path in results:
        command += ["--output", path]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return done.stderr.strip().split("\n")[0], None
    return None, [np.load(path) for path in results]


def difference(got, expected):
    if got.shape != expected.shape:
        return float("inf")
    if got.size == 0:
        return 0.0
    return float(np.max(np.abs(got - expected)) / max(np.max(np.abs(expected)), 1e-30))


def main():
    tool, scratch = sys.argv[1], sys.argv[2]
    os.makedirs(scratch, exist_ok=True)
    failed, passed, seen, control = 0, 0, {}, None
    for case in collect_testcases(None):
        nodes = case.model.graph.node if case.model else []
        if len(nodes) != 1 or nodes[0].op_type not in NORMS + LOSSES:
            continue
        opset = case.model.opset_import[0].version
        for inputs, outputs in case.data_sets:
            outputs = [array_of(value) for value in outputs]
            error, got = run(tool, scratch, case, inputs, outputs)
            worst = float("inf") if error else max(difference(a, b) for a, b in zip(got, outputs))
            good = worst <= TOLERANCE
            failed, passed = failed + (not good), passed + good
            seen[nodes[0].op_type] = seen.get(nodes[0].op_type, 0) + 1
            print("%s (opset %d): %s%s" % (case.name, opset, error or "relative difference %.2e" % worst,
                                           "" if good else " FAIL"))
            if good and control is None:
                control = difference(got[0], outputs[0] + 1e-3)
    print("control, another expectation: %.2e" % control)
    failed += not control > TOLERANCE
    failed += sum(seen.get(name, 0) < 17 for name in LOSSES)
    print("%d cases agree, %d do not; cases per operator: %s" % (passed, failed, seen))
    sys.exit(1 if failed or passed < 20 else 0)


main()
