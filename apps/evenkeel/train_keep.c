/* train_keep.c: a training that somebody interrupted is not replaced by a new one unasked. */
#include "inputs.h"
#include "message.h"
#include "train_job.h"

ek_status train_keep_unfinished(const train_job *job, const char *resume, ek_error *err) {
    const char *path = job->output;
    ek_checkpoint old;
    ek_error none;
    history past;
    if (option_flag(job->args, "dry-run") || option_flag(job->args, "overwrite")) return EK_OK;
    if (resume != NULL && same_file(resume, path)) return EK_OK;
    if (ek_checkpoint_load(path, &old, &none) != EK_OK) return EK_OK; /* nothing that could go on */
    int64_t done = 0, total = 0;
    int unfinished = train_flags_progress(&old.position, &done, &total) && done < total;
    if (history_read(&past, old.position.history, &none) == EK_OK && past.ended) unfinished = 0;
    history_free(&past);
    ek_model_destroy(old.model);
    ek_checkpoint_free(&old);
    if (!unfinished) return EK_OK;
    return fail(err, EK_ERR_ARG,
                "%s is a training that has not ended: %lld of %lld steps are done; --overwrite begins anew in its "
                "place\nTo go on with it: evenkeel train --resume %s",
                path, (long long)done, (long long)total, quoted(path));
}
