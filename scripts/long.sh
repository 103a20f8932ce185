#!/usr/bin/env bash
# long.sh [NAME]: the tests that the gate leaves out because they take minutes each (ctest label "long"): every size, seed and
# norm of few_images, every kind of the doctor on more seeds, every ONNX file of libonnx-testdata and 2,000 mutants,
# preprocessing inside files on 100 images, 10^9 results against the bounds of docs/numerics.md, every command over every file
# (asked_all), 1,000 random norms against their hashes, a dummy of each recipe of CONTRIBUTING.md (recipes), 4,000
# damaged models with functions and nested graphs (nested_damage_all), norms as PyTorch exports them and losses as it steps (skipped where python3-torch is not installed; it takes 600 MB, so nobody installs it for you). Needs
# build/release (scripts/test.sh --fast).
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_WAIT_POLICY=passive
exec ctest --test-dir build/release -L long -R "${1:-.}" --output-on-failure
