/* comparison.h: two documents side by side. */
#ifndef EKI_DIFF_COMPARISON_H
#define EKI_DIFF_COMPARISON_H

#include "base/file.h"
#include "diff/changes.h"
#include "onnx/fields.h"

/* One of the two, and the file beside it that was read last. */
typedef struct eki_side {
    const char *path;
    char *folder; /* of the path, with its slash */
    eki_map map;
    char *outside; /* name of the open file; NULL = none */
    eki_open_file reader;
} eki_side;

typedef struct eki_comparison {
    eki_side sides[2];
    ek_diff *diff;
    size_t budget, used; /* bytes of memory for lists of items */
    ek_error *err;
} eki_comparison;

/* EK_ERR_LIMIT where a list of that size is more than files of this size can need. Give it back with eki_uncharge. */
ek_status eki_charge(eki_comparison *c, size_t bytes);
void eki_uncharge(eki_comparison *c, size_t bytes);

#endif
