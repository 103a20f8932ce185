/* sync.h: batch norm whose batch is spread over several ranks (processes, machines, threads), over a caller's exchange.
 *
 * Every rank holds some of the examples, perhaps none. Statistics are those of all of them, and so are the gradients:
 * forward exchanges count, mean and sum of squares, backward two sums, each in one message per layer. The messages
 * travel by callbacks of the caller, who may use MPI, NCCL, UCX or sockets; docs/embedding.md shows how. A plan is that
 * of the rank's own examples (dims[0], may be 0); BATCH without virtual batches or renorm.
 *
 *     ek_norm_sync sync = ek_norm_sync_default(&exchange, rank, ranks);
 *     sync.layer = 3, sync.step = step;
 *     ek_status s = ek_norm_sync_forward_start(plan, &sync, state, &args, &err);            // reads x
 *     for (int done = 0; s == EK_OK && !done;) s = ek_norm_sync_test(plan, state, &done, &err);
 *     if (s == EK_OK) s = ek_norm_sync_forward_finish(plan, state, &args, &err);            // writes y, saved
 *     if (s == EK_OK) s = ek_norm_update_running(plan, saved, running_mean, running_var, NULL, &err);
 *
 *     if (s == EK_OK) s = ek_norm_sync_backward_start(plan, &sync, state, &args, &err);     // reads x, dy
 *     for (int done = 0; s == EK_OK && !done;) s = ek_norm_sync_test(plan, state, &done, &err);
 *     if (s == EK_OK) s = ek_norm_sync_backward_finish(plan, state, &args, &err);           // writes dx, dscale, dbias
 *
 * Nothing here blocks, allocates or prints. Between start and finish other layers may run: `args.workspace` is free
 * again, `state` is not. One state serves one exchange after another, a forward and a backward may use different ones.
 *
 * `saved` holds the statistics of the whole batch, so ek_norm_update_running() gives every rank the same running ones.
 * dscale and dbias are the gradients over the whole batch, the same on every rank: do not reduce them again. dx, y, dy,
 * residual are of the rank's own examples. Backward of an inference forward needs no exchange: ek_norm_backward().
 *
 * Two modes:
 *
 *     FAST   a rank sends count, mean and sum of squares per channel. Statistics and sums are within the bound of
 *            docs/numerics.md of those of one process; the bits depend on how the examples are shared out.
 *     EXACT  a rank sends the nodes of the fixed tree (docs/reproducibility.md) that its examples cover, at most
 *            2 log2(chunks) per channel. All results have the bits of ek_norm_forward() and ek_norm_backward() over the
 *            whole batch, for any number of ranks and any shares that are whole chunks (desc.chunk examples, or
 *            ek_norm_sync_chunk()). Ranks hold consecutive examples, in order of rank.
 *
 * Every message says what it is: forward or backward, layer, step, channels, data type, mode, batch. Where ranks
 * disagree, ek_sync_combine() marks the result, and finish returns EK_ERR_DIST on every rank, naming layer, step,
 * the ranks that disagree, and what each had.
 */
#ifndef EVENKEEL_SYNC_H
#define EVENKEEL_SYNC_H

#include <evenkeel/norm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Combines two blocks: `into` becomes the block of both. The two must be of neighbouring ranks or groups of ranks;
 * which of them is the lower makes no difference, and how ranks are grouped changes no bit in EXACT mode. `bytes` is
 * the size of `from`: give what really arrived, also where it is not the size of `into`; a stray size is marked, not
 * read beyond. Both are 8-aligned. Needs no context and no lock, so it can be the body of an MPI operator. Returns 0,
 * or 1 where `into` is now marked: an exchange may go on, since marks pass through and finish reports them. */
EK_API int ek_sync_combine(void *into, const void *from, size_t bytes);
typedef int (*ek_sync_combine_fn)(void *into, const void *from, size_t bytes);

/* The first so many bytes of every block say what it is. Where an exchange cannot see the true size of what arrives, it
 * may combine these alone first, with bytes = EK_SYNC_HEADER_BYTES, and the whole only if nothing was marked. */
enum { EK_SYNC_HEADER_BYTES = 256 };

/* Non-blocking exchange over bytes, supplied by the caller. Every rank starts the same exchanges in the same order.
 *
 * start   begins an all-reduce of `block` by `combine`: when it is done, `block` on every rank holds the combination of
 *         the blocks of all ranks, the same bytes everywhere. `block` stays valid, 64-aligned and untouched until
 *         then. `bytes` is equal on all ranks unless they disagree about the layer. Sets *operation, any non-NULL value
 *         that names the exchange, or fails.
 * test    sets *done to 1 when the exchange is done, else to 0, and returns at once. Fails, with err filled, when a
 * rank is lost or a deadline is over (EK_ERR_DIST). Done or failed, `operation` is over and `block` is not touched
 *         again.
 * cancel  gives an exchange up that is not over. When it returns, `block` is not touched again. */
typedef struct ek_exchange {
    size_t struct_size; /* sizeof(ek_exchange) */
    void *context;
    ek_status (*start)(void *context, void *block, size_t bytes, ek_sync_combine_fn combine, void **operation,
                       ek_error *err);
    ek_status (*test)(void *context, void *operation, int *done, ek_error *err);
    void (*cancel)(void *context, void *operation);
    void *reserved[4];
} ek_exchange;

typedef enum ek_sync_mode { EK_SYNC_FAST = 0, EK_SYNC_EXACT = 1 } ek_sync_mode;

/* What an exchange is about. Start from ek_norm_sync_default(); copied by the call that receives it, `exchange` and
 * `name` by reference. */
typedef struct ek_norm_sync {
    size_t struct_size; /* sizeof(ek_norm_sync), set by ek_norm_sync_default */
    const ek_exchange *exchange;
    ek_sync_mode mode;    /* default FAST */
    int32_t rank, ranks;  /* 0 <= rank < ranks */
    int64_t layer, step;  /* whatever tells layers and steps apart, equal on all ranks; default 0 */
    const char *name;     /* of the layer, for error texts; default NULL */
    int64_t first;        /* EXACT: the rank's examples are first to first + dims[0] - 1 of the whole batch ... */
    int64_t global_count; /* EXACT: ... of so many examples. FAST: both 0 (default) */
    uint64_t reserved[8];
} ek_norm_sync;

/* FAST, layer 0, step 0. */
EK_API ek_norm_sync ek_norm_sync_default(const ek_exchange *exchange, int rank, int ranks);

/* Bytes of `state`, which the caller provides, 64-aligned, for an exchange of this plan; 0 for a plan that cannot be
 * synchronized. EXACT: for a whole batch of global_count examples; FAST ignores it. */
EK_API size_t ek_norm_sync_bytes(const ek_norm_plan *plan, ek_sync_mode mode, int64_t global_count);

/* EXACT: examples of which `first` must be a multiple, and dims[0] too unless they end the whole batch. The same for
 * all plans that differ in dims[0] alone. */
EK_API int64_t ek_norm_sync_chunk(const ek_norm_plan *plan);

/* Begins a forward: reads args->x. EK_ERR_UNSUPPORTED: the plan is not of plain batch norm. EK_ERR_ARG: sync, state or
 * a pointer. EK_ERR_SHAPE: EXACT, and not whole chunks or beyond the batch. Errors of exchange->start are passed on,
 * with layer and step in front. After an error nothing is under way. */
EK_API EK_NODISCARD ek_status ek_norm_sync_forward_start(const ek_norm_plan *plan, const ek_norm_sync *sync,
                                                         void *state, const ek_norm_args *args, ek_error *err);

/* Whether finish may be called. Passes errors of exchange->test on, with layer and step in front; after one the
 * exchange is over. EK_ERR_STATE: nothing was started. */
EK_API EK_NODISCARD ek_status ek_norm_sync_test(const ek_norm_plan *plan, void *state, int *done, ek_error *err);

/* y of the rank's examples, by the statistics of the whole batch: reads args->x, scale, bias (residual); writes y,
 * saved (needed) and, where given, mean and var. EK_ERR_STATE: the exchange is not done (call ek_norm_sync_test until
 * it is), or was not a forward of this plan. EK_ERR_DIST: ranks disagree, some are missing, or examples of the batch
 * are. EK_ERR_SHAPE: one value per channel in the whole batch under EK_SMALL_ERROR or EK_SMALL_USE_RUNNING. Whole batch
 * empty: saved says so, and an update changes nothing. */
EK_API EK_NODISCARD ek_status ek_norm_sync_forward_finish(const ek_norm_plan *plan, void *state,
                                                          const ek_norm_args *args, ek_error *err);

/* Begins the backward of the forward whose `saved` is given: reads args->x, dy, saved, and what an activation needs
 * (norm.h). EK_ERR_STATE: saved is not of a synchronized forward of this plan. */
EK_API EK_NODISCARD ek_status ek_norm_sync_backward_start(const ek_norm_plan *plan, const ek_norm_sync *sync,
                                                          void *state, const ek_norm_args *args, ek_error *err);

/* Reads args->x, dy, scale, saved; writes, each where given, dx and dresidual of the rank's examples, dscale and dbias
 * of the whole batch. Errors as forward_finish. */
EK_API EK_NODISCARD ek_status ek_norm_sync_backward_finish(const ek_norm_plan *plan, void *state,
                                                           const ek_norm_args *args, ek_error *err);

/* Gives up what is under way, if anything: `state` is free again. Accepts a state that no start has seen if it is zero.
 */
EK_API void ek_norm_sync_cancel(const ek_norm_plan *plan, void *state);

#ifdef __cplusplus
}
#endif
#endif
