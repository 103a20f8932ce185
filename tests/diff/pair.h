/* pair.h: two model files in a folder of their own, and what diff says of them. */
#ifndef TEST_DIFF_PAIR_H
#define TEST_DIFF_PAIR_H

#include "rich_document.h"

#include <evenkeel/surgery.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* For cmocka: the folder, with weights.bin for the rich document; and its end. */
int pair_setup(void **state);
int pair_teardown(void **state);

/* A path in the folder; four may be in use. */
const char *pair_path(const char *name);
void pair_write(const char *name, const void *data, size_t size);

/* Writes both as a.onnx and b.onnx and compares. */
ek_status pair_diff(const pb *a, const pb *b, ek_diff **diff, ek_error *err);

/* "kind|place|name|text" of a change. */
const char *pair_line(const ek_diff *diff, size_t index, char line[2048]);

/* The number of changes; fails when the comparison does. */
size_t pair_count(const pb *a, const pb *b);

#endif
