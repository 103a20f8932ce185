/* graph_places.h: the graphs of a document: its own, those nested in it and the bodies of its functions, each by its
 * path. */
#ifndef EKI_GRAPH_PLACES_H
#define EKI_GRAPH_PLACES_H

#include "surgery/surgery.h"

typedef struct eki_place {
    eki_graph *graph;
    const char *path; /* "", "if_1/then_branch/", "local.Block/": in front of the names of its nodes */
    eki_uses before;  /* how it was read before anything was changed */
    size_t values;
    eki_declared *declared;
    int around;   /* the place that it nests in; -1 = none */
    bool changed; /* set by who changes it */
} eki_place;

typedef struct eki_places {
    eki_place *items; /* outer ones before those in them; the document's own is the first */
    size_t count, room;
    eki_arena arena;
} eki_places;

/* Sorts all graphs of a view. */
ek_status eki_places_list(eki_graph *view, eki_places *places, ek_error *err);
/* The same, and infers their shapes, those of functions by their calls in the model, for as long as the places are
 * open. What cannot be inferred is as declared; with `strict` an error of the document's own graph is one of this. */
ek_status eki_places_open(const ek_model *model, eki_graph *view, bool strict, eki_places *places, ek_error *err);
/* Gives values of functions, in a view of the model's document, the shapes that all calls agree in. */
ek_status eki_learn_shapes(const ek_model *model, eki_graph *view, ek_error *err);
/* What nobody reads any more goes, from the inside out; declared shapes are put back. */
ek_status eki_places_close(eki_places *places, ek_error *err);
void eki_places_free(eki_places *places);

/* "if_1/then_branch/bn1". Written into and returned as `text`. */
const char *eki_place_name(const eki_place *place, const char *name, char text[512]);

/* Whether it is the document's own graph. */
bool eki_place_is_main(const eki_place *place);

#endif
