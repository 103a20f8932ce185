#!/bin/bash
# recipes.sh: runs recipes of CONTRIBUTING.md as they are written: adds a dummy of each to one scratch copy of the tree,
# in the places that the recipe names and no others, builds, and runs what the recipe says. Takes minutes (one build).
# A recipe that needs a place it does not name fails here, and so does one that names more than five.
set -euo pipefail
cd "$(dirname "$0")/.."
source=$(pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$scratch"
cd "$scratch"
git init -q && git add -A && git -c user.name=recipes -c user.email=recipes@localhost commit -qm copy

# recipe NAME: what has changed since the last one is its places.
recipe() {
    git add -A
    places=$(git diff --cached --name-only | wc -l)
    printf 'recipe: %-28s %s places\n' "$1" "$places"
    [ "$places" -le 5 ] || { git diff --cached --name-only; echo "recipes: '$1' takes more than five places" >&2; exit 1; }
    git -c user.name=recipes -c user.email=recipes@localhost commit -qm "$1"
}
# after FILE PATTERN LINE: puts a line behind the first that matches.
after() {
    grep -q -- "$2" "$1" || { echo "recipes: $1 has no line with $2" >&2; exit 1; }
    sed -i "0,/$2/s|.*$2.*|&\n$3|" "$1"
}

# An operator: Sin.
sed -i 's/^EKI_OP(Sin,/EKI_RUN(Sin,/' src/ops/ops.def
cat >src/graph/op/sin.c <<'END'
/* sin.c: Sin. ONNX opset 7. */
#include "graph/op/op_common.h"

#include <math.h>

ek_status eki_op_Sin_forward(eki_step *step, ek_error *err);

ek_status eki_op_Sin_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_f32(infer, 0));
    EKI_TRY(eki_infer_same(infer));
    return eki_infer_fold(infer, eki_op_Sin_forward);
}

ek_status eki_op_Sin_prepare(eki_step *step, ek_error *err) {
    step->keep_in[0] = step->want_din[0];
    return eki_prepare_same_layout(step, err);
}

ek_status eki_op_Sin_forward(eki_step *step, ek_error *err) {
    (void)err;
    const float *x = step->in[0].data;
    float *y = step->out[0].data;
    for (size_t i = 0; i < eki_view_elements(&step->out[0]); i++) y[i] = sinf(x[i]);
    return EK_OK;
}

ek_status eki_op_Sin_backward(eki_step *step, ek_error *err) {
    (void)err;
    const float *x = step->in[0].data, *dy = step->dout[0];
    float *dx = step->din[0];
    for (size_t i = 0; dx != NULL && i < eki_view_elements(&step->out[0]); i++) {
        dx[i] = dy == NULL ? 0 : cosf(x[i]) * dy[i];
    }
    return EK_OK;
}

EKI_OPERATOR(Sin, .diff_inputs = 0x1, EKI_ALL_OF(Sin));
END
cat >tests/ops/test_op_sin.c <<'END'
/* Values of Sin, and its gradient. */
#include "op_gradient.h"
#include "op_harness.h"

static void values(void **state) {
    (void)state;
    op_test t;
    op_begin(&t, 14);
    NODE(&t, "Sin", 1, op_input(&t, SHAPE(2, 2), F(0, 1, -1, 2)));
    op_check(&t, F(0, 0.84147098f, -0.84147098f, 0.90929743f), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
END
[ -e tests/ops/op_gradient.h ] || sed -i '/op_gradient.h/d' tests/ops/test_op_sin.c
recipe "an operator"

# A command: hello.
sed 's/version_options/hello_options/g; s/run_version/run_hello/g; s/command_version/command_hello/g; s/"version"/"hello"/g; s/evenkeel version/evenkeel hello/g; s/Show the version/Say hello/' \
    apps/evenkeel/cmd_version.c >apps/evenkeel/cmd_hello.c
after apps/evenkeel/commands.h 'ROW(env)' '    ROW(hello) \\'
cat >tests/cli/cases/hello.sh <<'END'
# A command of a recipe: help, a run, JSON, a bad argument.
evenkeel hello --help > help
contains help "Say hello"
evenkeel hello > out
evenkeel hello --json > json
contains json '"hello"'
expect 2 evenkeel hello --nothing 2> message
contains message "unknown option"
END
recipe "a command"

# An architecture: tiny.
cat >src/zoo/arch_tiny.c <<'END'
/* arch_tiny.c: one hidden layer. */
#include "zoo/builder.h"

void eki_build_tiny(eki_builder *b) {
    eki_build_flatten(b, "flatten");
    eki_build_linear_unit(b, "", "fc1", "1", 16);
    eki_build_classifier(b, "fc2");
}
END
after src/zoo/builder.h 'eki_build_mlp' 'void eki_build_tiny(eki_builder *b);'
after src/zoo/build.c '"mlp", "three' '    {{"tiny", "one hidden layer", 1, 28, 28}, eki_build_tiny},'
recipe "an architecture"

# A kernel by hand: widen, which for float32 copies.
mkdir -p src/kernel/hand/avx2
cat >src/kernel/hand/avx2/avx2_widen.c <<'END'
/* avx2_widen.c: floats as they are. */
#include "kernel/kernel.h"

#include <string.h>

void EK_FN(hand_widen)(const void *x, size_t n, float *y);
void EK_FN(hand_widen)(const void *x, size_t n, float *y) { memcpy(y, x, n * sizeof *y); }
END
after src/kernel/hand.def 'EK_ISA_avx2' 'EK_HAND_F32(widen)'
recipe "a kernel by hand"

options=()
[ -z "${CMAKE_C_COMPILER_LAUNCHER:-}" ] || options=(-DCMAKE_C_COMPILER_LAUNCHER="$CMAKE_C_COMPILER_LAUNCHER")
cmake --preset release -DEK_TESTS=ON -DEK_WERROR=ON "${options[@]}" >configured 2>&1 || { tail -20 configured; exit 1; }
cmake --build --preset release -j"${JOBS:-2}" --target test_op_sin test_op_table evenkeel kernelcheck >built 2>&1 ||
    { grep -E 'error|undefined' built | head -20; exit 1; }
cd build/release
find . -name test_op_sin -type f -exec {} \; >log 2>&1 || { cat log; exit 1; }
PATH=$PWD:$PATH
bash "$scratch/tests/cli/run.sh" "$PWD/evenkeel" hello
evenkeel train --model tiny --data builtin:strokes:200 --steps 5 --quiet -o tiny.onnx >/dev/null
evenkeel eval tiny.onnx --data builtin:strokes:200 | head -3
"$(find . -name kernelcheck -type f -perm -1 | head -1)" --kernel widen | tail -2
cd "$source"
echo "recipes: all passed"
