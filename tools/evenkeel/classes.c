/* classes.c: do a model and a data set mean the same by class 0, 1, ...?
 *
 * Numbers alone cannot tell: a model of cats and dogs measured on a folder of boats and cars has an accuracy too. Names
 * that are only the numbers again ("0", "1", as of IDX files) say nothing and fit anything.
 */
#include "inputs.h"
#include "message.h"

#include <stdio.h>
#include <string.h>

static int is_number(const char *name, size_t length, int value) {
    char text[16];
    int n = snprintf(text, sizeof text, "%d", value);
    return (size_t)n == length && memcmp(name, text, length) == 0;
}

/* Line `index` of a text; *length = 0 where there is none. */
static const char *line_of(const char *text, int index, size_t *length) {
    for (; index > 0 && *text; index--) {
        text += strcspn(text, "\n");
        if (*text) text++;
    }
    *length = strcspn(text, "\n");
    return text;
}

static int is_name(const char *name, const char *line, size_t length) {
    return strlen(name) == length && memcmp(name, line, length) == 0;
}

/* The first class whose names differ, -1 = none, or nothing to compare. */
static int first_difference(const char *kept, const ek_dataset_info *data) {
    int different = -1, counted = 1, named = 0;
    for (int i = 0; i < data->classes; i++) {
        size_t length;
        const char *line = line_of(kept, i, &length);
        if (length == 0) return -1;
        counted = counted && is_number(line, length, i);
        named = named || !is_number(data->class_names[i], strlen(data->class_names[i]), i);
        if (different < 0 && !is_name(data->class_names[i], line, length)) different = i;
    }
    size_t more;
    line_of(kept, data->classes, &more);
    return counted || !named || more > 0 ? -1 : different;
}

/* Class `*there` of the file is class `*here` of the data by its name, and the numbers differ. */
static int moved(const char *kept, const ek_dataset_info *data, int *there, int *here) {
    for (*here = 0; *here < data->classes; ++*here) {
        for (*there = 0; *there < data->classes; ++*there) {
            size_t length;
            const char *line = line_of(kept, *there, &length);
            if (*here != *there && is_name(data->class_names[*here], line, length)) return 1;
        }
    }
    return 0;
}

ek_status classes_fit(const ek_model *model, const ek_dataset *dataset, const char *spec, ek_error *err) {
    ek_dataset_info data = ek_dataset_describe(dataset);
    const char *kept = ek_model_metadata(model, "evenkeel.classes");
    int at = kept == NULL ? -1 : first_difference(kept, &data);
    if (at < 0) return EK_OK;
    size_t length;
    const char *line = line_of(kept, at, &length), *path = ek_model_path(model);
    if (path[0] == 0) path = "the model";
    int there, here;
    if (moved(kept, &data, &there, &here))
        return fail(err, EK_ERR_SHAPE,
                    "class %d is '%s' in %s, but class %d in %s; the classes must stand in the same order (a folder's "
                    "are sorted by name)",
                    there, data.class_names[here], path, here, spec);
    warn("class %d is '%.*s' in %s, but '%s' in %s; classes are told apart by their numbers alone", at, (int)length,
         line, path, data.class_names[at], spec);
    return EK_OK;
}
