/* together.h: batch norm synchronized over ranks that sit in one process and take turns: <evenkeel/sync.h> with an
 * exchange that needs no threads, since nothing there blocks. */
#ifndef EKS_TOGETHER_H
#define EKS_TOGETHER_H

#include "study/seam.h"

#include <evenkeel/sync.h>

enum { EKS_TOGETHER = 16 };

/* What eks_normalize() does to the whole batch, with batch statistics and backward, done by `ranks` (at most
 * EKS_TOGETHER) ranks that hold equal parts of it: x, y, dy, dx are of all examples; dscale and dbias those that the
 * last rank was given. */
ek_status eks_normalize_together(const eks_norm *call, int ranks, ek_sync_mode mode, ek_error *err);

#endif
