/* spell_tail.c: scale and bias that follow a normalized value as Mul and Add (or Div and Sub), with the Cast of a norm
 * that is computed in float32 within a half-precision file.
 */
#include "sites/spell.h"

/* The set of the rule that a parameter fits: the one chosen before, else the first that does. A parameter of one
 * element fits none: it scales by a number, and is somebody else's. */
static bool fits(const eki_finder *f, eki_tail_rule *rule, const eki_value *parameter) {
    unsigned axes;
    if (!eki_varies(f, parameter, rule->x, &axes) || axes == 0) return false;
    for (int i = 0; i < rule->n_allowed; i++) {
        if ((rule->chosen >= 0 && i != rule->chosen) || (axes & ~rule->allowed[i]) != 0) continue;
        rule->chosen = i;
        return true;
    }
    return false;
}

/* Tries `node` as the step that applies `role` to `value`. */
static bool apply(eki_finder *f, eki_site *site, eki_tail_rule *rule, eki_node *node, eki_value *value, eki_role role) {
    eki_opcode direct = role == EKI_SCALE ? EKI_OP_Mul : EKI_OP_Add,
               inverse = role == EKI_SCALE ? EKI_OP_Div : EKI_OP_Sub;
    bool plain = eki_is_binary(node, direct), inverted = eki_is_binary(node, inverse) && node->in[0] == value;
    if (!plain && !inverted) return false;
    eki_value *parameter = node->in[0] == value ? node->in[1] : node->in[0];
    if (parameter == value || !fits(f, rule, parameter) || !eki_site_take(f, site, node)) return false;
    eki_site_parameter_set(f, site, role, parameter,
                           plain               ? EKI_AS_IS
                           : role == EKI_SCALE ? EKI_AS_RECIPROCAL
                                               : EKI_AS_NEGATIVE);
    site->y = node->out[0];
    return true;
}

/* The reader of a value behind Casts between floating types; *last is what it reads. */
static eki_node *behind_casts(const eki_finder *f, eki_value *value, eki_value **last, int *casts, eki_node *taken[4]) {
    *casts = 0;
    for (;;) {
        eki_node *node = eki_reader(f, value);
        *last = value;
        if (node == NULL || *casts == 4 || !eki_is_float_cast(node)) return node;
        taken[(*casts)++] = node;
        value = node->out[0];
    }
}

static void step(eki_finder *f, eki_site *site, eki_tail_rule *rule, eki_role role) {
    eki_node *casts[4];
    eki_value *value;
    int n_casts;
    eki_node *node = behind_casts(f, site->y, &value, &n_casts, casts);
    if (node == NULL) return;
    eki_site before = *site;
    for (int i = 0; i < n_casts; i++) {
        if (!eki_site_take(f, site, casts[i])) {
            *site = before;
            return;
        }
    }
    if (!apply(f, site, rule, node, value, role)) *site = before;
}

void eki_site_tail(eki_finder *f, eki_site *site, eki_tail_rule *rule) {
    rule->chosen = -1;
    step(f, site, rule, EKI_SCALE);
    step(f, site, rule, EKI_BIAS);
}
