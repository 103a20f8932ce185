# An architecture: tiny, one hidden layer.
title="an architecture"
targets="evenkeel_tool"

plant() {
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
}

check() {
    quietly evenkeel train --model tiny --data builtin:strokes:200 --steps 5 --quiet -o "$work/tiny.onnx"
    quietly evenkeel eval "$work/tiny.onnx" --data builtin:strokes:200
}
