/* plain.h: the loops that an engine in plain C has for layer norm. */
#ifndef PLAIN_H
#define PLAIN_H

/* out, mean and rstd of `rows` rows of `n` elements, on `threads` threads. */
void plain_rows(float *out, float *mean, float *rstd, const float *x, const float *scale, const float *bias, int rows,
                int n, int threads);

#endif
