/* classes.c: do a model and a data set mean the same by class 0, 1, ...?
 *
 * Numbers alone cannot tell: a model of cats and dogs measured on a folder of boats and cars has an accuracy too. Names
 * that are only the numbers again ("0", "1", as of IDX files) say nothing and fit anything.
 */
#include "inputs.h"
#include "message.h"

#include <stdio.h>
#include <string.h>

static int is_number(const char *name, int value) {
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    return strcmp(name, text) == 0;
}

enum { ROOM = 1024 };

/* The first class whose names differ, -1 = none, or nothing to compare. */
static int first_difference(const ek_model *model, const ek_dataset_info *data) {
    int different = -1, counted = 1, named = 0;
    char kept[ROOM];
    for (int i = 0; i < data->classes; i++) {
        if (ek_model_class_name(model, i, kept, sizeof kept) == 0) return -1;
        counted = counted && is_number(kept, i);
        named = named || !is_number(data->class_names[i], i);
        if (different < 0 && strcmp(data->class_names[i], kept) != 0) different = i;
    }
    return counted || !named || ek_model_class_name(model, data->classes, kept, sizeof kept) > 0 ? -1 : different;
}

/* Class `*there` of the file is class `*here` of the data by its name, and the numbers differ. */
static int moved(const ek_model *model, const ek_dataset_info *data, int *there, int *here) {
    char kept[ROOM];
    for (*there = 0; *there < data->classes; ++*there) {
        (void)ek_model_class_name(model, *there, kept, sizeof kept);
        for (*here = 0; *here < data->classes; ++*here)
            if (*here != *there && strcmp(data->class_names[*here], kept) == 0) return 1;
    }
    return 0;
}

ek_status classes_fit(const ek_model *model, const ek_dataset *dataset, const char *spec, ek_error *err) {
    ek_dataset_info data = ek_dataset_describe(dataset);
    int at = first_difference(model, &data), there, here;
    if (at < 0) return EK_OK;
    const char *path = ek_model_path(model);
    if (path[0] == 0) path = "the model";
    if (moved(model, &data, &there, &here))
        return fail(err, EK_ERR_SHAPE,
                    "class %d is '%s' in %s, but class %d in %s; the classes must stand in the same order (a folder's "
                    "are sorted by name)",
                    there, data.class_names[here], path, here, spec);
    char kept[ROOM];
    (void)ek_model_class_name(model, at, kept, sizeof kept);
    warn("class %d is '%s' in %s, but '%s' in %s; classes are told apart by their numbers alone", at, kept, path,
         data.class_names[at], spec);
    return EK_OK;
}
