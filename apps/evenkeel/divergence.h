/* divergence.h: notices training that has left all sense while its numbers are still finite. */
#ifndef EK_TOOL_DIVERGENCE_H
#define EK_TOOL_DIVERGENCE_H

#include <evenkeel/train.h>

typedef struct divergence {
    double *sizes;      /* root mean square of each tensor of the model before the first step */
    double chance;      /* the loss of guessing */
    double bound;       /* a loss above it makes no sense; 0 = before the first step */
    int64_t since, run; /* the step at which the loss went above the bound, and for how many it has stayed there */
    char grown[200];    /* what had grown most by then; "" = nothing */
} divergence;

/* Before the first step. EK_ERR_NOMEM. */
EK_NODISCARD ek_status divergence_begin(divergence *d, const ek_model *model, int classes, ek_error *err);
/* After each step. EK_ERR_NONFINITE: training has diverged; the text says since when and where. `last`: of all. */
EK_NODISCARD ek_status divergence_check(divergence *d, const ek_trainer *trainer, const ek_model *model,
                                        const ek_step_result *step, int last, ek_error *err);
/* Whether the loss is beyond sense for more than a moment: no model to keep. */
int divergence_suspects(const divergence *d);
/* Names the parameter that has grown most since the start, as ", where ..."; "" where none has. */
const char *divergence_grown(divergence *d, const ek_trainer *trainer, const ek_model *model);
void divergence_end(divergence *d);

#endif
