/* site_numbers.c: the numbers of a site's parameters, and which parameters are one tensor. */
#include "sites/sites.h"

#include <stdlib.h>

static void apply_form(eki_form form, eki_numbers *numbers) {
    for (int64_t i = 0; i < numbers->count; i++) {
        if (form == EKI_AS_NEGATIVE) numbers->at[i] = -numbers->at[i];
        if (form == EKI_AS_RECIPROCAL) numbers->at[i] = 1 / numbers->at[i];
    }
}

/* One node of an AFFINE site onto a x + b. */
static ek_status compose(const eki_sites *sites, const eki_node *node, int64_t channels, double *a, double *b,
                         ek_error *err) {
    eki_numbers k;
    int at = eki_is_constant(&sites->constants, node->in[1], NULL) ? 1 : 0;
    EKI_TRY(eki_constant_numbers(&sites->constants, node->in[at], &k, err));
    for (int64_t c = 0; c < channels && k.count == channels; c++) {
        if (node->op == EKI_OP_Mul || node->op == EKI_OP_Div) {
            double factor = node->op == EKI_OP_Mul ? k.at[c] : 1 / k.at[c];
            a[c] *= factor;
            b[c] *= factor;
        } else {
            b[c] += node->op == EKI_OP_Add ? k.at[c] : -k.at[c];
        }
    }
    bool fits = k.count == channels;
    eki_numbers_free(&k);
    return fits ? EK_OK : eki_fail(err, EK_ERR_FORMAT, "a constant has not one number for each channel");
}

static ek_status affine_numbers(const eki_sites *sites, const eki_site *site, eki_role role, eki_numbers *numbers,
                                ek_error *err) {
    size_t bytes;
    int64_t n = site->channels;
    if (n < 1 || n > sites->constants.most || !eki_mul_size((size_t)n, sizeof(double), &bytes)) {
        return eki_fail(err, EK_ERR_LIMIT, "a site of %lld channels is beyond the budget", (long long)n);
    }
    double *a = eki_alloc(eki_sized(bytes)), *b = eki_calloc((size_t)n, sizeof(double));
    ek_status status = a == NULL || b == NULL ? eki_fail_nomem(err, 2 * bytes) : EK_OK;
    for (int64_t c = 0; status == EK_OK && c < n; c++) a[c] = 1;
    for (int i = 0; status == EK_OK && i < site->n_nodes; i++) status = compose(sites, site->nodes[i], n, a, b, err);
    if (status == EK_OK) {
        *numbers = (eki_numbers){.dtype = EK_F32, .shape = eki_shape_of(1, &n), .count = n};
        numbers->at = role == EKI_SCALE ? a : b;
        free(role == EKI_SCALE ? b : a);
        return EK_OK;
    }
    free(a);
    free(b);
    return status;
}

ek_status eki_site_numbers(const eki_sites *sites, const eki_site *site, eki_role role, eki_numbers *numbers,
                           ek_error *err) {
    const eki_site_parameter *p = &site->parameters[role];
    *numbers = (eki_numbers){0};
    if (site->kind == EKI_SITE_AFFINE && role <= EKI_BIAS) return affine_numbers(sites, site, role, numbers, err);
    if (p->value == NULL) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "norm '%s' has no %s", site->path, eki_role_name(role));
    }
    EKI_TRY(eki_constant_numbers(&sites->constants, p->value, numbers, err));
    apply_form(p->form, numbers);
    if (site->channel_axis >= 0 && !site->per_position) numbers->shape = eki_shape_of(1, &numbers->count);
    return EK_OK;
}

bool eki_site_shares(const eki_sites *sites, const eki_site *of, eki_role of_role, size_t *site, eki_role *role) {
    const eki_value *tensor = of->parameters[of_role].source.value;
    while (tensor != NULL && *site < sites->count) {
        const eki_site *other = &sites->items[*site];
        eki_role at = *role;
        bool last = at + 1 == EKI_ROLES;
        if (other->parameters[at].source.value == tensor && (other != of || at != of_role)) return true;
        *role = last ? EKI_SCALE : (eki_role)(at + 1);
        if (last) (*site)++;
    }
    return false;
}

const char *eki_site_kind_name(eki_site_kind kind) {
    static const char *const names[EKI_SITE_KINDS] = {"none",     "batch",         "layer", "rms",    "group",
                                                      "instance", "mean-variance", "lp",    "affine", "weight"};
    return kind < EKI_SITE_KINDS ? names[kind] : names[0];
}

const char *eki_spelling_name(eki_spelling spelling) {
    static const char *const names[EKI_SPELLINGS] = {
        "none",
        "operator",
        "contrib operator",
        "written out",
        "written out as a factor",
        "instance norm of groups",
        "groups written out",
        "per-channel arithmetic",
    };
    return spelling < EKI_SPELLINGS ? names[spelling] : names[0];
}

const char *eki_role_name(eki_role role) {
    static const char *const names[EKI_ROLES] = {"scale", "bias", "mean", "variance"};
    return role < EKI_ROLES ? names[role] : "parameter";
}
