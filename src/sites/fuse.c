/* fuse.c: sites that are written out become the one node that the engine, or a later opset, has for them.
 *
 * All are chosen before anything changes, because the opset must move as a whole: where another operator forbids that,
 * those that need it stay.
 */
#include "sites/fuse.h"

#include "sites/float_types.h"

#include <stdlib.h>

static ek_status tell(const eki_fuser *f, const eki_site *site, eki_opcode op, int64_t opset, const char *why) {
    return f->options->tell == NULL ? EK_OK : f->options->tell(f->options->context, site, op, opset, why, f->err);
}

static ek_status collect(eki_fuser *f) {
    const eki_fuse_options *options = f->options;
    f->items = eki_calloc(f->sites->count + 1, sizeof *f->items);
    if (f->items == NULL) return eki_fail_nomem(f->err, f->sites->count * sizeof *f->items);
    for (size_t i = 0; i < f->sites->count; i++) {
        eki_site *site = &f->sites->items[i];
        if (site->graph != f->graph) continue;
        if (options->wanted != NULL && !options->wanted(options->context, site)) continue;
        *site = eki_site_inner(site);
        const char *why = eki_fuse_choose(f, site, &f->items[f->count]);
        if (why == NULL) f->count++;
        if (why != NULL && why[0] != '\0') EKI_TRY(tell(f, site, f->items[f->count].op, 0, why));
    }
    return EK_OK;
}

/* Leaves out what needs a higher opset than the graph may have. */
static ek_status settle_opset(eki_fuser *f, int64_t *needed) {
    const eki_fuse_options *options = f->options;
    int64_t own = eki_graph_opset(f->graph, "");
    uint8_t *ignore = eki_calloc(f->graph->n_nodes + 1, 1);
    if (ignore == NULL) return eki_fail_nomem(f->err, f->graph->n_nodes);
    *needed = own;
    for (size_t i = 0; i < f->count; i++) {
        const eki_site *site = f->items[i].site;
        if (f->items[i].opset > *needed) *needed = f->items[i].opset;
        for (int k = 0; k < site->n_nodes; k++) ignore[site->nodes[k]->id] = 1;
    }
    if (options->own_opsets) *needed = own;
    bool may = *needed == own || (options->may_need != NULL && options->may_need(options->context, *needed, ignore));
    free(ignore);
    if (may) return EK_OK;
    size_t kept = 0;
    *needed = own;
    for (size_t i = 0; i < f->count; i++) {
        const eki_fusion *item = &f->items[i];
        if (item->opset > own) EKI_TRY(tell(f, item->site, item->op, item->opset, NULL));
        if (item->opset <= own) f->items[kept++] = *item;
    }
    f->count = kept;
    return EK_OK;
}

static ek_status fuse_found(eki_fuser *f, int64_t *needed) {
    EKI_TRY(eki_uses_create(f->graph, &f->uses, f->err));
    EKI_TRY(eki_float_types(f->graph, &f->types, f->err));
    EKI_TRY(collect(f));
    if (f->count == 0) return EK_OK;
    int64_t opset = 0;
    EKI_TRY(settle_opset(f, &opset));
    for (size_t i = 0; i < f->count; i++) {
        EKI_TRY(tell(f, f->items[i].site, f->items[i].op, 0, NULL)); /* before its nodes are gone */
        EKI_TRY(eki_fuse_write(f, &f->items[i]));
    }
    if (f->count > 0) *needed = opset;
    eki_graph_sweep(f->graph);
    return EK_OK;
}

ek_status eki_sites_fuse(eki_graph *graph, const eki_fuse_options *options, int64_t *needed, ek_error *err) {
    eki_sites sites;
    *needed = 0;
    EKI_TRY(eki_sites_around(graph, &sites, err));
    eki_fuser f = {.graph = graph, .sites = &sites, .options = options, .n_values = graph->n_values, .err = err};
    ek_status status = fuse_found(&f, needed);
    eki_uses_free(&f.uses);
    free(f.types);
    free(f.items);
    eki_sites_free(&sites);
    return status;
}
