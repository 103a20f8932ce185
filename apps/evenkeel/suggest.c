/* suggest.c: "did you mean".
 *
 * Damerau-Levenshtein distance in its restricted form (insert, delete, replace, swap neighbours), three rows of the
 * table. The one candidate that the word is the beginning of comes first (resnet: resnet20); else one counts as near
 * within a third of the word's length, at least 1 and at most 3.
 */
#include "command.h"

#include <string.h>

enum { LONGEST = 63 };

static size_t smallest(size_t a, size_t b, size_t c) {
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

static size_t edit_distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST) return LONGEST;
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= m; j++) last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            now[j] = smallest(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[m];
}

/* What other programs call it. */
static const char *const synonyms[][2] = {
    {"fit", "train"},          {"finetune", "train"},      {"fine-tune", "train"},  {"test", "eval"},
    {"evaluate", "eval"},      {"validate", "eval"},       {"score", "eval"},       {"benchmark", "bench"},
    {"infer", "run"},          {"inference", "run"},       {"info", "inspect"},     {"summary", "inspect"},
    {"show", "inspect"},       {"check", "inspect"},       {"fuse", "fold"},        {"optimize", "fold"},
    {"simplify", "fold"},      {"quantize", "convert"},    {"export", "convert"},   {"compare", "diff"},
    {"list", "models"},        {"learning-rate", "lr"},    {"batch-size", "batch"}, {"wd", "weight-decay"},
    {"workers", "threads"},    {"num-workers", "threads"}, {"jobs", "threads"},     {"iterations", "steps"},
    {"dataset", "data"},       {"input-size", "size"},     {"image-size", "size"},  {"imgsz", "size"},
    {"pretrained", "model"},   {"save", "output"},         {"continue", "resume"},  {"force", "overwrite"},
    {"scheduler", "schedule"},
};

static const char *synonym(const char *word, const char *const *candidates, size_t count) {
    for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms; i++)
        for (size_t k = 0; k < count && strcmp(word, synonyms[i][0]) == 0; k++)
            if (strcmp(candidates[k], synonyms[i][1]) == 0) return candidates[k];
    return NULL;
}

const char *suggest(const char *word, const char *const *candidates, size_t count) {
    const char *known = synonym(word, candidates, count);
    if (known != NULL) return known;
    size_t length = strlen(word), limit = length / 3;
    if (limit < 1) limit = 1;
    if (limit > 3) limit = 3;
    const char *best = NULL, *prefix = NULL;
    size_t nearest = limit + 1, prefixes = 0;
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(word, candidates[i]);
        if (distance < nearest) {
            nearest = distance;
            best = candidates[i];
        }
        if (length >= 2 && strncmp(word, candidates[i], length) == 0) {
            prefix = candidates[i];
            prefixes++;
        }
    }
    return prefixes == 1 ? prefix : best;
}
