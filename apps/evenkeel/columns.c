/* columns.c: see columns.h. What ends in .npy is a file, and, without --data, everything is.
 *
 * What target columns hold depends on the loss that they are for: a class, several labels, or numbers.
 */
#include "columns.h"

#include "message.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *split_name(const char *text, char name[ARRAY_NAME]) {
    const char *equals = strchr(text, '=');
    name[0] = 0;
    if (equals == NULL || (size_t)(equals - text) > ARRAY_NAME - 1 || access(text, F_OK) == 0) return text;
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = 0;
    return equals + 1;
}

int is_column(const arguments *args, const char *text) {
    size_t length = strlen(text);
    int file = length >= 4 && strcmp(text + length - 4, ".npy") == 0;
    return !file && option_text(args, "data") != NULL;
}

/* The kind of the loss of an output: the one that names it, or the only one; NULL = none was given. */
static const char *loss_of(const arguments *args, const char *output) {
    const option_value *losses = option_get(args, "loss");
    const char *found = NULL;
    for (int i = 0; i < losses->count; i++) {
        char name[ARRAY_NAME];
        const char *kind = split_name(losses->texts[i], name);
        if (strcmp(name, output) == 0 || losses->count == 1) found = kind;
    }
    return found;
}

static ek_column_use use_of(const char *loss, int named) {
    if (loss == NULL) return named ? EK_COLUMN_CLASS : EK_COLUMN_LABEL;
    if (strcmp(loss, "cross-entropy") == 0) return EK_COLUMN_CLASS;
    return strcmp(loss, "bce") == 0 ? EK_COLUMN_LABELS : EK_COLUMN_NUMBERS;
}

static ek_column_array *add(table_columns *c, const char *name, ek_error *err) {
    if (c->count == MAX_ARRAYS) {
        fail(err, EK_ERR_LIMIT, "there are more than %d arrays; a run takes no more", MAX_ARRAYS);
        return NULL;
    }
    memmove(c->names[c->count], name, strlen(name) + 1);
    c->arrays[c->count] = (ek_column_array){.name = c->names[c->count]};
    return &c->arrays[c->count++];
}

static int is_whole(ek_dtype dtype) { return dtype == EK_I64 || dtype == EK_I32; }

static ek_status add_input(table_columns *c, const ek_model *model, const char *text, ek_error *err) {
    char name[ARRAY_NAME];
    const char *list = split_name(text, name), *first = ek_model_input(model, 0).name;
    if (name[0] == 0) snprintf(name, sizeof name, "%s", first);
    c->only |= strcmp(name, first) == 0;
    ek_column_array *array = add(c, name, err);
    if (array == NULL) return err->status;
    array->columns = list;
    for (size_t i = 0; i < ek_model_input_count(model); i++)
        if (strcmp(ek_model_input(model, i).name, name) == 0 && is_whole(ek_model_input(model, i).dtype))
            array->dtype = EK_I64;
    return EK_OK;
}

static ek_status add_target(table_columns *c, const arguments *args, const char *text, ek_error *err) {
    char name[ARRAY_NAME];
    const char *list = split_name(text, name), *loss = loss_of(args, name);
    ek_column_array *array = add(c, name[0] != 0 ? name : "target", err);
    if (array == NULL) return err->status;
    array->columns = list;
    array->use = use_of(loss, 1);
    return EK_OK;
}

static int counts(const arguments *args, const char *name, int columns) {
    const option_value *v = option_get(args, name);
    int found = 0;
    for (int i = 0; i < v->count; i++) found += is_column(args, v->texts[i]) == columns;
    return found;
}

ek_status columns_read(table_columns *c, const arguments *args, const ek_model *model, ek_error *err) {
    *c = (table_columns){.count = 0};
    if (!option_known(args, "target")) return EK_OK;
    const option_value *inputs = option_get(args, "input"), *targets = option_get(args, "target");
    int named = counts(args, "input", 1);
    ek_status status = EK_OK;
    if (named > 0 && model == NULL)
        return fail(err, EK_ERR_ARG,
                    "--input needs a model file, whose inputs have names and sizes\n"
                    "Example: evenkeel train m.onnx --data t.csv --input a,b --target y --loss mse -o n.onnx");
    if (named > 0 && counts(args, "target", 0) > 0)
        return fail(err, EK_ERR_ARG,
                    "--input gives columns of a table, and --target an array; give both as columns, or "
                    "both as arrays");
    for (int i = 0; i < inputs->count && status == EK_OK; i++)
        if (is_column(args, inputs->texts[i])) status = add_input(c, model, inputs->texts[i], err);
    for (int i = 0; i < targets->count && status == EK_OK; i++)
        if (is_column(args, targets->texts[i])) status = add_target(c, args, targets->texts[i], err);
    const char *loss = loss_of(args, "");
    if (status != EK_OK || targets->count > 0 || loss == NULL) return status;
    ek_column_array *array = add(c, "target", err);
    if (array != NULL) array->use = use_of(loss, 0);
    return array != NULL ? EK_OK : err->status;
}
