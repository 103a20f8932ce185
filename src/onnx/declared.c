/* declared.c: what a file declares of shapes and types, kept while inference fills in what it does not, and put back: a
 * save writes what is declared then, so that nothing is said that the file did not say.
 */
#include "onnx/graph.h"

#include <stdlib.h>

ek_status eki_declared_keep(const eki_graph *graph, eki_declared **declared, ek_error *err) {
    eki_size values = eki_size_of(graph->n_values, sizeof *(*declared)->values);
    *declared = eki_alloc(eki_size_sum(eki_sized(sizeof **declared), values));
    if (*declared == NULL) return eki_fail_nomem(err, values.bytes);
    (*declared)->count = graph->n_values;
    for (size_t i = 0; i < graph->n_values; i++) {
        (*declared)->values[i].dtype = graph->values[i]->dtype;
        (*declared)->values[i].shape = graph->values[i]->shape;
    }
    return EK_OK;
}

void eki_declared_restore(eki_graph *graph, eki_declared *declared) {
    for (size_t i = 0; i < declared->count; i++) {
        if (graph->values[i]->init != NULL) continue; /* it has the shape of its data, which may be new */
        graph->values[i]->dtype = declared->values[i].dtype;
        graph->values[i]->shape = declared->values[i].shape;
    }
    free(declared);
}
