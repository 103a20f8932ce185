/* sole_input.c: images are fed to models that need one input for their logits, whatever else they take in. */
#include "train/trainer.h"

ek_status eki_sole_input(const eki_exec *exec, ek_error *err) {
    size_t inputs = eki_exec_input_count(exec);
    for (size_t i = 1; i < inputs; i++) {
        if (!eki_exec_input_needed(exec, i)) continue;
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "the model has %zu inputs, of which '%s' is needed beside '%s'; images are fed to models that "
                        "need one",
                        inputs, eki_exec_input_value(exec, i)->name, eki_exec_input_value(exec, 0)->name);
    }
    return EK_OK;
}
