"""written.py: every model that the tests wrote, by onnx's checker and by onnxruntime.

    written.py WRITTEN EXCEPTIONS [NODE]

The models are those under WRITTEN/TEST, each content once. A line of EXCEPTIONS: who refuses (checker, onnxruntime, both), a glob of TEST/NAME, a part of the message, the reason; tabs
between them. One that was of no use although a test it is about ran is an error.
"""
import fnmatch
import hashlib
import json
import os
import subprocess
import sys

try:
    import onnx
    import onnx.checker
except ImportError:
    onnx = None

NEWEST = 17  # the highest opset that onnx 1.12, Debian's, knows


def models(written):
    """(name, path) of each model; the name is TEST/..."""
    for root, folders, files in os.walk(written):
        folders.sort()
        for file in sorted(files):
            if file.endswith(".onnx"):
                yield os.path.relpath(os.path.join(root, file), written), os.path.join(root, file)


def data_beside(path):
    """External data are part of what a file is."""
    folder = os.path.dirname(path)
    return [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.endswith((".data", ".bin"))]


def distinct(found):
    """(names, path) of each content."""
    seen = {}
    for name, path in found:
        digest = hashlib.sha256()
        for part in [path] + data_beside(path):
            with open(part, "rb") as file:
                digest.update(file.read())
        seen.setdefault(digest.digest(), ([], path))[0].append(name)
    return list(seen.values())


def check(path):
    """None, "newer" (an opset that the checker does not know), or its message."""
    try:
        model = onnx.load(path, load_external_data=False)
        if any(o.domain in ("", "ai.onnx") and o.version > NEWEST for o in model.opset_import):
            return "newer"
        onnx.checker.check_model(path, full_check=True)
    except Exception as error:  # whatever it is, the file is refused
        return " ".join(str(error).split()) or type(error).__name__
    return None


def load_all(node, paths):
    here = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run([node, os.path.join(here, "load.mjs")], input="\n".join(paths), capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if len(lines) < len(paths):  # it took the process with it
        sys.exit(f"onnxruntime ended at {paths[len(lines)]}: {done.stderr[-500:]}")
    return [None if why is None else " ".join(why.split()) for why in lines]


class Exceptions:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            lines = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
        bad = [line for line in lines if len(line) != 4 or line[0] not in ("checker", "onnxruntime", "both") or not line[3]]
        if bad:
            sys.exit(f"{path}: not who, glob, message, reason: {bad[0]}")
        self.lines, self.used = lines, set()

    def covers(self, who, names, message):
        hits = [i for i, (whose, glob, part, _) in enumerate(self.lines)
                if whose in (who, "both") and part in message and any(fnmatch.fnmatchcase(n, glob) for n in names)]
        self.used.update(hits)
        return bool(hits)

    def useless(self, asked, names):
        """Of those whose test ran."""
        ran = {name.split("/")[0] for name in names}
        for i, (who, glob, part, _) in enumerate(self.lines):
            if i not in self.used and (who == "both" or who in asked) and any(fnmatch.fnmatchcase(test, glob.split("/")[0]) for test in ran):
                yield f"an exception of {who} covers nothing: {glob}: {part}"


def main():
    written, exceptions = os.path.realpath(sys.argv[1]), Exceptions(sys.argv[2])
    modules = os.environ.get("EK_NODE_MODULES", "")
    node = sys.argv[3] if len(sys.argv) > 3 and os.path.isdir(f"{modules}/onnxruntime-node") else None
    if onnx is None:
        print("onnx's checker is left out: python3-onnx is not installed; scripts/test.sh installs it")
    if node is None:
        print("onnxruntime is left out: onnxruntime-node is not installed; scripts/test.sh installs it")
    if onnx is None and node is None:
        sys.exit(77)
    found = distinct(models(written))
    names, failures, verdicts = [same for same, _ in found], [], {}
    if onnx is not None:
        verdicts["checker"] = [check(path) for _, path in found]
    if node is not None:
        verdicts["onnxruntime"] = load_all(node, [path for _, path in found])
    excused = 0
    for who, messages in verdicts.items():
        for same, message in zip(names, messages):
            if message in (None, "newer"):
                continue
            if exceptions.covers(who, same, message):
                excused += 1
            else:
                failures.append(f"{who} refuses {same[0]}: {message[:400]}")
    failures += exceptions.useless(verdicts, [name for same in names for name in same])
    newer = verdicts.get("checker", []).count("newer")
    print(f"{len(found)} models; checker: {len(verdicts.get('checker', [])) - newer} ({newer} of opsets above {NEWEST} left out); "
          f"onnxruntime: {len(verdicts.get('onnxruntime', []))}; {excused} excused, {len(failures)} failures")
    print("\n".join(failures))
    sys.exit(1 if failures else 0)


main()
