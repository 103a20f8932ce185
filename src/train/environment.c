/* environment.c: what alone may change bits: version, threads, instruction set, oneDNN. */
#include "train/trainer.h"

#include "base/threads.h"
#include "dnnl/adapter.h"

#include <evenkeel/cpu.h>
#include <evenkeel/version.h>
#include <stdio.h>

void ek_environment(int threads, char text[256]) {
    if (text == NULL) return;
    (void)snprintf(text, 256, "evenkeel=%s\nthreads=%d\nisa=%s\nonednn=%.120s\n", EK_VERSION_STRING,
                   threads > 0 ? threads : eki_threads_get(), ek_cpu_isa(), eki_dnnl_describe());
}
