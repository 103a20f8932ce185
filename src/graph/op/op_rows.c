/* op_rows.c: which operators the engine runs. */
#include "graph/op/op_rows.h"

static const eki_op *const run[EKI_OPS] = {
#define EKI_OP(name, ...)
#define EKI_RUN(name, ...) [EKI_OP_##name] = &eki_op_##name,
#include "ops/ops.def"
};

const eki_op *eki_op_run(eki_opcode code) { return run[code]; }

const eki_op *eki_op_find(eki_opcode code, int64_t opset) {
    const eki_op *op = run[code];
    if (op == NULL) return NULL;
    int64_t since = op->since > 0 ? op->since : eki_op_since(code);
    return opset >= since && (op->until == 0 || opset <= op->until) ? op : NULL;
}
