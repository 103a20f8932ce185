#!/usr/bin/env bash
# newest.sh ONEDNN [SHAPES [LAYOUT [ROUNDS [THREADS]]]]: our batch norms beside those of a newer oneDNN than Debian has,
# whose sources lie in ONEDNN (build/newest/onednn gets the library, with its normalizations only). In one process, in
# turns; a 95 % interval a case. Needs build/release (scripts/test.sh --fast).
set -euo pipefail
here=$(pwd)
cd "$(dirname "$0")/../.."
peer=$(cd "$here" && cd "${1:?newest: expected the folder of sources of oneDNN}" && pwd)
shift
mkdir -p build/newest
if [ ! -e build/newest/onednn/src/libdnnl.a ]; then
    cmake -S "$peer" -B build/newest/onednn -G Ninja -DCMAKE_BUILD_TYPE=Release -DONEDNN_LIBRARY_TYPE=STATIC \
        -DONEDNN_BUILD_TESTS=OFF -DONEDNN_BUILD_EXAMPLES=OFF -DONEDNN_BUILD_DOC=OFF -DONEDNN_BUILD_GRAPH=OFF \
        "-DONEDNN_ENABLE_PRIMITIVE=BATCH_NORMALIZATION;LAYER_NORMALIZATION;GROUP_NORMALIZATION;REORDER" >/dev/null
    cmake --build build/newest/onednn
fi
gcc -std=c11 -O2 -D_POSIX_C_SOURCE=200809L -fopenmp -Wall -Wextra -Iinclude -Iapps -Ibuild/newest/onednn/include \
    -I"$peer/include" bench/newest/newest.c apps/bench/*.c build/release/libevenkeel_norm.a build/newest/onednn/src/libdnnl.a \
    -lstdc++ -lm -o build/newest/newest
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-1000}
exec build/newest/newest "${@:-bench/shapes/resnet50.txt}"
