"""onnx_cases.py: ONNX's own node test cases (python3-onnx) run through `evenkeel run` and compared.

    onnx_cases.py EVENKEEL SCRATCH_DIR

Every case of one node whose operator `evenkeel env` lists: their expected outputs are ONNX's, to 1e-5 of the largest
element. EXCEPTIONS says which differ or are refused, and why; one that agrees is told. With another expectation (the
control) the comparison must fail.
"""
import fnmatch
import json
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

ROUNDED = "the case does not round the size, onnxruntime and evenkeel do"

# name of a case: why evenkeel gives something else, or nothing
EXCEPTIONS = {
    "test_cast*STRING*": "strings are not computed with",
    "test_cast*BFLOAT16*": "numpy has no bfloat16: the case stores its bits as uint16",
    "test_clip_default_int8*": "Clip of float32 alone",
    "test_maxpool_2d_uint8": "MaxPool of float32 alone",
    "test_*_uint64": "no uint64 arithmetic",
    "test_*_float64": "no float64 arithmetic",
    "test_training_dropout_default*": "other random numbers",
    "test_training_dropout": "other random numbers",
    "test_training_dropout_mask": "other random numbers",
    "test_resize_downsample_scales_linear_align_corners": ROUNDED,
    "test_resize_downsample_scales_cubic_align_corners": ROUNDED,
    "test_resize_tf_crop_and_resize": "no regions of interest",
}
TOLERANCE = 1e-5


def reason_for(name):
    return next((key for key in EXCEPTIONS if fnmatch.fnmatch(name, key)), None)


def array_of(value):
    return np.asarray(value) if isinstance(value, (np.ndarray, np.generic)) else numpy_helper.to_array(value)


def run(tool, scratch, case, inputs, outputs):
    model = os.path.join(scratch, "case.onnx")
    with open(model, "wb") as stream:
        stream.write(case.model.SerializeToString())
    command = [tool, "run", model, "--quiet", "--mode", "file"]
    for info, value in zip(case.model.graph.input, inputs):
        path = os.path.join(scratch, "in-%s.npy" % info.name)
        np.save(path, np.asarray(array_of(value), order="C"))
        command += ["--input", "%s=%s" % (info.name, path)]
    results = [os.path.join(scratch, "out-%d.npy" % i) for i in range(len(outputs))]
    for path in results:
        command += ["--output", path]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return done.stderr.strip().split("\n")[0], None
    return None, [np.load(path) for path in results]


def difference(got, expected):
    """Of the largest number; equal infinities and NaNs are no difference."""
    if got.shape != expected.shape or got.dtype.kind != expected.dtype.kind:
        return float("inf")
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    if same.all():
        return 0.0
    largest = np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0)
    return float(np.max(np.abs(np.where(same, 0.0, got) - np.where(same, 0.0, expected))) / max(largest, 1e-30))


def another(values):
    """Other numbers of the same type."""
    if values.dtype == bool:
        return np.logical_not(values)
    return (values * 1.01 + 1 if values.dtype.kind == "f" else values + 1).astype(values.dtype)


def is_of_tensors(case):
    values = [value for data in case.data_sets for part in data for value in part]
    return all(isinstance(value, (np.ndarray, np.generic)) or hasattr(value, "dims") for value in values)


def judge(tool, scratch, case):
    """None, or how the case differs."""
    worst = 0.0
    for inputs, outputs in case.data_sets:
        outputs = [array_of(value) for value in outputs]
        error, got = run(tool, scratch, case, inputs, outputs)
        if error:
            return error
        worst = max([worst] + [difference(a, b) for a, b in zip(got, outputs)])
        if got[0].size and not difference(got[0], another(outputs[0])) > TOLERANCE:
            return "another expectation (the control) agrees"
    return None if worst <= TOLERANCE else "relative difference %.2e" % worst


def main():
    tool, scratch = sys.argv[1], sys.argv[2]
    os.makedirs(scratch, exist_ok=True)
    listed = json.loads(subprocess.run([tool, "env", "--json"], stdout=subprocess.PIPE, check=True).stdout)["operators"]
    agree, failed, used, seen = 0, 0, set(), set()
    for case in collect_testcases(None):
        nodes = case.model.graph.node if case.model else []
        if len(nodes) != 1 or nodes[0].op_type not in listed or nodes[0].domain or not is_of_tensors(case):
            continue
        wrong, reason = judge(tool, scratch, case), reason_for(case.name)
        seen.add(nodes[0].op_type)
        agree += wrong is None
        if wrong and reason:
            used.add(reason)
            print("%s: as expected, %s: %s" % (case.name, EXCEPTIONS[reason], wrong))
        elif wrong:
            failed += 1
            print("%s: %s FAIL" % (case.name, wrong))
    idle = sorted(set(EXCEPTIONS) - used)
    print("%d cases of %d operators agree, %d fail; exceptions that nothing needs: %s" % (agree, len(seen), failed, idle))
    sys.exit(1 if failed or idle or agree < 500 else 0)


main()
