"""sizes.py EVENKEEL SCRATCH EXPECTED [--long] [--print]: files that declare huge, empty or open shapes, under a budget of
1 GiB: every command that reads a model or data ends with the status that EXPECTED (case, command, status) has for it, its
error names the file, a value or a node, and no process holds a gibibyte at any time. --long: all cases by all commands,
and once more by `ulimit -v`; otherwise a part of them. --print writes what EXPECTED would be.
"""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import declared

program, scratch, expected_path = sys.argv[1:4]
program, expected_path = os.path.abspath(program), os.path.abspath(expected_path)
LONG, PRINT = "--long" in sys.argv, "--print" in sys.argv
BUDGET = 1 << 30
os.makedirs(scratch, exist_ok=True)
os.chdir(scratch)


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)


digits, out = ["--data", "builtin:strokes:32"], ["-o", "out.onnx"]
ON_MODELS = {
    "inspect": ["inspect", "MODEL"],
    "fold": ["fold", "MODEL", *out],
    "convert": ["convert", "MODEL", "--opset", "20", *out],
    "recalibrate": ["recalibrate", "MODEL", *digits, *out],
    "run": ["run", "MODEL", "-i", "small.npy"],
    "eval": ["eval", "MODEL", *digits],
    "inspect-data": ["inspect", "MODEL", *digits],
    "unfold": ["unfold", "MODEL", *digits, *out],
    "freeze": ["freeze", "MODEL", "--stats", *out],
    "convert-group": ["convert", "MODEL", "--norm", "group:2", *digits, *out],
    "predict": ["predict", "MODEL", "small.png"],
    "train": ["train", "--model", "MODEL", *digits, "--steps", "2", "--batch", "4", *out],
    "bench": ["bench", "model", "MODEL", "--batch", "1"],
    "diff": ["diff", "MODEL", "good.onnx"],
    "diff-semantic": ["diff", "MODEL", "MODEL", "--semantic"],
}
QUICK = ("inspect", "fold", "convert", "run", "diff")
QUICK_DATA = ("batch_60", "batch_22", "side_31", "all_open")
ON_ARRAYS = {"run": ["run", "good.onnx", "-i", "DATA"], "data": ["eval", "good.onnx", "--data", "DATA,small_labels.npy"]}
ON_IMAGES = {"predict": ["predict", "good.onnx", "DATA"], "run": ["run", "good.onnx", "--image", "DATA"]}
ON_SETS = {"eval": ["eval", "good.onnx", "--data", "DATA"], "train": ["train", "--data", "DATA", "--steps", "1", *out]}

cases = []  # name, how, words, file
write("good.onnx", declared.network(["N", 1, 28, 28]))
write("small.npy", declared.npy("(1, 1, 28, 28)", data=b"\0" * 3136))
write("small_labels.npy", declared.npy("(1,)", "<i8", b"\0" * 8))
write("small.png", declared.png(28, 28, b"\0" * 29 * 28))
for name, data in declared.MODELS.items():
    write(name + ".onnx", data)
    for how, words in ON_MODELS.items():
        if LONG or how in QUICK or (how == "recalibrate" and name in QUICK_DATA):
            cases.append((name, how, [name + ".onnx" if w == "MODEL" else w for w in words], name + ".onnx"))
for group, commands, suffix in ((declared.ARRAYS, ON_ARRAYS, ".npy"), (declared.IMAGES, ON_IMAGES, "")):
    for name, data in group.items():
        file = name + (suffix or "." + name.split("_")[0])
        file += ".gz" if name.endswith("gz") else ""
        write(file, data)
        for how, words in commands.items():
            cases.append((name, how, [w.replace("DATA", file) for w in words], file))
for name, (images, labels) in declared.SETS.items():
    os.makedirs(name, exist_ok=True)
    for split in ("train", "t10k"):
        write(f"{name}/{split}-images-idx3-ubyte", images)
        write(f"{name}/{split}-labels-idx1-ubyte", labels)
    for how, words in ON_SETS.items():
        cases.append((name, how, [name if w == "DATA" else w for w in words], name))


def run(words, limited):
    """Status, standard error, and KiB that were resident at most."""
    for left in ("out.onnx", "out.onnx.state"):
        if os.path.exists(left):
            os.remove(left)
    shell = ["bash", "-c", f'ulimit -v {BUDGET >> 10}; exec "$@"', "-"] if limited else []
    budget = [] if limited else ["--memory", "1G"]
    with open("stderr", "w+b") as errors:
        child = subprocess.Popen([*shell, program, *words, *budget], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=errors, env=dict(os.environ, OMP_NUM_THREADS="1"))
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        return child.returncode, errors.read().decode(errors="replace"), usage.ru_maxrss


expected = {}
if os.path.exists(expected_path):
    with open(expected_path) as table:
        expected = {tuple(line.split()[:2]): int(line.split()[2]) for line in table}
failures, peak, runs = 0, (0, ""), 0
for limited in (False, True) if LONG else (False,):
    for name, how, words, file in cases:
        status, said, resident = run(words, limited)
        runs += 1
        peak = max(peak, (resident << 10, f"{how} {name}"))
        if PRINT and not limited:
            print(name, how, status, flush=True)
            print(name, how, status, said.strip().split("\n")[-1][:200], file=sys.stderr, flush=True)
        wrong = []
        if not PRINT and status != expected.get((name, how)):
            wrong.append(f"status {status}, expected {expected.get((name, how))}")
        files = [file, *(w for w in words if "." in w)]
        named = any(f in said for f in files) or re.search(r"'(x\d*|y|a|t|z|u|the_\w+)'", said)
        if status not in (0, 1, 2) and not named:
            wrong.append("neither file nor value nor node is named")
        if resident << 10 >= BUDGET:
            wrong.append(f"{resident >> 10} MiB were resident")
        if wrong:
            failures += 1
            print(f"{'ulimit -v, ' * limited}{' '.join(words)}: {'; '.join(wrong)}: {said.strip()[-300:]}", file=sys.stderr)
if LONG and not PRINT:  # many large images that are as they should be: not a minute without a word
    os.makedirs("large/one", exist_ok=True)
    os.makedirs("large/two", exist_ok=True)
    for i in range(24):
        write(f"large/{'one' if i % 2 else 'two'}/{i}.png", declared.png(8000, 8000, bytes(8000 * 8001)))
    for quiet in (False, True):
        status, said, resident = run(["recalibrate", "good.onnx", "--data", "large", *out, *["--quiet"] * quiet], False)
        if status != 0 or ("reading images:" in said) == quiet or resident << 10 >= BUDGET:
            failures += 1
            print(f"large images, quiet {quiet}: {status}, {resident >> 10} MiB, {said[-300:]}", file=sys.stderr)
print(f"{len(declared.MODELS)} models, {len(cases)} cases, {runs} runs under {BUDGET >> 20} MiB: {failures} failed; at most "
      f"{peak[0] >> 20} MiB were resident ({peak[1]})", file=sys.stderr if PRINT else sys.stdout)
sys.exit(failures > 0)
