/* ops.c: the table of operators, made from ops.def, and the look-up in it.
 *
 * The look-up is linear: it runs once per node when shapes are inferred, over a few dozen rows.
 */
#include "graph/op/ops.h"

#include <string.h>

static const eki_op table[] = {
#define EKI_OP(key, name, domain, since, until, diff_inputs, stateful, infer, prepare, forward, backward, commit,      \
               release)                                                                                                \
    {name, domain, since, until, diff_inputs, stateful, infer, prepare, forward, backward, commit, release},
#include "graph/op/ops.def"
#undef EKI_OP
};

const eki_op *eki_op_table(size_t *count) {
    *count = sizeof table / sizeof table[0];
    return table;
}

const eki_op *eki_op_find(const char *op_type, const char *domain, int64_t opset) {
    if (strcmp(domain, "ai.onnx") == 0) domain = "";
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const eki_op *op = &table[i];
        if (strcmp(op->name, op_type) != 0 || strcmp(op->domain, domain) != 0) continue;
        if (opset >= op->since && (op->until == 0 || opset <= op->until)) return op;
    }
    return NULL;
}
