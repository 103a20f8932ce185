/* inspection.c: the norms of a model, one row each, and the list of findings. */
#include "surgery/inspect.h"
#include "surgery/literals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GLANCE = 1 << 24 }; /* weights that are read to tell whether a fold is finite */

static ek_range no_range(int64_t count) {
    return (ek_range){.count = count, .minimum = HUGE_VAL, .maximum = -HUGE_VAL};
}

static void widen(ek_range *range, double v) {
    if (!isfinite(v)) {
        range->nonfinite++;
        return;
    }
    if (v < range->minimum) range->minimum = v;
    if (v > range->maximum) range->maximum = v;
}

static ek_range settled(ek_range range) {
    if (range.nonfinite == range.count) range.minimum = range.maximum = 0;
    return range;
}

static ek_range range_of(const ek_model *model, const char *name) {
    const eki_tensor *tensor = eki_norm_parameter(model, name);
    ek_range range = no_range(tensor == NULL ? 0 : eki_count(tensor));
    for (int64_t i = 0; i < range.count; i++) widen(&range, eki_at(tensor, i));
    return settled(range);
}

/* Where ek_fold looks for folds: at a view of the program that has shapes where they can be had, and in nested graphs
 * and functions. */
typedef struct looking {
    const eki_graph *view;
    eki_chains chains;
    eki_folds *folds;
    eki_uses uses;
} looking;

static ek_status say_fold(ek_inspection *in, const eki_chain *chain, const char *without, ek_norm_seen *seen,
                          ek_error *err) {
    seen->foldable = chain != NULL && chain->kind != EKI_CHAIN_REFUSED;
    seen->fold = chain == NULL ? without : eki_arena_strdup(&in->arena, chain->text);
    return seen->fold == NULL ? eki_fail_nomem(err, sizeof chain->text) : EK_OK;
}

static const char *const by_example = "it takes statistics of each example, which no weight can hold";
static const char *const by_batch = "it takes the statistics of each batch, which no weight can hold";

static ek_status describe_fold(ek_inspection *in, const looking *at, const eki_node *node, ek_norm_seen *seen,
                               ek_error *err) {
    const eki_value *out = eki_graph_find(at->view, seen->norm.output), *made = node->n_out > 0 ? node->out[0] : NULL;
    const eki_value *body = made != NULL ? made->body : NULL;
    const eki_chain *chain = out != NULL && out->producer != NULL ? eki_chain_of(&at->chains, out->producer) : NULL;
    if (body != NULL) chain = eki_folds_chain(at->folds, eki_body_of(in->model->document, body), body->name);
    return say_fold(in, chain, by_example, seen, err);
}

static ek_status describe(ek_inspection *in, const looking *at, size_t i, ek_error *err) {
    const ek_model *model = in->model;
    const eki_node *node = model->norms[i].node;
    ek_norm_seen *seen = &in->norms[i];
    const eki_value *x = node->n_in > 0 ? node->in[0] : NULL;
    seen->norm = model->norms[i].info;
    seen->name = seen->norm.node[0] != '\0' ? seen->norm.node : seen->norm.output;
    seen->feeder = x != NULL && x->producer != NULL ? x->producer->op_type : "input";
    seen->training = seen->norm.kind == EK_NORM_BATCH && eki_bn_trains(model->graph, node);
    seen->place = eki_place_of(model->graph, node);
    seen->scale = range_of(model, seen->norm.scale);
    seen->bias = range_of(model, seen->norm.bias);
    seen->mean = range_of(model, seen->norm.mean);
    seen->variance = range_of(model, seen->norm.variance);
    EKI_TRY(describe_fold(in, at, node, seen, err));
    return eki_find_in_norm(in, i, node, &at->uses, err);
}

static ek_status site_range(ek_inspection *in, const eki_site *site, eki_role role, ek_range *range, ek_error *err) {
    eki_numbers numbers;
    *range = settled(no_range(0));
    if (!site->parameters[role].constant) return EK_OK;
    ek_status status = eki_site_numbers(&in->model->sites, site, role, &numbers, err);
    if (status == EK_ERR_LIMIT) return EK_OK; /* too many to look at */
    EKI_TRY(status);
    *range = no_range(numbers.count);
    for (int64_t i = 0; i < numbers.count; i++) widen(range, numbers.at[i]);
    *range = settled(*range);
    eki_numbers_free(&numbers);
    return EK_OK;
}

/* A norm that stands apart: what its site says. */
static ek_status describe_apart(ek_inspection *in, const looking *at, const eki_norm_apart *norm, ek_norm_seen *seen,
                                ek_error *err) {
    const eki_site *site = norm->site;
    const eki_value *x = site->x;
    while (x->outer != NULL) x = x->outer;
    const eki_node *maker = x->producer;
    seen->norm = norm->info;
    seen->name = norm->info.path;
    seen->feeder = maker != NULL && maker->op_type != NULL ? maker->op_type : "input";
    bool batch = site->kind == EKI_SITE_BATCH, of_batch = !batch && norm->info.kind == EK_NORM_BATCH;
    seen->training = site->training || of_batch;
    seen->place = eki_place_of(site->graph, site->norm != NULL ? site->norm : site->y->producer);
    const eki_chain *chain = batch ? eki_folds_chain(at->folds, site->graph, norm->info.output) : NULL;
    EKI_TRY(say_fold(in, chain,
                     batch      ? "it is written out as several nodes"
                     : of_batch ? by_batch
                                : by_example,
                     seen, err));
    EKI_TRY(site_range(in, site, EKI_SCALE, &seen->scale, err));
    EKI_TRY(site_range(in, site, EKI_BIAS, &seen->bias, err));
    EKI_TRY(site_range(in, site, EKI_MEAN, &seen->mean, err));
    return site_range(in, site, EKI_VARIANCE, &seen->variance, err);
}

/* Worst first; findings of one severity stay in the order of the norms. */
static void sort_findings(ek_inspection *in) {
    for (size_t i = 1; i < in->n_findings; i++) {
        ek_finding item = in->findings[i];
        size_t k = i;
        for (; k > 0 && in->findings[k - 1].severity < item.severity; k--) in->findings[k] = in->findings[k - 1];
        in->findings[k] = item;
    }
}

static ek_status look(const ek_model *model, eki_graph *view, looking *at, ek_error *err) {
    ek_error ignored = {.text = ""};
    /* A model with operators that the engine lacks is examined all the same, with the shapes that the file declares. */
    ek_status seen = eki_graph_sort(view, &ignored);
    if (seen == EK_OK) seen = eki_graph_infer(view, NULL, &ignored);
    if (seen == EK_ERR_NOMEM) return eki_fail(err, seen, "%s", ignored.text);
    eki_literals literals;
    ek_status put = eki_literals_put(view, &literals, err); /* the view is ours alone: they stay */
    eki_literals_free(&literals);
    EKI_TRY(put);
    EKI_TRY(eki_chains_find(view, GLANCE, &at->chains, err));
    EKI_TRY(eki_folds_find(model, GLANCE, &at->folds, err));
    return eki_uses_create(model->graph, &at->uses, err);
}

static ek_status describe_norms(ek_inspection *in, const looking *at, ek_error *err) {
    const ek_model *model = in->model;
    for (size_t i = 0; i < model->n_norms; i++) EKI_TRY(describe(in, at, i, err));
    for (size_t i = 0; i < model->n_apart; i++) {
        EKI_TRY(describe_apart(in, at, &model->apart[i], &in->norms[model->n_norms + i], err));
    }
    return EK_OK;
}

static ek_status describe_all(ek_inspection *in, eki_graph *view, ek_error *err) {
    looking at = {.view = view};
    ek_status status = look(in->model, view, &at, err);
    if (status == EK_OK) status = describe_norms(in, &at, err);
    eki_uses_free(&at.uses);
    eki_folds_free(at.folds);
    eki_chains_free(&at.chains);
    if (status == EK_OK) status = eki_find_in_sites(in, &in->model->sites, err);
    if (status == EK_OK) status = eki_find_in_model(in, err);
    sort_findings(in);
    return status;
}

static const ek_range *range_of_part(const ek_norm_seen *seen, ek_norm_part part) {
    const ek_range *const ranges[EK_PARTS] = {&seen->scale, &seen->bias, &seen->mean, &seen->variance};
    return ranges[part];
}

static ek_status values_apart(const ek_inspection *in, size_t apart, eki_role role, double *values, ek_error *err) {
    eki_numbers numbers;
    EKI_TRY(eki_site_numbers(&in->model->sites, in->model->apart[apart].site, role, &numbers, err));
    memcpy(values, numbers.at, (size_t)numbers.count * sizeof *values);
    eki_numbers_free(&numbers);
    return EK_OK;
}

ek_status ek_inspection_values(const ek_inspection *in, size_t index, ek_norm_part part, double *values, size_t room,
                               ek_error *err) {
    static const eki_role roles[EK_PARTS] = {EKI_SCALE, EKI_BIAS, EKI_MEAN, EKI_VARIANCE};
    EKI_GIVEN(in, err);
    EKI_GIVEN(values, err);
    if (index >= in->n_norms || (unsigned)part >= EK_PARTS)
        return eki_fail(err, EK_ERR_ARG, "norm %zu, part %d: there are %zu norms, and parts 0 to %d", index, (int)part,
                        in->n_norms, EK_PARTS - 1);
    const ek_norm_seen *seen = &in->norms[index];
    int64_t count = range_of_part(seen, part)->count;
    if ((uint64_t)count > room)
        return eki_fail(err, EK_ERR_ARG, "room for %zu values, there are %lld", room, (long long)count);
    if (count == 0) return EK_OK;
    if (index >= in->model->n_norms) return values_apart(in, index - in->model->n_norms, roles[part], values, err);
    const char *const names[EK_PARTS] = {seen->norm.scale, seen->norm.bias, seen->norm.mean, seen->norm.variance};
    const eki_tensor *tensor = eki_norm_parameter(in->model, names[part]);
    for (int64_t i = 0; i < count; i++) values[i] = eki_at(tensor, i);
    return EK_OK;
}

ek_status ek_inspect(const ek_model *model, ek_inspection **out, ek_error *err) {
    EKI_GIVEN(model, err);
    EKI_GIVEN(out, err);
    *out = NULL;
    eki_graph *view;
    ek_inspection *in = eki_calloc(1, sizeof *in);
    if (in == NULL) return eki_fail_nomem(err, sizeof *in);
    in->model = model;
    in->n_norms = model->n_norms + model->n_apart;
    in->norms = eki_calloc(in->n_norms + 1, sizeof *in->norms);
    ek_status status = in->norms == NULL ? eki_fail_nomem(err, in->n_norms * sizeof *in->norms) : EK_OK;
    if (status == EK_OK) status = eki_graph_view(model->document, &view, err);
    if (status == EK_OK) {
        status = describe_all(in, view, err);
        eki_graph_destroy(view);
    }
    if (status != EK_OK) {
        ek_inspection_destroy(in);
        return status;
    }
    *out = in;
    return EK_OK;
}

void ek_inspection_destroy(ek_inspection *in) {
    if (in == NULL) return;
    eki_arena_free(&in->arena);
    free(in->norms);
    free(in->findings);
    free(in);
}

size_t ek_inspection_norm_count(const ek_inspection *in) { return in == NULL ? 0 : in->n_norms; }
const ek_norm_seen *ek_inspection_norm(const ek_inspection *in, size_t index) {
    if (in == NULL) return NULL;
    return index < in->n_norms ? &in->norms[index] : NULL;
}
size_t ek_inspection_finding_count(const ek_inspection *in) { return in == NULL ? 0 : in->n_findings; }
const ek_finding *ek_inspection_finding(const ek_inspection *in, size_t index) {
    if (in == NULL) return NULL;
    return index < in->n_findings ? &in->findings[index] : NULL;
}
