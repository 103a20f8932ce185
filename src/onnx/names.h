/* names.h: hash table from value names to values, owned by a graph. */
#ifndef EKI_NAMES_H
#define EKI_NAMES_H

#include "onnx/graph.h"

struct eki_name_table;

struct eki_name_table *eki_names_create(void);
void eki_names_destroy(struct eki_name_table *table);
eki_value *eki_names_find(const struct eki_name_table *table, const char *name, size_t size);
bool eki_names_add(struct eki_name_table *table, eki_value *value); /* false = no memory */

#endif
