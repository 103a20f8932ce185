/* synchronized.c: batch norm over a batch that is spread over ranks, here threads, by an exchange of your own.
 *
 * The exchange is three callbacks over bytes. This one keeps a pointer to every rank's block; the last rank to arrive
 * combines them. With MPI, NCCL or sockets the same three callbacks start, poll and give up a transfer. In exact mode
 * four ranks with 3, 0, 4 and 1 examples give the bits of one process with all eight. */
#include <evenkeel/sync.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANKS = 4, N = 8, C = 3, S = 10, SIZE = N * C * S };

static const int counts[RANKS] = {3, 0, 4, 1};
static float x[SIZE], y[SIZE], dy[SIZE], dx[SIZE], alone_y[SIZE], alone_dx[SIZE];
static float scale[C] = {1, 2, 3}, bias[C], dscale[RANKS + 1][C], dbias[RANKS + 1][C];

static struct { /* the exchange: one at a time */
    pthread_mutex_t lock;
    void *block[RANKS];
    int arrived, round;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static ek_status start(void *context, void *block, size_t bytes, ek_sync_combine_fn combine, void **operation,
                       ek_error *err) {
    int rank = *(int *)context;
    (void)err;
    pthread_mutex_lock(&shared.lock);
    shared.block[rank] = block;
    *operation = (void *)(size_t)(shared.round + 1); /* over when that round has come */
    if (++shared.arrived == RANKS) {
        for (int r = 1; r < RANKS; r++) combine(shared.block[0], shared.block[r], bytes);
        for (int r = 1; r < RANKS; r++) memcpy(shared.block[r], shared.block[0], bytes);
        shared.arrived = 0;
        shared.round++;
    }
    pthread_mutex_unlock(&shared.lock);
    return EK_OK;
}

static ek_status test(void *context, void *operation, int *done, ek_error *err) {
    (void)context, (void)err;
    pthread_mutex_lock(&shared.lock);
    *done = shared.round >= (int)(size_t)operation;
    pthread_mutex_unlock(&shared.lock);
    return EK_OK; /* a real one has a deadline, and fails with EK_ERR_DIST when it is over */
}

static void cancel(void *context, void *operation) { (void)context, (void)operation; }

static ek_norm_plan *plan_of(int count) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 3, desc.dims[0] = count, desc.dims[1] = C, desc.dims[2] = S;
    desc.chunk = 1; /* shares are whole chunks: here any number of examples */
    ek_norm_plan *plan;
    return ek_norm_plan_create(&desc, &plan, NULL) == EK_OK ? plan : NULL;
}

static ek_norm_args args_of(const ek_norm_plan *plan, int first, float *out_y, float *out_dx, int slot) {
    ek_norm_args args = {.struct_size = sizeof args, .scale = scale, .bias = bias};
    args.x = x + first * C * S, args.dy = dy + first * C * S;
    args.y = out_y + first * C * S, args.dx = out_dx + first * C * S;
    args.dscale = dscale[slot], args.dbias = dbias[slot];
    args.saved = malloc(ek_norm_saved_bytes(plan));
    args.workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
    return args;
}

static ek_status wait_for(const ek_norm_plan *plan, void *state, ek_error *err) {
    ek_status status = EK_OK;
    for (int done = 0; status == EK_OK && !done;) status = ek_norm_sync_test(plan, state, &done, err);
    return status; /* instead of polling, run what does not depend on this layer */
}

static void *run_rank(void *argument) {
    int rank = *(int *)argument, first = 0;
    ek_error err = {EK_OK, ""};
    for (int r = 0; r < rank; r++) first += counts[r];
    ek_norm_plan *plan = plan_of(counts[rank]);
    ek_norm_args args = args_of(plan, first, y, dx, rank);
    ek_exchange exchange = {
        .struct_size = sizeof exchange, .context = argument, .start = start, .test = test, .cancel = cancel};
    ek_norm_sync sync = ek_norm_sync_default(&exchange, rank, RANKS);
    sync.mode = EK_SYNC_EXACT, sync.first = first, sync.global_count = N, sync.name = "norm1";
    void *state = aligned_alloc(64, ek_norm_sync_bytes(plan, sync.mode, N));
    int fine = ek_norm_sync_forward_start(plan, &sync, state, &args, &err) == EK_OK &&
               wait_for(plan, state, &err) == EK_OK && ek_norm_sync_forward_finish(plan, state, &args, &err) == EK_OK &&
               ek_norm_sync_backward_start(plan, &sync, state, &args, &err) == EK_OK &&
               wait_for(plan, state, &err) == EK_OK && ek_norm_sync_backward_finish(plan, state, &args, &err) == EK_OK;
    if (!fine) fprintf(stderr, "rank %d: %s\n", rank, err.text);
    free(state), free(args.saved), free(args.workspace);
    ek_norm_plan_destroy(plan);
    return fine ? argument : NULL;
}

int main(void) {
    pthread_t threads[RANKS];
    int ranks[RANKS], same = 1;
    for (int i = 0; i < SIZE; i++) x[i] = (float)((i * 37 + 11) % 101) / 10, dy[i] = (float)((i * 53) % 17) - 8;
    for (int r = 0; r < RANKS; r++) ranks[r] = r, pthread_create(&threads[r], NULL, run_rank, &ranks[r]);
    for (int r = 0; r < RANKS; r++) {
        void *result;
        pthread_join(threads[r], &result);
        same = same && result != NULL;
    }
    ek_norm_plan *plan = plan_of(N); /* one process with the whole batch */
    ek_norm_args args = args_of(plan, 0, alone_y, alone_dx, RANKS);
    same = same && ek_norm_forward(plan, EK_STATS_BATCH, &args, NULL) == EK_OK &&
           ek_norm_backward(plan, &args, NULL) == EK_OK;
    same = same && memcmp(y, alone_y, sizeof y) == 0 && memcmp(dx, alone_dx, sizeof dx) == 0;
    for (int r = 0; r < RANKS; r++) same = same && memcmp(dscale[r], dscale[RANKS], sizeof dscale[r]) == 0;
    printf("%d ranks %s the bits of one process\n", RANKS, same ? "have" : "do NOT have");
    free(args.saved), free(args.workspace);
    ek_norm_plan_destroy(plan);
    return same ? 0 : 1;
}
