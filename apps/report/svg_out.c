/* svg_out.c: what drawings share. */
#include "report/svg_out.h"

#include "report/html_out.h"

#include <math.h>

double eki_nice_step(double range) {
    double rough = range / 5, power = pow(10, floor(log10(rough))), share = rough / power;
    return (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10) * power;
}

void eki_svg_label(FILE *out, const char *id) { fprintf(out, " role=\"img\" aria-labelledby=\"%s-t %s-d\"", id, id); }

void eki_svg_title(FILE *out, const char *id, const char *title, const char *description) {
    fprintf(out, "<title id=\"%s-t\">", id);
    eki_put(out, "", title, "</title>");
    fprintf(out, "<desc id=\"%s-d\">", id);
    eki_put(out, "", description, "</desc>");
}
