/* halves.c: buffers of 16-bit elements. */
#include "norm/halves.h"

#include "base/memory.h"
#include "norm/norm_plan.h"
#include "support/half_ref.h"
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static uint16_t *elements(size_t n) { return eki_alloc(eki_size_of(n + 1, sizeof(uint16_t))); }
static float *floats(size_t n) { return eki_alloc(eki_size_of(n + 1, sizeof(float))); }

/* The values, rounded, and in `a` what they are then. */
static uint16_t *rounded(const halves *h, float *a, size_t n) {
    uint16_t *to = elements(n);
    for (size_t i = 0; i < n; i++) {
        to[i] = eki_ref_narrow(h->data, a[i]);
        a[i] = eki_ref_widen(h->data, to[i]);
    }
    return to;
}

halves *halves_make(fixture *f, ek_dtype dtype) {
    halves *h = calloc(1, sizeof *h);
    ek_norm_desc desc = f->desc;
    desc.dtype = dtype;
    h->data = eki_data_of(dtype);
    ek_error err;
    if (ek_norm_plan_create(&desc, &h->plan, &err) != EK_OK) fail_msg("%s", err.text);
    h->x = rounded(h, f->x, f->buffer);
    h->dy = rounded(h, f->dy, f->buffer);
    h->residual = rounded(h, f->residual, f->buffer);
    h->y = elements(f->buffer);
    h->dx = elements(f->buffer);
    h->dresidual = elements(f->buffer);
    h->dscale = floats(f->parameters);
    h->dbias = floats(f->parameters);
    h->mean = floats(f->sets);
    h->var = floats(f->sets);
    h->args = f->args;
    h->args.x = h->x;
    h->args.y = h->y;
    h->args.dy = h->dy;
    h->args.dx = h->dx;
    if (f->args.residual != NULL) h->args.residual = h->residual;
    if (f->args.dresidual != NULL) h->args.dresidual = h->dresidual;
    h->args.dscale = h->dscale;
    h->args.dbias = h->dbias;
    h->args.mean = h->mean;
    h->args.var = h->var;
    h->args.saved = eki_alloc(eki_sized(ek_norm_saved_bytes(h->plan)));
    h->args.workspace = eki_alloc(eki_sized(ek_norm_workspace_bytes(h->plan)));
    return h;
}

void halves_free(halves *h) {
    void *all[] = {h->x,      h->y,     h->dy,   h->dx,  h->residual,   h->dresidual,
                   h->dscale, h->dbias, h->mean, h->var, h->args.saved, h->args.workspace};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) eki_free(all[i]);
    ek_norm_plan_destroy(h->plan);
    free(h);
}

void halves_forward(const fixture *f, halves *h, ek_norm_stats stats) {
    ek_error err;
    memset(h->y, 0x55, f->buffer * sizeof(uint16_t));
    memset(h->args.workspace, 0xff, ek_norm_workspace_bytes(h->plan));
    if (ek_norm_forward(h->plan, stats, &h->args, &err) != EK_OK) fail_msg("%s", err.text);
}

void halves_backward(const fixture *f, halves *h) {
    ek_error err;
    memset(h->dx, 0x55, f->buffer * sizeof(uint16_t));
    memset(h->dresidual, 0x55, f->buffer * sizeof(uint16_t));
    memset(h->args.workspace, 0xff, ek_norm_workspace_bytes(h->plan));
    if (ek_norm_backward(h->plan, &h->args, &err) != EK_OK) fail_msg("%s", err.text);
}

int halves_equal(const halves *h, const uint16_t *a, const float *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!eki_ref_same(h->data, a[i], eki_ref_narrow(h->data, b[i]))) return 0;
    }
    return 1;
}
