/* meta.c: metadata whose key is a prefix and the name of an output. */
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *eki_meta_of(const eki_graph *graph, const char *prefix, const char *output) {
    size_t length = strlen(prefix);
    for (size_t i = 0; i < graph->n_meta; i++) {
        const char *key = graph->meta[i].key;
        if (strncmp(key, prefix, length) == 0 && strcmp(key + length, output) == 0) return graph->meta[i].value;
    }
    return NULL;
}

ek_status eki_meta_set_of(eki_graph *graph, const char *prefix, const char *output, const char *value, ek_error *err) {
    size_t room = strlen(prefix) + strlen(output) + 1;
    char *key = eki_alloc(eki_sized(room));
    if (key == NULL) return eki_fail_nomem(err, room);
    (void)snprintf(key, room, "%s%s", prefix, output);
    ek_status status = eki_graph_set_meta(graph, key, value, err);
    free(key);
    return status;
}
