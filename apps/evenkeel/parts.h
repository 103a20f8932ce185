/* parts.h: which part of the data a number was measured on, and what was left out of it. */
#ifndef EK_TOOL_PARTS_H
#define EK_TOOL_PARTS_H

#include <evenkeel/data.h>

/* "training", "test", "validation" or, of a set without splits, "all": the word of JSON's "evaluated_on". */
const char *part_name(ek_split split);
/* The same for a reader: "the whole set". */
const char *part_text(ek_split split);

/* Says once what was skipped when `spec` was opened, by kind. */
void tell_skipped(const char *spec, const ek_skipped *skipped, size_t count);

#endif
