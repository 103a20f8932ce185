"""op_table.py PROGRAM: the opsets of ops.def are those of ONNX itself (python3-onnx), as far as it knows them."""
import subprocess
import sys

try:
    import onnx.defs
except ImportError:
    print("skipped: python3-onnx is not installed; scripts/test.sh installs it")
    sys.exit(77)

latest = onnx.defs.onnx_opset_version()
theirs = {}
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "":
        theirs.setdefault(schema.name, set()).add(schema.since_version)
ours = {}
for line in subprocess.run([sys.argv[1], "list"], check=True, capture_output=True, text=True).stdout.splitlines():
    name, *opsets = line.replace("!", "").split()
    ours[name] = {int(v) for v in opsets if int(v) <= latest}
wrong = [name for name in sorted(theirs.keys() | {n for n in ours if ours[n]}) if theirs.get(name) != ours.get(name)]
for name in wrong:
    print(f"{name}: ONNX says {theirs.get(name)}, ops.def {ours.get(name)}")
print(f"{len(theirs)} operators up to opset {latest}, {len(wrong)} differ")
sys.exit(1 if wrong or len(theirs) < 150 else 0)
