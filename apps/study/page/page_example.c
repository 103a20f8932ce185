/* page_example.c: the small batch of card 1: six values of one channel, worked through. The script makes it editable;
 * without it the numbers stand as they are. They are in the JSON too. */
#include "study/page/page.h"

#include <math.h>

enum { VALUES = 6 };

static const double batch[VALUES] = {2, 4, 4, 5, 7, 8};
static const double epsilon = 1e-5, scale = 1.5, shift = 0.5;

typedef struct example {
    double mean, var, normalized[VALUES], output[VALUES];
} example;

static example worked(void) {
    example e = {0};
    for (int i = 0; i < VALUES; i++) e.mean += batch[i] / VALUES;
    for (int i = 0; i < VALUES; i++) e.var += (batch[i] - e.mean) * (batch[i] - e.mean) / VALUES;
    for (int i = 0; i < VALUES; i++) {
        e.normalized[i] = (batch[i] - e.mean) / sqrt(e.var + epsilon);
        e.output[i] = scale * e.normalized[i] + shift;
    }
    return e;
}

static void quantity(FILE *out, const char *name, const char *symbol, const char *id, double value) {
    char text[64];
    eki_number(value, text);
    fprintf(out, "<div><dt>%s <i>%s</i></dt><dd id=\"%s\">%s</dd></div>", name, symbol, id, text);
}

static void row(FILE *out, const char *head, const char *name, const double *values) {
    fprintf(out, "<tr data-row=\"%s\"><th scope=\"row\">%s</th>", name, head);
    for (int i = 0; i < VALUES; i++) {
        char text[64];
        eki_number(values[i], text);
        fprintf(out, "<td>%s</td>", text);
    }
    fputs("</tr>\n", out);
}

void eks_page_example(FILE *out) {
    example e = worked();
    fputs("<div class=\"example\" id=\"example\" role=\"group\" aria-labelledby=\"example-title\">"
          "<h4 id=\"example-title\">A batch of six, worked through</h4>\n"
          "<p class=\"hint\" hidden>Change a value, or try one of the buttons, and watch what follows and what "
          "does not.</p>\n<div class=\"presets\" role=\"group\" aria-label=\"Try\" hidden></div>\n"
          "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-labelledby=\"example-title\">"
          "<table class=\"data\"><thead><tr><th scope=\"col\">image</th>",
          out);
    for (int i = 0; i < VALUES; i++) fprintf(out, "<th scope=\"col\">%c</th>", 'A' + i);
    fputs("</tr></thead><tbody>\n", out);
    row(out, "value <i>x</i>", "x", batch);
    row(out, "normalized <i>x̂</i>", "normalized", e.normalized);
    row(out, "result <i>y</i>", "output", e.output);
    fputs("</tbody></table></div>\n<dl class=\"quantities\">", out);
    quantity(out, "mean", "μ", "example-mean", e.mean);
    quantity(out, "variance", "σ²", "example-var", e.var);
    quantity(out, "scale", "γ", "example-scale", scale);
    quantity(out, "shift", "β", "example-shift", shift);
    quantity(out, "", "ε", "example-epsilon", epsilon);
    fputs("</dl>\n<p class=\"said\" role=\"status\" id=\"example-said\"></p></div>\n", out);
}

static void report_values(eki_json *json, const char *key, const double *values) {
    eki_json_array(json, key);
    for (int i = 0; i < VALUES; i++) eki_json_real(json, NULL, values[i]);
    eki_json_close(json);
}

void eks_report_example(eki_json *json) {
    example e = worked();
    eki_json_object(json, "example");
    report_values(json, "x", batch);
    eki_json_real(json, "mean", e.mean);
    eki_json_real(json, "variance", e.var);
    eki_json_real(json, "epsilon", epsilon);
    eki_json_real(json, "scale", scale);
    eki_json_real(json, "shift", shift);
    report_values(json, "normalized", e.normalized);
    report_values(json, "output", e.output);
    eki_json_close(json);
}
