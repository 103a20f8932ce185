/* svg_out.h: what drawings share. */
#ifndef EKI_SVG_OUT_H
#define EKI_SVG_OUT_H

#include <stdio.h>

/* 1, 2 or 5 times a power of ten, so that about five steps span the range. */
double eki_nice_step(double range);

/* The title and the description of the drawing `id`, whose tag ends with eki_svg_label. */
void eki_svg_label(FILE *out, const char *id); /* role, aria-labelledby */
void eki_svg_title(FILE *out, const char *id, const char *title, const char *description);

#endif
