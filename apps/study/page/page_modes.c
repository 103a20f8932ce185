/* page_modes.c: the two modes as a drawing: where the mean and the variance come from, and where they go. */
#include "study/page/svg.h"

enum { BOX = 34 };

static void box(FILE *out, const char *class, int x, int y, int width, const char *text) {
    fprintf(out,
            "<rect class=\"box %s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\"/>"
            "<text class=\"in-box\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>",
            class, x, y, width, BOX, x + width / 2, y + BOX / 2 + 5, text);
}

static void arrow(FILE *out, const char *class, int x, int y, int dx, int dy) {
    fprintf(out, "<path class=\"flow %s\" d=\"M%d %dl%d %d\" marker-end=\"url(#flow-head)\"/>", class, x, y, dx, dy);
}

/* One mode, from `y` down: the batch, its norm, the result; above the norm the statistics that it takes. */
static void mode(FILE *out, int y, const char *name, int training) {
    fprintf(out, "<text class=\"bar-label\" x=\"4\" y=\"%d\">%s</text>", y, name);
    box(out, "", 4, y + 84, 92, "a batch");
    box(out, "strong", 168, y + 84, 124, "normalize");
    box(out, "", 364, y + 84, 92, "result");
    arrow(out, "", 96, y + 101, 66, 0);
    arrow(out, "", 292, y + 101, 66, 0);
    box(out, training ? "" : "idle", 4, y + 14, 148, "its mean, variance");
    box(out, training ? "idle" : "", 308, y + 14, 148, "running statistics");
    if (training) {
        arrow(out, "", 50, y + 84, 0, -30);
        arrow(out, "", 118, y + 48, 72, 32);
        arrow(out, "faint", 152, y + 31, 150, 0);
        fprintf(out, "<text class=\"tick\" x=\"230\" y=\"%d\" text-anchor=\"middle\">move a little</text>", y + 25);
    } else {
        arrow(out, "", 342, y + 48, -72, 32);
    }
}

void eks_page_modes(FILE *out) {
    fputs("<figure class=\"modes-figure\">", out);
    eks_svg_open(
        out, "modes", 292, "The two modes of batch norm",
        "In training the norm takes mean and variance of the batch, and the running statistics move a little. In "
        "evaluation it takes the running statistics, and nothing of the batch.");
    fputs("<defs><marker id=\"flow-head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
          "markerHeight=\"7\" orient=\"auto\"><path class=\"flow-head\" d=\"M0 0l8 4l-8 4z\"/></marker></defs>",
          out);
    mode(out, 16, "Training", 1);
    mode(out, 168, "Evaluation", 0);
    fputs("</svg></figure>\n", out);
}
