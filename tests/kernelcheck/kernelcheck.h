/* kernelcheck.h: one problem that every kernel can be asked, and what a case knows about its kernel. */
#ifndef KERNELCHECK_H
#define KERNELCHECK_H

#include "kernel/kernel.h"
#include "kernelcheck/guarded.h"
#include <stdint.h>

enum { MOST = 1 << 13 }; /* elements of a buffer */
extern const float CANARY;

/* x, dy and y are `rows` rows of n elements, `stride` apart. */
typedef struct problem {
    size_t n, rows, stride;
    const void *x, *dy;         /* tensors of the kernel */
    const float *xs, *dys;      /* their values */
    const unsigned char *valid; /* mask, rows of n bytes, n apart */
    const float *scale, *bias;  /* [n] or NULL */
    const double *mean, *rstd;  /* [n] and [rows], both long enough */
    eki_scaling affine;         /* of rows */
    eki_gradient gradient;
    const float *column[6];    /* the same per column, [n] each */
    const float *channel[6];   /* and per row, [rows] each */
    const eki_epilogue *fused; /* or NULL; its y is activation(inner) and its affine one per row */
    const double *inner;       /* where x is: t behind fused->y */
    int ceiling;               /* 1: dy stands for the most that dy times a slope can be (bounds) */
    void *y;                   /* output */
    double *sums; /* output of sums: 2 of all or of each row, then n and n; columns add to what is there (0.5);
                     of statistics: three times `rows` */
} problem;

/* FLOATS: floats whatever the data type. */
typedef enum output { TWO_SUMS, COLUMN_SUMS, ROW_AND_COLUMN_SUMS, ROW_STATISTICS, ELEMENTS, FLOATS } output;

/* Reference value of output i (element or sum), and the sum of the magnitudes of its terms. */
typedef struct expected {
    long double value, magnitude;
} expected;

/* bound on |error| / magnitude: `roundings` units of 2^-53 (sums: plus one per term) or of 2^-24 (elements). */
typedef struct kernel_case {
    const char *name;
    output output;
    int one_row; /* takes a single row */
    double roundings;
    void (*run)(const eki_kernels *kernels, const problem *p);
    expected (*reference)(const problem *p, size_t row, size_t i);
} kernel_case;

/* kernelbench.c: prints the speed of a kernel. */
void kernel_bench(const kernel_case *c);

#define EK_KERNEL(name, parameters) extern const kernel_case case_##name;
#include "kernel/kernels.def"
#undef EK_KERNEL

extern int runs_here[8]; /* by instruction set; asking the processor anew takes as long as a kernel */

/* The outputs: the last elements of their buffers, the window's, canaries where no kernel has written. */
size_t span_of(const problem *p);        /* of y */
size_t outputs_window(const problem *p); /* more than any kernel writes */
void outputs_clear(const kernel_case *c, const problem *p);
const float *outputs_elements(const problem *p);
const float *outputs_gradients(const problem *p); /* dresidual */
const double *outputs_sums(const problem *p);

/* halves.c: rounds the values of `p` to a 16-bit type and compares its kernels with those of f32; what is wrong, and on
 * which instruction set, or NULL. */
void halves_prepare(void);
void halves_release(void);
const char *halves_check(const kernel_case *c, problem *p, eki_data data, const char **isa);

#endif
