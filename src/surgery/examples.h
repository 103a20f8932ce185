/* examples.h: examples for surgery that measures. They arrive batch by batch, from whoever has them. */
#ifndef EKI_EXAMPLES_H
#define EKI_EXAMPLES_H

#include <evenkeel/session.h>

/* An input that nobody has is {0}. */
typedef struct eki_inputs {
    const ek_array *arrays;
    size_t count;
} eki_inputs;

typedef struct eki_examples {
    void *context;
    /* Back to the first; *total of them will come. */
    ek_status (*start)(void *context, int64_t *total, ek_error *err);
    /* The next batch as the model's inputs, in their order, valid until the next call; *count of their rows are
     * examples, 0 = no more. */
    ek_status (*next)(void *context, eki_inputs *inputs, int64_t *count, ek_error *err);
} eki_examples;

#endif
