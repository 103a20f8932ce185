/* unary_math.c: Log, Erf, Floor, Ceil, Round (half to even), Sign. ONNX opsets 1 to 23, f32.
 *
 * The last four are steps: their gradient is zero, so that none is asked for.
 */
#include "base/exp.h"
#include "graph/op/op_unary.h"

#include <math.h>

static inline float log_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return logf(x);
}
static inline float log_d(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return 1.0f / x;
}
EKI_UNARY(Log, log_f, log_d, x, false, 0.0f, 0.0f)

static inline float erf_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return erff(x);
}
static inline float erf_d(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return 1.12837917f * eki_exp(-x * x); /* 2 / sqrt(pi) */
}
EKI_UNARY(Erf, erf_f, erf_d, x, true, 0.0f, 0.0f)

static inline float floor_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return floorf(x);
}
EKI_UNARY_FLAT(Floor, floor_f, none, true, 0.0f, 0.0f)

static inline float ceil_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return ceilf(x);
}
EKI_UNARY_FLAT(Ceil, ceil_f, none, true, 0.0f, 0.0f)

static inline float round_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return rintf(x);
}
EKI_UNARY_FLAT(Round, round_f, none, true, 0.0f, 0.0f)

static inline float sign_f(float x, const eki_unary_job *j) {
    EKI_UNUSED;
    return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x;
}
EKI_UNARY_FLAT(Sign, sign_f, none, true, 0.0f, 0.0f)
