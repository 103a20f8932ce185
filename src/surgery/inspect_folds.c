/* inspect_folds.c: what ek_fold would do with norms in nested graphs and functions. */
#include "surgery/graph_places.h"
#include "surgery/inspect.h"
#include "surgery/literals.h"

#include <stdlib.h>
#include <string.h>

struct eki_folds {
    eki_graph *view; /* of the document */
    eki_places places;
    eki_chains *chains; /* of each place, but the document's own graph, which the program stands for */
};

static ek_status find_chains(eki_folds *f, int64_t numbers, ek_error *err) {
    f->chains = eki_calloc(f->places.count + 1, sizeof *f->chains);
    if (f->chains == NULL) return eki_fail_nomem(err, f->places.count * sizeof *f->chains);
    for (size_t i = 1; i < f->places.count; i++) {
        eki_literals literals;
        ek_status put = eki_literals_put(f->places.items[i].graph, &literals, err);
        eki_literals_free(&literals); /* the view is ours alone: they stay */
        EKI_TRY(put);
        EKI_TRY(eki_chains_find(f->places.items[i].graph, numbers, &f->chains[i], err));
    }
    return EK_OK;
}

ek_status eki_folds_find(const ek_model *model, int64_t numbers, eki_folds **out, ek_error *err) {
    const eki_graph *document = model->document;
    *out = NULL;
    if (document->n_children == 0) return EK_OK;
    eki_folds *f = eki_calloc(1, sizeof *f);
    if (f == NULL) return eki_fail_nomem(err, sizeof *f);
    ek_status status = eki_graph_view(document, &f->view, err);
    if (status == EK_OK) status = eki_places_open(model, f->view, false, &f->places, err);
    if (status == EK_OK) status = find_chains(f, numbers, err);
    *out = f;
    return status;
}

const eki_chain *eki_folds_chain(const eki_folds *f, const eki_graph *graph, const char *output) {
    for (size_t i = 1; f != NULL && i < f->places.count; i++) {
        const eki_graph *place = f->places.items[i].graph;
        if (place->original != graph) continue;
        const eki_value *out = eki_graph_find(place, output);
        return out != NULL && out->producer != NULL ? eki_chain_of(&f->chains[i], out->producer) : NULL;
    }
    return NULL;
}

const eki_graph *eki_body_of(const eki_graph *document, const eki_value *value) {
    for (size_t i = 0; i < document->n_functions; i++) {
        const eki_graph *body = document->functions[i].body;
        if ((size_t)value->id < body->n_values && body->values[value->id] == value) return body;
    }
    return NULL;
}

void eki_folds_free(eki_folds *f) {
    if (f == NULL) return;
    for (size_t i = 0; f->chains != NULL && i < f->places.count; i++) eki_chains_free(&f->chains[i]);
    free(f->chains);
    eki_places_free(&f->places);
    eki_graph_destroy(f->view);
    free(f);
}
