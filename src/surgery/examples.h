/* examples.h: examples for surgery that measures. They arrive batch by batch, from whoever has them. */
#ifndef EKI_EXAMPLES_H
#define EKI_EXAMPLES_H

#include <evenkeel/session.h>

typedef struct eki_examples {
    void *context;
    /* Back to the first; *total of them will come. */
    ek_status (*start)(void *context, int64_t *total, ek_error *err);
    /* The next batch as the model's input, valid until the next call; *count of its rows are examples, 0 = no more. */
    ek_status (*next)(void *context, ek_array *input, int64_t *count, ek_error *err);
} eki_examples;

#endif
