/* halve.c: writes a float32 model as one of half precision: every weight, input, output and declared value.
 *
 *     halve IN.onnx OUT.onnx f16|bf16
 */
#include "onnx/onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void stop(const ek_error *err) {
    fprintf(stderr, "halve: %s\n", err->text);
    exit(1);
}

int main(int argc, char **argv) {
    ek_error err;
    eki_graph *graph;
    if (argc < 4) return 2;
    ek_dtype half = strcmp(argv[3], "f16") == 0 ? EK_F16 : EK_BF16;
    if (eki_onnx_load(argv[1], NULL, &graph, &err)) stop(&err);
    for (size_t i = 0; i < graph->n_values; i++) {
        eki_value *value = graph->values[i];
        if (value->dtype == EK_F32) value->stored = half;
        if (value->init == NULL || value->init->dtype != EK_F32) continue;
        if (eki_tensor_own(value->init, &err)) stop(&err); /* aligned, for the conversion */
        value->init->stored = half;
    }
    if (eki_onnx_save(graph, argv[2], &err)) stop(&err);
    eki_graph_destroy(graph);
    return 0;
}
