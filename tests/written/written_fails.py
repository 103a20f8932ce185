"""written_fails.py: written.py must see what is wrong.

    written_fails.py [NODE]
"""
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import onnx
    from onnx import TensorProto, helper
except ImportError:
    print("skipped: python3-onnx is not installed; scripts/test.sh installs it")
    sys.exit(77)

scratch, here = tempfile.mkdtemp(), os.path.dirname(os.path.abspath(__file__))


def model(op, **attributes):
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"], **attributes)], "g", value[:1], value[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])


def run(models, exceptions):
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(os.path.join(scratch, "written", "some_test"))
    for name, made in models.items():
        onnx.save(made, os.path.join(scratch, "written", "some_test", name))
    path = os.path.join(scratch, "exceptions.tsv")
    with open(path, "w", encoding="utf-8") as file:
        file.write(exceptions)
    done = subprocess.run([sys.executable, os.path.join(here, "written.py"), os.path.join(scratch, "written"), path]
                          + sys.argv[1:], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


good, wrong = model("Relu"), model("NoSuchOperator")
excused = "checker\tsome_test/w*.onnx\tNoSuchOperator\tmeant\nonnxruntime\tsome_test/w*.onnx\tNoSuchOperator\tmeant\n"
useless = "checker\tsome_test/g*.onnx\tanything\tmeant\n"
other = "checker\tanother_test/g*.onnx\tanything\tmeant\n"
cases = [
    ("a good model", {"good.onnx": good}, "", 0, "1 models"),
    ("two of one content", {"good.onnx": good, "same.onnx": good}, "", 0, "1 models"),
    ("a wrong one", {"good.onnx": good, "wrong.onnx": wrong}, "", 1, "checker refuses some_test/wrong.onnx"),
    ("an excused one", {"wrong.onnx": wrong}, excused, 0, "excused, 0 failures"),
    ("an exception of no use", {"good.onnx": good}, useless, 1, "covers nothing"),
    ("one of a test that did not run", {"good.onnx": good}, other, 0, "1 models"),
    ("a line that is none", {"good.onnx": good}, "checker\tx\n", 1, "not who, glob, message, reason"),
]
failed = 0
for what, models, exceptions, status, text in cases:
    got, said = run(models, exceptions)
    if got != status or text not in said:
        print(f"{what}: status {got}, expected {status} and '{text}': {said}")
        failed += 1
shutil.rmtree(scratch)
print(f"{len(cases)} cases, {failed} failed")
sys.exit(1 if failed else 0)
