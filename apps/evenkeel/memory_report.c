/* memory_report.c: see memory_report.h. */
#include "memory_report.h"

#include <sys/resource.h>

static double mib(size_t bytes) { return (double)bytes / (1 << 20); }

int64_t memory_peak(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}

void memory_lines(FILE *file, const ek_memory_report *r) {
    if (r->bytes == 0) return;
    fprintf(file,
            "memory    %.1f MiB between %lld operators: results %.1f, gradients %.1f, saved %.1f, scratch %.1f; "
            "prepared weights %.1f\n",
            mib(r->bytes), (long long)r->steps, mib(r->results), mib(r->gradients), mib(r->saved), mib(r->scratch),
            mib(r->prepared));
    if (r->again == 0) return;
    fprintf(
        file,
        "          of %.1f MiB if all were kept; %lld operators run again in backward, about %.0f %% more time: %s\n",
        mib(r->plain_bytes), (long long)r->again, 100 * (r->time - 1), r->again_text);
}

void memory_json(eki_json *json, const ek_memory_report *r) {
    eki_json_object(json, "memory");
    eki_json_int(json, "bytes", (int64_t)r->bytes);
    eki_json_int(json, "if_all_were_kept", (int64_t)r->plain_bytes);
    eki_json_int(json, "results", (int64_t)r->results);
    eki_json_int(json, "gradients", (int64_t)r->gradients);
    eki_json_int(json, "saved", (int64_t)r->saved);
    eki_json_int(json, "scratch", (int64_t)r->scratch);
    eki_json_int(json, "prepared_weights", (int64_t)r->prepared);
    eki_json_int(json, "operators", r->steps);
    eki_json_int(json, "again", r->again);
    eki_json_text(json, "again_operators", r->again_text);
    eki_json_real(json, "time_expected", r->time);
    eki_json_close(json);
}
