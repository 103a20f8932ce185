/* spell.h: what the files spell_*.c share: one graph under search, and the parts of a match; within src/sites.
 *
 * A speller looks at one node and what is around it. It fills a trial site, takes the nodes that belong to it, and says
 * whether it is one; the finder keeps it then. Taken nodes may be read by each other only, which eki_site_closed asks.
 */
#ifndef EKI_SPELL_H
#define EKI_SPELL_H

#include "sites/match.h"
#include "sites/moved_shape.h"
#include "sites/sites.h"

typedef struct eki_finder {
    const struct eki_finder *parent; /* of the graph around, or NULL */
    const eki_constants *constants;
    eki_graph *graph;
    eki_uses uses;
    eki_shape *extents; /* by value id */
    bool *taken;        /* by node id: in a site */
} eki_finder;

typedef bool (*eki_speller)(eki_finder *f, eki_node *node, eki_site *site);

/* ---- extents.c: extents that follow from what is known, without inference by the engine ---- */
ek_status eki_extents_find(eki_finder *f, ek_error *err);
const eki_shape *eki_extents(const eki_finder *f, const eki_value *value);

/* ---- known_number.c: a whole number that the graph computes of extents which are known ---- */
bool eki_known_number(const eki_finder *f, const eki_value *value, int64_t *number);

/* ---- spell_parts.c: parts of a match ---- */

/* Takes a node into the site, once; those of constants are left out. False = no room, or in another site. */
bool eki_site_take(eki_finder *f, eki_site *site, eki_node *node);
/* Whether nobody but the site reads what its nodes make, other than y. */
bool eki_site_closed(const eki_finder *f, const eki_site *site);
/* The node that makes the value as its first output, if it is of this operator. */
eki_node *eki_maker(const eki_value *value, eki_opcode op);
/* Its only reader, a node; NULL = several, none, a nested graph, or it is an output. */
eki_node *eki_reader(const eki_finder *f, const eki_value *value);
/* A two-input node that broadcasts as numpy does. */
bool eki_is_binary(const eki_node *node, eki_opcode op);
/* A Cast from and to floating point. */
bool eki_is_float_cast(const eki_node *node);
/* The value before such casts: they are taken. */
eki_value *eki_uncast(eki_finder *f, eki_site *site, eki_value *value);
/* The same, nothing taken. */
eki_value *eki_before_casts(eki_value *value);
bool eki_scalar_is(const eki_finder *f, const eki_value *value, double number);
/* A parameter: a constant, or an initializer that a caller may replace. */
bool eki_is_parameter(const eki_finder *f, const eki_value *value, eki_shape *shape);
void eki_site_parameter_set(const eki_finder *f, eki_site *site, eki_role role, eki_value *value, eki_form form);

/* Along which axes of x a parameter varies, as a set of bits (1 << axis); 0 where it has one element. False: it does
 * not broadcast to x, or the rank of x is not known. */
bool eki_varies(const eki_finder *f, const eki_value *parameter, const eki_shape *x, unsigned *axes);

/* ---- spell_tail.c: scale and bias behind the normalized value ---- */

/* What an affine tail may run along. */
typedef struct eki_tail_rule {
    const eki_shape *x;
    unsigned allowed[3]; /* sets of axes: the first that holds all axes along which scale varies is it; 0 ends */
    int n_allowed;
    int chosen; /* which it became, -1 = no parameter so far */
} eki_tail_rule;

/* Takes Mul or Div, then Add or Sub, with parameters that fit the rule, Casts before them included; moves site->y. */
void eki_site_tail(eki_finder *f, eki_site *site, eki_tail_rule *rule);

/* ---- spell_moment_parts.c ---- */

/* Axes in a reduction: from the front and rising where the rank is known, else from the end. */
typedef struct eki_axes {
    int count, at[EKI_MAX_RANK], rank;
} eki_axes;

/* value = the mean of *of over `axes`, which are kept. */
bool eki_match_mean(eki_finder *f, eki_site *site, eki_value *value, eki_value **of, eki_axes *axes);
/* value = the mean of the squares of *of, as a mean of products or powers or as a sum of squares by one operator. */
bool eki_match_mean_square(eki_finder *f, eki_site *site, eki_value *value, eki_value **of, eki_axes *axes);
/* value = square of *of; *other is what the second factor reads, equal but for casts. */
bool eki_match_square(eki_finder *f, eki_site *site, eki_value *value, eki_value **of);
/* value = 1 / sqrt(*of), or with `root` sqrt(*of). */
bool eki_match_root(eki_finder *f, eki_site *site, eki_value *value, bool inverse, eki_value **of);
/* value = *variance + epsilon, where epsilon may be missing. */
bool eki_match_epsilon(eki_finder *f, eki_site *site, eki_value *value, eki_value **variance);
bool eki_axes_equal(const eki_axes *a, const eki_axes *b);
/* Whether they are the last ones, and which is the first. */
bool eki_axes_last(const eki_axes *axes, int *first);
/* As a set of bits; 0 where the rank is not known. */
unsigned eki_axes_set(const eki_axes *axes);

/* ---- spell_groups.c: Reshape into groups of channels, and back ---- */
bool eki_match_groups(eki_finder *f, eki_node *reshape, int64_t *groups);
bool eki_match_ungroup(eki_finder *f, eki_node *reshape, eki_value *x);
/* Extents of a Reshape whose target is put together from constants and extents of its input. */
bool eki_reshape_extents(const eki_finder *f, const eki_node *reshape, eki_shape *out);
/* A constant of so many elements that are all this number. */
bool eki_all_are(const eki_finder *f, const eki_value *value, int64_t count, double number);
/* Makes it a group norm of site->x; takes scale and bias behind site->y. */
bool eki_groups_kind(eki_finder *f, eki_site *site, int64_t groups, eki_spelling spelling);

/* ---- spell_operator.c ---- */
void eki_epsilon_attribute(const eki_node *node, float fallback, eki_site *site);

/* ---- spell_per_channel.c ---- */
/* Mul, Div, Add or Sub of data and a parameter (input *parameter) that varies along these axes of it. */
bool eki_per_channel(const eki_finder *f, const eki_node *node, int *parameter, unsigned *along);

/* ---- the spellers ---- */
bool eki_spell_operator(eki_finder *f, eki_node *node, eki_site *site);
bool eki_spell_contrib(eki_finder *f, eki_node *node, eki_site *site);
bool eki_spell_reshaped(eki_finder *f, eki_node *node, eki_site *site);
bool eki_spell_weight(eki_finder *f, eki_node *node, eki_site *site);
bool eki_spell_moments(eki_finder *f, eki_node *node, eki_site *site);
bool eki_spell_factor(eki_finder *f, eki_node *node, eki_site *site);
bool eki_spell_per_channel(eki_finder *f, eki_node *node, eki_site *site);
/* Makes a channels-last norm of one that stands between two Transposes. */
void eki_spell_transposed(eki_finder *f, eki_site *site);

/* ---- spell_kinds.c: which norm moments over some axes are ---- */
/* By the axes and by scale and bias, which are taken behind site->y. */
bool eki_moments_kind(eki_finder *f, eki_site *site, bool centred, const eki_axes *axes);
/* The same where `parameter` is known to be scale or bias. */
bool eki_factor_kind(eki_finder *f, eki_site *site, const eki_value *parameter, const eki_axes *axes);

#endif
