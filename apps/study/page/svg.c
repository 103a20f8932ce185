/* svg.c: what the charts share. */
#include "study/page/svg.h"

void eks_svg_open(FILE *out, const char *id, int height, const char *title, const char *description) {
    fprintf(out, "<svg class=\"chart\" viewBox=\"0 0 %d %d\"", SVG_WIDTH, height);
    eki_svg_label(out, id);
    fputs(">", out);
    eki_svg_title(out, id, title, description);
}

void eks_svg_tip(char tip[SVG_TIP], const char *name, const char *x, const char *y) {
    snprintf(tip, SVG_TIP, "%.120s: %s%s%s", name, x, x[0] ? ", " : "", y);
}

static void end_mark(FILE *out, const char *tip) {
    if (tip) eki_put(out, " data-tip=\"", tip, "\"");
    fputs("/>", out);
}

void eks_svg_circle(FILE *out, const char *class, double x, double y, double radius, const char *tip) {
    fprintf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%g\"", class, x, y, radius);
    end_mark(out, tip);
}

void eks_svg_marker(FILE *out, int kind, double x, double y, const char *tip) {
    static const char *const shapes[SVG_MARKS] = {
        "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
        "M-4 -4h8v8h-8z",
        "M0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z",
        "M0 -5l5 9h-10z",
        "M-5 -2h3v-3h4v3h3v4h-3v3h-4v-3h-3z",
        "M0 5l5 -9h-10z",
    };
    fprintf(out, "<path class=\"dot s%d\" transform=\"translate(%.1f %.1f)\" d=\"%s\"", kind, x, y, shapes[kind]);
    end_mark(out, tip);
}
