/* peer_norm.h: oneDNN's own batch and layer norm, to measure ours against. Nothing computes with it. */
#ifndef EKB_PEER_NORM_H
#define EKB_PEER_NORM_H

#include <evenkeel/norm.h>
#include <evenkeel/status.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum ekb_peer_phase { EKB_PEER_TRAINING = 0, EKB_PEER_INFERENCE = 1, EKB_PEER_BACKWARD = 2 } ekb_peer_phase;

typedef struct ekb_peer_norm_desc {
    bool layer;         /* layer norm of n rows of c elements; else batch norm */
    ek_layout layout;   /* batch norm */
    int64_t n, c, h, w; /* layer norm: h = w = 1 */
    double epsilon;
    ekb_peer_phase phase;
    int threads;
} ekb_peer_norm_desc;

/* The memory of all calls. INFERENCE of batch norm reads mean and var, TRAINING writes them, BACKWARD reads them.
 * scale to dbias hold whole blocks of channels. */
typedef struct ekb_peer_norm_buffers {
    const float *x, *dy, *scale, *bias;
    float *y, *dx, *mean, *var, *dscale, *dbias;
} ekb_peer_norm_buffers;

typedef struct ekb_peer_norm ekb_peer_norm;

/* Everything that can be prepared is: a run is one call of oneDNN. EK_ERR_UNSUPPORTED: oneDNN has no such norm. */
ek_status ekb_peer_norm_create(const ekb_peer_norm_desc *desc, const ekb_peer_norm_buffers *buffers,
                               ekb_peer_norm **peer, ek_error *err);
void ekb_peer_norm_destroy(ekb_peer_norm *peer);
ek_status ekb_peer_norm_run(const ekb_peer_norm *peer, ek_error *err);
const char *ekb_peer_norm_name(const ekb_peer_norm *peer); /* oneDNN's name of the implementation */

#endif
