"""asked.py: no command changes anything unasked in a file.

    asked.py EVENKEEL [--sites PROGRAM] [--mutant PROGRAM] [--all] [--mutants N] [--only COMMAND] [--file NAME] [--jobs N] SHARED

Every command that writes a model runs over files: those of ../shared, of Debian's libonnx-testdata, of every way to
write a norm (write_site_cases), and mutants of them; without --all over a sample. What a command may touch is told by
its report and the file before (regions.py). Then two judges: our diff lists nothing else, and the bytes of all other
fields are there, in their order (compare.py, which knows nothing of the product).
"""
import argparse
import collections
import concurrent.futures
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

try:
    import onnx
    from google.protobuf.message import DecodeError
except ImportError:
    print("skipped: python3-onnx is not installed; scripts/test.sh installs it")
    sys.exit(77)

import regions
import variants
from compare import Comparison, allowed
from document import Document

TESTDATA = "/usr/share/libonnx-testdata"
SAMPLE = {"testdata": 60, "sites": 2}  # of these every so many
MUTANTS = {False: 40, True: 2000}
SMALL = 200000  # bytes of what is also tried in other forms

COMMANDS = {
    "fold": (["fold", "--timed", "0", "--runs", "1"], regions.fold),
    "unfold": (["unfold", "--runs", "1"], regions.unfold),
    "freeze": (["freeze", "--all"], regions.freeze),
    "recalibrate": (["recalibrate", "--data", "builtin:strokes:16"], regions.recalibrate),
    "train": (["train", "--data", "builtin:strokes:16", "--steps", "1", "--batch", "4"], regions.train),
    "preprocess": (["convert", "--preprocess", "uint8-nhwc", "--probabilities"], regions.preprocess),
    "channels": (["convert", "--channels", "3"], regions.preprocess),
}
for options in (["--norm", "frozen"], ["--norm", "batch"], ["--norm", "group:2"], ["--norm", "layer"], ["--norm", "instance"], ["--fuse"],
                ["--spell-out"], ["--untie"], ["--inference"], ["--from", "torch", "--torch-batch", "8"]):
    COMMANDS[" ".join(options[:2])] = (["convert", *options, "--runs", "1"], regions.convert)
for number in ("11", "17", "23"):
    COMMANDS[f"--opset {number}"] = (["convert", "--opset", number, "--runs", "1"], regions.opset)
# What gives the old bytes back.
UNDONE = {"preprocess": ["convert", "--strip-preprocess"], "channels": ["convert", "--strip-preprocess"], "freeze": ["freeze", "--clear"]}


def files(shared, folder, program, everything):
    groups = {"shared": sorted(glob.glob(f"{shared}/cases/*.onnx")) + sorted(glob.glob(f"{shared}/models/*.onnx")) * everything,
              "testdata": sorted(glob.glob(f"{TESTDATA}/**/*.onnx", recursive=True)), "sites": []}
    if program:
        os.mkdir(f"{folder}/sites")
        subprocess.run([program, f"{folder}/sites", "1", "5" if everything else "1"], check=True, stdout=subprocess.DEVNULL)
        groups["sites"] = sorted(glob.glob(f"{folder}/sites/*.onnx"))
    for name, found in groups.items():
        if not found:
            print(f"skipped: no ONNX files of {name}")
        yield from found[::1 if everything else SAMPLE.get(name, 1)]


def is_small(path):
    """Networks of the size of ResNet-50 are proved in seconds, whatever their files say of weights."""
    return os.path.getsize(path) < SMALL and os.path.basename(os.path.dirname(path)) != "models"


def written_variants(found, folder, everything):
    """Of the files with norms, in a sample one variant of each second."""
    with_norms = [path for path in found if is_small(path) and any(word in open(path, "rb").read() for word in (b"Norm", b"Sqrt"))]
    for number, path in enumerate(with_norms):
        for kind, variant in enumerate(variants.VARIANTS):
            output = f"{folder}/{variant.__name__}-{number}-{os.path.basename(path)}"
            if everything or number % (2 * len(variants.VARIANTS)) == 2 * kind:
                variants.write(path, variant, output)
                yield output


def mutants(found, folder, program, count):
    """The same models in other bytes."""
    small = [path for path in found if is_small(path)]
    random.Random(1).shuffle(small)
    for seed in range(count if program and small else 0):
        path = f"{folder}/mutant-{seed}.onnx"
        done = subprocess.run([program, small[seed % len(small)], path, str(seed)], check=False)
        if done.returncode == 0:
            yield path


def sizes(path):
    """--size for data that has one of its own."""
    try:
        graph = onnx.load(path, load_external_data=False).graph
        dims = [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim]
    except (DecodeError, IndexError):
        return []
    side = dims[2:4] if len(dims) == 4 and dims[1] in (1, 3) else dims[1:3]
    return ["--size", f"{side[0]}x{side[1]}"] if len(dims) == 4 and all(0 < d <= 512 for d in side) else []


class Run:
    def __init__(self, program, path, name, folder):
        self.program, self.path, self.name = program, path, name
        self.output = f"{folder}/{os.getpid()}-{abs(hash((path, name)))}.onnx"
        self.verdict, self.complaints = "refused", []

    def tool(self, *arguments):
        return subprocess.run([self.program, *arguments, "--json", "--quiet"], capture_output=True, text=True, check=False,
                              errors="replace", timeout=600)

    def judge(self, report, rule, options):
        before, after = Document(self.path), Document(self.output)
        if before.bytes == after.bytes:
            self.verdict = "equal"
            return
        self.verdict = "changed"
        region = rule(before, report, options)
        region.nodes = regions.constants(before, set(region.nodes) - {None})
        comparison = Comparison(before, after, region)
        self.complaints += comparison.run()
        listed = json.loads(self.tool("diff", self.path, self.output).stdout)
        self.complaints += [f"diff: {c['kind']} {c['place']} {c['name']}: {c['text']}" for c in listed["changes"] if not allowed(comparison, c)]
        if self.name in UNDONE:
            self.undo(before)

    def undo(self, before):
        command, *options = UNDONE[self.name]
        done = self.tool(command, self.output, *options, "-o", self.output)
        same = done.returncode == 0 and Document(self.output).bytes == before.bytes
        if not same and done.returncode == 0 and "mutant-" in self.path:  # lengths longer than they need be are written anew
            same = self.tool("diff", self.path, self.output).returncode == 0
        if not same:
            self.complaints.append(f"{' '.join(options)} does not give the old bytes back: {done.stderr[-200:]}")

    def run(self):
        command, rule = COMMANDS[self.name]
        more = sizes(self.path) if "--data" in command or rule is regions.preprocess else []
        done = self.tool(command[0], self.path, *command[1:], *more, "-o", self.output)
        if done.returncode < 0 or done.returncode > 6:
            self.complaints.append(f"ended with {done.returncode}: {done.stderr[-300:]}")
        elif done.returncode != 0 and os.path.exists(self.output):
            self.complaints.append(f"ended with {done.returncode} and wrote a file")
        elif done.returncode == 0:
            self.judge(json.loads(done.stdout or "{}"), rule, command[1:])
        for path in glob.glob(f"{self.output}*"):
            os.unlink(path)
        return self


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("shared")
    parser.add_argument("--sites")
    parser.add_argument("--mutant")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--mutants", type=int, default=None)
    parser.add_argument("--only", default="")
    parser.add_argument("--file", default="")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # or every run executes itself twice
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    tallies, failures = collections.defaultdict(collections.Counter), 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        found = list(files(args.shared, folder, args.sites, args.all))
        found += written_variants(found, folder, args.all)
        found += mutants(found, folder, args.mutant, MUTANTS[args.all] if args.mutants is None else args.mutants)
        names = [name for name in COMMANDS if args.only in name]
        runs = [Run(args.program, path, name, folder) for path in found if args.file in path for name in names]
        for run in pool.map(Run.run, runs):
            tallies[run.name][run.verdict] += 1
            for complaint in run.complaints:  # at once: all of them take hours
                failures += 1
                place = os.path.relpath(run.path, folder) if run.path.startswith(folder) else run.path
                print(f"{run.name}: {place}: {complaint}", flush=True)
    for name, tally in tallies.items():
        print(f"{name:14} {tally['changed']} changed as asked, {tally['equal']} written with the same bytes, {tally['refused']} refused")
    print(f"{len(found)} files, {failures} failures")
    idle = [name for name in COMMANDS if args.only in name and not args.file and tallies[name]["changed"] == 0]
    if idle:
        print(f"no file was changed by {', '.join(idle)}: nothing was tested")
    sys.exit(1 if failures or (idle and found) else 0)


main()
