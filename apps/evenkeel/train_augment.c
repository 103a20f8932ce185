/* train_augment.c: --crop, --flip, --rotate, --jitter, --erase, --mixup. */
#include "message.h"
#include "train_job.h"

#include <stdlib.h>

/* "S", for all three, or "B,C,S". */
static ek_status read_jitter(const char *text, float jitter[3], ek_error *err) {
    const char *at = text;
    int count = 0;
    for (char *end = NULL; count < 3; at = end + 1) {
        double value = strtod(at, &end);
        if (end == at || !(value >= 0 && value <= 100) || (*end != 0 && *end != ',')) break;
        jitter[count++] = (float)value;
        if (*end == 0 && count == 1) jitter[1] = jitter[2] = jitter[0];
        if (*end == 0 && count != 2) return EK_OK;
        if (*end == 0) break;
    }
    return fail(err, EK_ERR_ARG,
                "--jitter %s: expected one number of 0 or more, such as 0.2, or three for brightness, contrast and "
                "saturation, such as 0.4,0.4,0.2",
                text);
}

ek_status train_augment(const train_job *job, ek_loader_options *o, ek_error *err) {
    const char *jitter = option_text(job->args, "jitter");
    o->crop = (int)option_int(job->args, "crop");
    o->flip = option_flag(job->args, "flip");
    o->rotate = (float)option_real(job->args, "rotate");
    o->erase = (float)option_real(job->args, "erase");
    o->mixup = (float)option_real(job->args, "mixup");
    return jitter != NULL ? read_jitter(jitter, o->jitter, err) : EK_OK;
}
