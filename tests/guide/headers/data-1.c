#include "example.h"
#include <evenkeel/data.h>

static int64_t seen;
static void use(const ek_batch *batch) { seen += batch->count; }

static ek_status example(void) {
#include "data-1.inc"
    return s;
}

int main(void) { return judged(example()) || seen != 600; }
