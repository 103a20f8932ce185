/* operators.c: the operators that the engine runs, for listings. */
#include "graph/op.h"
#include "model/model.h"

size_t ek_operator_count(void) {
    size_t count = 0;
    for (int code = 0; code < EKI_OPS; code++) count += eki_op_run((eki_opcode)code) != NULL;
    return count;
}

ek_operator ek_operator_get(size_t index) {
    for (int code = 0; code < EKI_OPS; code++) {
        const eki_op *op = eki_op_run((eki_opcode)code);
        if (op == NULL || index-- > 0) continue;
        return (ek_operator){op->name, op->since > 0 ? op->since : eki_op_since((eki_opcode)code), op->until};
    }
    return (ek_operator){0};
}
