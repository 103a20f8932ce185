/* parts.c: see parts.h. */
#include "parts.h"

#include "message.h"

#include <stdio.h>

static const struct {
    const char *name, *text;
} parts[] = {
    [EK_SPLIT_TRAIN] = {"training", "training data"},
    [EK_SPLIT_TEST] = {"test", "test"},
    [EK_SPLIT_VALIDATION] = {"validation", "validation"},
    [EK_SPLIT_ALL] = {"all", "the whole set"},
};

const char *part_name(ek_split split) { return parts[split].name; }
const char *part_text(ek_split split) { return parts[split].text; }

void tell_skipped(const char *spec, const ek_skipped *skipped, size_t count) {
    char text[1024] = "";
    size_t used = 0;
    long long total = 0;
    for (size_t i = 0; i < count && used < sizeof text; i++) {
        const char *remedy = skipped[i].remedy;
        int n = snprintf(text + used, sizeof text - used, "%s%lld %s%s%s%s", i > 0 ? ", " : "",
                         (long long)skipped[i].count, skipped[i].kind, remedy != NULL ? " (" : "",
                         remedy != NULL ? remedy : "", remedy != NULL ? ")" : "");
        used += n > 0 ? (size_t)n : 0;
        total += skipped[i].count;
    }
    if (count > 0) note("%s: skipped %lld: %s", spec, total, text);
}
