/* inspect.h: the parts of ek_inspect. */
#ifndef EKI_INSPECT_H
#define EKI_INSPECT_H

#include "surgery/surgery.h"

struct ek_inspection {
    eki_arena arena;
    const ek_model *model;
    ek_norm_seen *norms;
    size_t n_norms, n_findings, room;
    ek_finding *findings;
};

/* Adds a finding; the text is made of `format`. */
ek_status eki_find(ek_inspection *in, ek_severity severity, const char *code, const char *norm, const char *remedy,
                   ek_error *err, const char *format, ...) __attribute__((format(printf, 7, 8)));

/* The findings from `from` on are of that norm. */
void eki_find_at(ek_inspection *in, size_t from, int64_t norm);

/* The data of a norm's parameter, by initializer name; NULL = none, or not f32. */
const eki_tensor *eki_norm_parameter(const ek_model *model, const char *name);

/* ---- inspect_place.c ---- */
ek_place_seen eki_place_of(const eki_graph *graph, const eki_node *node);

/* ---- findings.c ---- */
ek_status eki_find_in_norm(ek_inspection *in, size_t index, const eki_node *node, const eki_uses *uses, ek_error *err);
ek_status eki_find_in_model(ek_inspection *in, ek_error *err);

/* ---- findings_sites.c: of the document's norms as they are written ---- */
ek_status eki_find_in_sites(ek_inspection *in, const eki_sites *sites, ek_error *err);

/* ---- inspect_folds.c ---- */
typedef struct eki_folds eki_folds;
/* The chains of nested graphs and functions, within `numbers` for each; *folds NULL = there are no such graphs. It is
 * to be freed after an error too. */
ek_status eki_folds_find(const ek_model *model, int64_t numbers, eki_folds **folds, ek_error *err);
/* That a norm of one of these graphs is in, by its output; NULL = none. */
const eki_chain *eki_folds_chain(const eki_folds *folds, const eki_graph *graph, const char *output);
void eki_folds_free(eki_folds *folds);
/* The function's body that a value is of, or NULL. */
const eki_graph *eki_body_of(const eki_graph *document, const eki_value *value);

#endif
