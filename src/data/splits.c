/* splits.c: the names that people give to the parts of a set. */
#include "data/walk.h"

#include <evenkeel/data.h>
#include <string.h>
#include <strings.h>

enum { MOST_NAMES = 6 };

static const char *const names[EK_SPLIT_ALL][MOST_NAMES] = {
    [EK_SPLIT_TRAIN] = {"train", "training"},
    [EK_SPLIT_TEST] = {"test", "testing"},
    [EK_SPLIT_VALIDATION] = {"val", "valid", "validation", "validate", "dev"},
};

int eki_split_of(const char *name, size_t length) {
    for (int split = 0; split < EK_SPLIT_ALL; split++) {
        for (int i = 0; i < MOST_NAMES && names[split][i] != NULL; i++) {
            if (strlen(names[split][i]) == length && strncasecmp(name, names[split][i], length) == 0) return split;
        }
    }
    return -1;
}
