/* parts.h: batch norm of a batch that arrives in parts, with the statistics and the bits of the whole.
 *
 * Gradient accumulation over micro-batches usually gives every micro-batch its own statistics. Here they share those of
 * the whole batch: one round over the parts collects moments, a second normalizes; in backward one round collects
 * gradient sums, a second makes dx. The plan is that of the whole batch. Its workspace serves one part at a time.
 *
 *     ek_status s = ek_norm_parts_begin(plan, parts, &err);
 *     for (int i = 0; s == EK_OK && i < n; i++) // reads x
 *         s = ek_norm_parts_add(plan, parts, first[i], count[i], &part[i], &err);
 *     if (s == EK_OK) s = ek_norm_parts_finish(plan, parts, &args, &err); // writes saved
 *     for (int i = 0; s == EK_OK && i < n; i++) // x -> y
 *         s = ek_norm_parts_forward(plan, parts, count[i], &part[i], &err);
 *     if (s == EK_OK) s = ek_norm_update_running(plan, saved, running_mean, running_var, NULL, &err);
 *     for (int i = 0; s == EK_OK && i < n; i++) // reads x, dy
 *         s = ek_norm_parts_add_gradients(plan, parts, first[i], count[i], &part[i], &err);
 *     if (s == EK_OK) s = ek_norm_parts_finish_gradients(plan, parts, &args, &err); // writes dscale, dbias
 *     for (int i = 0; s == EK_OK && i < n; i++) // x, dy -> dx
 *         s = ek_norm_parts_backward(plan, parts, count[i], &part[i], &err);
 *
 * computes, bit for bit, what this does with the parts joined:
 *
 *     ek_status s = ek_norm_forward(plan, EK_STATS_BATCH, &args, &err);
 *     if (s == EK_OK) s = ek_norm_update_running(plan, saved, running_mean, running_var, NULL, &err);
 *     if (s == EK_OK) s = ek_norm_backward(plan, &args, &err);
 *
 * A part is `count` examples from example `first` of the whole batch; x, y, dy, dx of its calls point at the part.
 * Parts come in any order, each once per round, and begin at multiples of ek_norm_parts_chunk(): sums are added in
 * chunks of so many examples. desc.chunk sets it: give it the size of the micro-batch. BATCH without virtual batches
 * or renorm. What a residual, an activation or a mask needs besides (norm.h) is given with the part: lengths and mask
 * begin at its first example, and are those of the same examples in every round.
 */
#ifndef EVENKEEL_PARTS_H
#define EVENKEEL_PARTS_H

#include <evenkeel/norm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of `parts`, which the caller provides, 64-aligned, and keeps from begin to the last backward; 0 for a plan that
 * cannot be run in parts. */
EK_API size_t ek_norm_parts_bytes(const ek_norm_plan *plan);

/* Examples of which `first` must be a multiple, and `count` too unless the part ends the batch. */
EK_API int64_t ek_norm_parts_chunk(const ek_norm_plan *plan);

/* Forgets everything. EK_ERR_UNSUPPORTED: the plan is not of such a batch norm. */
EK_API EK_NODISCARD ek_status ek_norm_parts_begin(const ek_norm_plan *plan, void *parts, ek_error *err);

/* Moments of one part: reads args->x. EK_ERR_SHAPE: not whole chunks, or beyond the batch. EK_ERR_STATE: a part that
 * was there before. */
EK_API EK_NODISCARD ek_status ek_norm_parts_add(const ek_norm_plan *plan, void *parts, int64_t first, int64_t count,
                                                const ek_norm_args *args, ek_error *err);

/* Statistics of the whole batch: writes args->saved and, where given, args->mean and args->var. EK_ERR_STATE names the
 * examples that are missing. EK_ERR_SHAPE: one value per channel under EK_SMALL_ERROR or EK_SMALL_USE_RUNNING. */
EK_API EK_NODISCARD ek_status ek_norm_parts_finish(const ek_norm_plan *plan, void *parts, const ek_norm_args *args,
                                                   ek_error *err);

/* y of one part: reads args->x, scale, bias, saved. */
EK_API EK_NODISCARD ek_status ek_norm_parts_forward(const ek_norm_plan *plan, const void *parts, int64_t count,
                                                    const ek_norm_args *args, ek_error *err);

/* Gradient sums of one part: reads args->x, dy, saved. The first call of a round forgets the round before. */
EK_API EK_NODISCARD ek_status ek_norm_parts_add_gradients(const ek_norm_plan *plan, void *parts, int64_t first,
                                                          int64_t count, const ek_norm_args *args, ek_error *err);

/* Gradients of the parameters over the whole batch: reads args->scale, saved; writes dscale and dbias where given.
 * EK_ERR_STATE: the mask of this round left another number of positions than that of the first. */
EK_API EK_NODISCARD ek_status ek_norm_parts_finish_gradients(const ek_norm_plan *plan, void *parts,
                                                             const ek_norm_args *args, ek_error *err);

/* dx of one part: reads args->x, dy, saved. */
EK_API EK_NODISCARD ek_status ek_norm_parts_backward(const ek_norm_plan *plan, const void *parts, int64_t count,
                                                     const ek_norm_args *args, ek_error *err);

#ifdef __cplusplus
}
#endif
#endif
