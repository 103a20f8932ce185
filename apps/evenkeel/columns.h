/* columns.h: --input and --target as columns of a table, beside those that are files. */
#ifndef EK_TOOL_COLUMNS_H
#define EK_TOOL_COLUMNS_H

#include "command.h"

#include <evenkeel/data.h>
#include <evenkeel/model.h>

enum { MAX_ARRAYS = 32, ARRAY_NAME = 256 };

typedef struct table_columns {
    ek_column_array arrays[MAX_ARRAYS];
    char names[MAX_ARRAYS][ARRAY_NAME];
    size_t count;
    int only; /* columns are the inputs, and no images */
} table_columns;

/* NAME of "NAME=rest", where there is one, into `name`; the rest. */
const char *split_name(const char *text, char name[ARRAY_NAME]);
/* Whether a value of --input or --target means columns of --data, and not a file. */
int is_column(const arguments *args, const char *text);
/* What --input, --target and --loss ask of a table; the model may be NULL. */
EK_NODISCARD ek_status columns_read(table_columns *c, const arguments *args, const ek_model *model, ek_error *err);

#endif
