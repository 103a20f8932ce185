/* allocator.c: memory from the host program, through the allocator seam.
 *
 * Evenkeel allocates only when a plan is made, and only through desc.allocator. This one hands out pieces of one
 * fixed buffer, as a program without a heap would do, and the plan works or fails with EK_ERR_NOMEM: never halfway. */
#include <evenkeel/norm.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    _Alignas(64) unsigned char bytes[16 * 1024];
    size_t limit, used;
    int living;
} pool;

static void *pool_alloc(void *context, size_t bytes) {
    pool *p = context;
    size_t rounded = (bytes + 63) / 64 * 64; /* the seam promises 64-byte alignment */
    if (rounded < bytes || rounded > p->limit - p->used) return NULL;
    void *piece = p->bytes + p->used;
    p->used += rounded;
    p->living++;
    return piece;
}

static void pool_release(void *context, void *pointer) {
    pool *p = context;
    if (pointer != NULL && --p->living == 0) p->used = 0; /* all returned: begin anew */
}

int main(void) {
    static pool memory;
    static _Alignas(64) unsigned char workspace[64 * 1024];
    float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8];
    ek_error err;
    ek_norm_plan *plan;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_RMS);
    desc.rank = 2, desc.dims[0] = 2, desc.dims[1] = 4;
    desc.allocator = (ek_allocator){.context = &memory, .alloc = pool_alloc, .release = pool_release};

    ek_status status = ek_norm_plan_create(&desc, &plan, &err); /* limit 0: there is no memory */
    printf("no memory: %s, %s\n", ek_status_name(status), err.text);
    if (status != EK_ERR_NOMEM || plan != NULL || memory.living != 0) return 1;

    memory.limit = sizeof memory.bytes;
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) return fputs(err.text, stderr), 1;
    printf("a plan takes %zu bytes in %d pieces, and %zu bytes of workspace\n", memory.used, memory.living,
           ek_norm_workspace_bytes(plan));
    if (ek_norm_workspace_bytes(plan) > sizeof workspace) return 1;
    ek_norm_args args = {.struct_size = sizeof args, .x = x, .y = y, .workspace = workspace};
    status = ek_norm_forward(plan, EK_STATS_BATCH, &args, &err);
    ek_norm_plan_destroy(plan);
    printf("y = %.4f %.4f %.4f %.4f ...\n", (double)y[0], (double)y[1], (double)y[2], (double)y[3]);
    return status != EK_OK || memory.living != 0;
}
