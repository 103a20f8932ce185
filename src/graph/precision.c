/* precision.c: see precision.h. */
#include "graph/precision.h"

#include "dnnl/adapter.h"

ek_status eki_precision(ek_dtype asked, bool *bf16, ek_error *err) {
    *bf16 = asked == EK_BF16;
    if (asked == EK_DTYPE_NONE || asked == EK_F32) return EK_OK;
    if (asked != EK_BF16)
        return eki_fail(err, EK_ERR_ARG, "precision %d is neither EK_F32 (%d) nor EK_BF16 (%d)", (int)asked,
                        (int)EK_F32, (int)EK_BF16);
    if (eki_dnnl_has_bf16()) return EK_OK;
    return eki_fail(err, EK_ERR_UNSUPPORTED,
                    "precision bf16 needs a processor with AVX512_BF16; this one has none that oneDNN %s uses; stay "
                    "with f32",
                    eki_dnnl_describe());
}
