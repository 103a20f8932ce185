/* svg.h: what the charts share: scales, marks, the frame of a drawing.
 *
 * Colours come from the page's style sheet, so that charts follow light and dark; every series also has its own dash
 * and marker, every bar its own hatching, so that none needs colour to be told apart. A drawing carries title and
 * description for those who do not see it, and the page puts the numbers in a table beside it. A mark has what it says
 * in `data-tip`, which the script shows under the pointer.
 */
#ifndef EKS_SVG_H
#define EKS_SVG_H

#include "study/page/page.h"

#include "report/svg_out.h"

enum { SVG_WIDTH = 460, SVG_MARKS = 6, SVG_FEW = 8 };

/* Opens the drawing `id` with title and description; eks_svg_close ends it. */
void eks_svg_open(FILE *out, const char *id, int height, const char *title, const char *description);
/* What a mark says: "name: x, y"; x may be "". */
enum { SVG_TIP = 256 };
void eks_svg_tip(char tip[SVG_TIP], const char *name, const char *x, const char *y);
/* The marker of series `kind`: circle, square, diamond, triangle, cross, triangle upside down. `tip` may be NULL. */
void eks_svg_marker(FILE *out, int kind, double x, double y, const char *tip);
/* A small circle of that class. */
void eks_svg_circle(FILE *out, const char *class, double x, double y, double radius, const char *tip);
void eks_svg_xy(FILE *out, const eks_chart *chart, const char *id);

#endif
