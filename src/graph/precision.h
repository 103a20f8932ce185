/* precision.h: the precision that a caller asks for. */
#ifndef EKI_PRECISION_H
#define EKI_PRECISION_H

#include "base/error.h"

#include <stdbool.h>

/* 0 and EK_F32 are f32; EK_BF16 sets *bf16. EK_ERR_ARG: another type; EK_ERR_UNSUPPORTED: the processor lacks it. */
ek_status eki_precision(ek_dtype asked, bool *bf16, ek_error *err);

#endif
