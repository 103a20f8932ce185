/* peer_norm.h: oneDNN's own batch and layer norm, to measure ours against. Nothing computes with it. */
#ifndef EKI_DNNL_PEER_NORM_H
#define EKI_DNNL_PEER_NORM_H

#include "base/error.h"

#include <evenkeel/norm.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum eki_peer_phase { EKI_PEER_TRAINING = 0, EKI_PEER_INFERENCE = 1, EKI_PEER_BACKWARD = 2 } eki_peer_phase;

typedef struct eki_peer_norm_desc {
    bool layer;         /* layer norm of n rows of c elements; else batch norm */
    ek_layout layout;   /* batch norm */
    int64_t n, c, h, w; /* layer norm: h = w = 1 */
    double epsilon;
    eki_peer_phase phase;
    int threads;
} eki_peer_norm_desc;

/* The memory of all calls. INFERENCE of batch norm reads mean and var, TRAINING writes them, BACKWARD reads them.
 * scale to dbias hold whole blocks of channels. */
typedef struct eki_peer_norm_buffers {
    const float *x, *dy, *scale, *bias;
    float *y, *dx, *mean, *var, *dscale, *dbias;
} eki_peer_norm_buffers;

typedef struct eki_peer_norm eki_peer_norm;

/* Everything that can be prepared is: a run is one call of oneDNN. EK_ERR_UNSUPPORTED: oneDNN has no such norm. */
ek_status eki_peer_norm_create(const eki_peer_norm_desc *desc, const eki_peer_norm_buffers *buffers,
                               eki_peer_norm **peer, ek_error *err);
void eki_peer_norm_destroy(eki_peer_norm *peer);
ek_status eki_peer_norm_run(const eki_peer_norm *peer, ek_error *err);
const char *eki_peer_norm_name(const eki_peer_norm *peer); /* oneDNN's name of the implementation */

#endif
