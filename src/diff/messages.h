/* messages.h: two messages of one type, field by field. */
#ifndef EKI_DIFF_MESSAGES_H
#define EKI_DIFF_MESSAGES_H

#include "diff/spot.h"

/* Tells every difference. Fields that have a rule (rules.c) go by it, all others as their type says, those that the
 * schema does not know by their bytes: nothing is left out. */
ek_status eki_compare_messages(eki_comparison *c, const eki_message *type, eki_bytes a, eki_bytes b,
                               const eki_spot *at);

/* One member of both, without a rule. */
ek_status eki_compare_member(eki_comparison *c, const eki_member *member, eki_bytes a, eki_bytes b, const eki_spot *at);
ek_status eki_compare_unknown(eki_comparison *c, const eki_message *type, eki_bytes a, eki_bytes b, const eki_spot *at);

/* ---- rules.c ---- */

/* Compares a member that has a rule; *done = false where it has none. */
ek_status eki_compare_by_rule(eki_comparison *c, const eki_message *type, const eki_member *member, eki_bytes a,
                              eki_bytes b, const eki_spot *at, bool *done);

/* ---- keyed.c ---- */

typedef struct eki_rule eki_rule;
ek_status eki_compare_keyed(eki_comparison *c, const eki_rule *rule, const eki_member *member, eki_bytes a, eki_bytes b,
                            const eki_spot *at);

/* ---- tensors.c, attributes.c: whole messages ---- */

ek_status eki_compare_tensors(eki_comparison *c, const eki_message *type, eki_bytes a, eki_bytes b, const eki_spot *at);
ek_status eki_compare_attributes(eki_comparison *c, const eki_message *type, eki_bytes a, eki_bytes b,
                                 const eki_spot *at);

#endif
