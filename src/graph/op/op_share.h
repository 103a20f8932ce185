/* op_share.h: weight gradients over chunks of which other ranks have the rest. */
#ifndef EKI_OP_SHARE_H
#define EKI_OP_SHARE_H

#include "dnnl/adapter.h"
#include "graph/op.h"

/* Fills `share`, which lives as long as the step, and returns it; NULL when all chunks are here. */
const eki_chunk_share *eki_share_prepare(eki_step *step, eki_chunk_share *share);

/* Before each backward: `units` images or rows are here. Fails where they are not whole chunks of the batch. */
ek_status eki_share_begin(const eki_step *step, eki_chunk_share *share, int64_t units, ek_error *err);

#endif
