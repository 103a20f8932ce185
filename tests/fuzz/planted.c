/* planted.c: the sizes of a batch as they were once computed, put back by the linker. */
#include "feed/intake.h"

ek_status __wrap_eki_intake_shape(const eki_intake *in, int64_t rows, eki_shape *shape, size_t *bytes, ek_error *err);

ek_status __wrap_eki_intake_shape(const eki_intake *in, int64_t rows, eki_shape *shape, size_t *bytes, ek_error *err) {
    (void)err;
    *shape = in->shape;
    shape->dims[0] = rows;
    if (bytes != NULL) *bytes = (size_t)rows * (size_t)in->each * sizeof(float);
    return EK_OK;
}
