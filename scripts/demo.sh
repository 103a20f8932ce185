#!/usr/bin/env bash
# demo.sh: from a bare Debian 12 to a trained ONNX model: installs what is missing, builds, trains cnn6 with batch norm
# on the built-in strokes, evaluates it and writes the study page. Takes about 3 minutes on 2 cores; downloads no data.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/setup.sh

need_build_tools

say "building (about 2 minutes on 2 cores)"
out=build/demo
mkdir -p "$out"
quietly cmake --preset release -DEK_TESTS=OFF
build --preset release
tool=build/release/evenkeel

say "training cnn6 with batch norm on builtin:strokes"
"$tool" train --data builtin:strokes --model cnn6 --norm batch --epochs 2 --batch 64 --seed 1 --out "$out/strokes.onnx"

say "evaluating in inference mode, at two batch sizes"
"$tool" eval "$out/strokes.onnx" --data builtin:strokes --batch 7
"$tool" eval "$out/strokes.onnx" --data builtin:strokes --batch 1000 --json

say "the study, quick level"
"$tool" study --quick -o "$out/study.html"

say "done"
cat <<END
The model:  $out/strokes.onnx   (runs in any ONNX runtime)
The page:   $out/study.html     (open it in a browser)

Next:
  $tool train --help                    options of training, with examples
  $tool train --data FOLDER --model resnet20 --crop 4 --flip --out my.onnx
  $tool models                          what can be built in
  scripts/test.sh                       the whole test suite
END
