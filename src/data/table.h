/* table.h: a table of examples as it is read: its rows, and the columns that are meant.
 *
 * Numbers are parsed as rows are read; names, paths of images and of masks stay texts, since what they mean is known
 * when the whole table has been seen.
 */
#ifndef EKI_TABLE_H
#define EKI_TABLE_H

#include "data/csv.h"
#include "data/dataset.h"

/* Places of columns in a row, by their usual names; -1 = there is none. */
typedef struct eki_columns {
    int path, label, labels, mask, split;
} eki_columns;

eki_columns eki_columns_find(const eki_csv *csv);

/* Columns that are one array: an input or a target. */
typedef struct eki_block {
    const char *name;
    const char *of; /* "input" or "target", for messages */
    ek_column_use use;
    ek_dtype dtype; /* of `values` */
    int *columns;   /* places in a row */
    size_t count;
    void *values; /* rows x count; NULL = a column of text, whose cells are in `texts` */
    const char **texts;
} eki_block;

typedef struct eki_row {
    const char *path; /* NULL = no images */
    int64_t line;
    int split; /* -1 = the table does not say */
} eki_row;

typedef struct eki_table {
    eki_csv csv;
    eki_arena arena;
    const char **header;
    eki_columns columns;
    eki_row *rows;
    size_t count, room; /* room: more rows than the text can hold */
    eki_block *blocks;  /* targets, then inputs */
    size_t n_blocks, n_targets;
} eki_table;

ek_status eki_table_read(const char *path, const eki_open_args *args, eki_table *table, ek_error *err);
void eki_table_close(eki_table *table);

/* ---- table_columns.c: which columns are meant ---- */
ek_status eki_table_resolve(eki_table *table, const eki_open_args *args, ek_error *err);
/* Whether a request names columns, rather than leaving it to their usual names. */
bool eki_columns_named(const eki_open_args *args);

/* ---- table_numbers.c: cells as numbers ---- */
/* Parses the block's columns of the row read last into row `at` of its values. */
ek_status eki_block_parse(const eki_table *table, const eki_block *block, size_t at, ek_error *err);
/* Whether a cell is 0, 1, true or false; the value in *flag. */
bool eki_is_flag(const char *text, unsigned char *flag);
/* A number from 0 to EKI_MAX_CLASSES - 1; -1 = it is none. */
int64_t eki_class_number(const char *text);

/* ---- table_classes.c: names of classes ---- */
typedef struct eki_classes {
    eki_name_list names; /* sorted; none: the classes are numbers */
    int count;
    char mark; /* what parts several names in a cell */
    eki_arena arena;
} eki_classes;

/* The classes of a target, as the training table has them. */
ek_status eki_classes_find(const eki_table *table, const eki_block *block, eki_classes *classes, ek_error *err);
void eki_classes_free(eki_classes *classes);
/* Class numbers of rows as i32 (one each), or f32 (rows x classes, several). `picked` are rows of the table. */
ek_status eki_classes_one(const eki_table *table, const eki_block *block, const eki_classes *classes,
                          const size_t *picked, size_t count, int32_t *out, ek_error *err);
ek_status eki_classes_several(const eki_table *table, const eki_block *block, const eki_classes *classes,
                              const size_t *picked, size_t count, float *out, ek_error *err);

/* ---- table_paths.c: cells as files ---- */
/* The files of the chosen rows, from the images' column or from a target's cells; each must be there. */
ek_status eki_table_paths(eki_arena *arena, const eki_table *table, const eki_block *block, const size_t *picked,
                          size_t count, eki_name_list *paths, ek_error *err);

/* ---- table_arrays.c: columns of chosen rows, as arrays of the set ---- */
/* `decides` is the training table, which may be the same; `images` are the files of the rows, where there are some. */
ek_status eki_table_fill(ek_dataset *dataset, const eki_open_args *args, eki_table *table, const eki_table *decides,
                         const size_t *picked, const eki_name_list *images, ek_error *err);

#endif
