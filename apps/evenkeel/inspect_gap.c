/* inspect_gap.c: with --data: how far the kept statistics are from the data's, norm by norm, and the likely cause. */
#include "inspect_page.h"

#include "gap.h"
#include "report/html_out.h"
#include "report/text.h"

#include <math.h>

typedef struct measure {
    const char *id, *title, *words, *description;
    plot_axis axis;
    double line;
    void (*read)(const ek_recalibrated *row, double at[QUANTILES]);
} measure;

static void read_shift(const ek_recalibrated *row, double *at) {
    for (int q = 0; q < QUANTILES; q++) at[q] = q == Q_MAX ? row->shift_max : row->shift_mean;
}

static void read_ratio(const ek_recalibrated *row, double *at) {
    for (int q = 0; q < QUANTILES; q++) at[q] = q <= Q_P25 ? row->ratio_min : q >= Q_P75 ? row->ratio_max : NAN;
}

static const measure measures[] = {
    {"gap-mean", "Mean: how far off",
     "Distance between the kept mean and that of the data, in deviations: the box is the average over the channels, "
     "the "
     "line goes to the farthest channel. Dashed: 0.25.",
     "A column for each norm, in the order of the graph: the average distance over the channels, and the farthest. "
     "The numbers are in the table below.",
     PLOT_SIGNED, 0.25, read_shift},
    {"gap-variance", "Variance: by what factor",
     "Variance of the data / kept variance: from the channel with the smallest to that with the largest. Dashed: 1, no "
     "difference.",
     "A column for each norm, in the order of the graph: from the smallest ratio of the variances to the largest, over "
     "the channels. The numbers are in the table below.",
     PLOT_POSITIVE, 1, read_ratio},
};

static void tip(FILE *out, const void *context, const plot_column *c) {
    const inspect_page *page = context;
    const ek_recalibrated *row = page->facts->norms[c->first].gap;
    page_tip_norms(out, page, c);
    if (c->first != c->last) return;
    if (row == NULL || !row->updated) {
        fputs(": not measured", out);
        return;
    }
    page_number(out, ": mean off by ", row->shift_mean, "");
    page_number(out, " deviations, at most ", row->shift_max, "");
    page_number(out, "; variance × ", row->ratio_min, "");
    page_number(out, " to ", row->ratio_max, "");
}

static void draw(FILE *out, const inspect_page *page, const measure *m) {
    plot_column columns[PLOT_COLUMNS];
    const inspect_facts *f = page->facts;
    size_t count = plot_divide(columns, f->count);
    for (size_t i = 0; i < f->count; i++) {
        double at[QUANTILES];
        plot_column *column = &columns[i / (columns[0].last + 1)];
        if (f->norms[i].gap == NULL || !f->norms[i].gap->updated) continue;
        m->read(f->norms[i].gap, at);
        if (isfinite(at[Q_MIN]) && isfinite(at[Q_MAX])) plot_widen(column, at);
        if (f->norms[i].off) column->mark = EK_WARNING;
    }
    plot p = {.id = m->id,
              .title = m->title,
              .description = m->description,
              .axis = m->axis,
              .lines = &m->line,
              .line_count = 1,
              .columns = columns,
              .count = count,
              .norms = f->count,
              .tip = tip,
              .leads = page_leads,
              .context = page};
    fprintf(out, "<div class=\"quantity\"><h3>%s</h3><figure>", m->title);
    const char *axis = plot_draw(out, &p);
    fprintf(out, "<figcaption>%s %s</figcaption></figure></div>\n", m->words, axis);
}

static void row(FILE *out, const inspect_page *page, size_t norm) {
    const ek_recalibrated *r = page->facts->norms[norm].gap;
    fputs("<tr><th scope=\"row\">", out);
    page_norm_link(out, page, norm);
    fputs("</th>", out);
    if (!r->updated) {
        eki_put(out, "<td colspan=\"5\" class=\"why\">not measured: ", r->text, "</td></tr>\n");
        return;
    }
    page_number(out, "<td>", r->shift_mean, "</td>");
    page_number(out, "<td>", r->shift_max, "</td>");
    page_number(out, "<td>", r->ratio_min, "</td>");
    page_number(out, "<td>", r->ratio_max, "</td>");
    fprintf(out, "<td>%s</td></tr>\n", page->facts->norms[norm].off ? "<span class=\"bad\">off</span>" : "fits");
}

static void table(FILE *out, const inspect_page *page) {
    const inspect_facts *f = page->facts;
    size_t rows = 0;
    fputs("<details class=\"numbers\"><summary>The gap in numbers</summary>\n<div class=\"scroll\" role=\"group\" "
          "tabindex=\"0\" aria-label=\"Table: the gap along depth\"><table class=\"data\"><thead><tr>"
          "<th scope=\"col\">norm</th><th scope=\"col\">mean off by</th><th scope=\"col\">at most</th>"
          "<th scope=\"col\">variance from ×</th><th scope=\"col\">to ×</th><th scope=\"col\">verdict</th></tr></thead>"
          "<tbody>\n",
          out);
    for (size_t i = 0; i < f->count && rows < PAGE_ROWS; i++)
        if (f->norms[i].gap != NULL) {
            row(out, page, i);
            rows++;
        }
    fputs("</tbody></table></div>\n", out);
    if (rows == PAGE_ROWS)
        fputs("<p class=\"rest\">Rows end here: <code>evenkeel inspect --data --json</code> has all.</p>\n", out);
    fputs("</details>\n", out);
}

static void verdict(FILE *out, const ek_diagnosis *d) {
    int found = gap_found(d);
    fprintf(out, "<div class=\"callout %s\"><p><strong>Likely cause of a gap: ", found ? "is-found" : "is-calm");
    if (found) eki_put(out, "<code>", d->code, "</code>. ");
    eki_put(out, "</strong>", d->cause, "</p>");
    if (d->detail[0] != '\0') eki_put(out, "<p class=\"detail\">", d->detail, "</p>");
    if (d->remedy[0] != '\0') eki_put(out, "<p class=\"remedy\">→ ", d->remedy, "</p>");
    fputs("</div>\n", out);
}

static void accuracy(FILE *out, const char *what, const ek_eval_result *r) {
    char text[64];
    if (r->images == 0) {
        fprintf(out, "<tr><th scope=\"row\">%s</th><td colspan=\"2\">none: they are damaged</td></tr>\n", what);
        return;
    }
    eki_percent(r->accuracy, text);
    fprintf(out, "<tr><th scope=\"row\">%s</th><td>%s</td>", what, text);
    page_number(out, "<td>", r->loss, "</td></tr>\n");
}

static void accuracies(FILE *out, const ek_diagnosis *d) {
    char noise[64];
    if (!d->labelled) return;
    eki_percent(d->noise, noise);
    fputs(
        "<table class=\"accuracy\"><caption>What the difference costs</caption><thead><tr><th scope=\"col\">statistics "
        "taken from</th><th scope=\"col\">accuracy</th><th scope=\"col\">loss</th></tr></thead><tbody>\n",
        out);
    accuracy(out, "what was kept", &d->running);
    accuracy(out, "each batch", &d->batch);
    accuracy(out, "all this data", &d->recalibrated);
    fprintf(out,
            "</tbody></table>\n<p class=\"rest\">So many images show differences of accuracy up to %s by chance.</p>\n",
            noise);
}

void page_gap(FILE *out, const inspect_page *page) {
    const ek_diagnosis *d = page->facts->diagnosis;
    if (d == NULL) return;
    fputs(
        "<section id=\"gap\" aria-labelledby=\"gap-title\">\n<h2 id=\"gap-title\" class=\"section-title\">On the "
        "data</h2>\n<p class=\"section-lede\">The kept statistics of each batch norm against those that its input has "
        "over ",
        out);
    page_count(out, (size_t)d->images, "image", "images");
    fputs(", each norm behind norms that fit them.</p>\n", out);
    verdict(out, d);
    accuracies(out, d);
    if (ek_recalibration_count(d->norms) > 0) {
        for (size_t m = 0; m < sizeof measures / sizeof measures[0]; m++) draw(out, page, &measures[m]);
        table(out, page);
    }
    fputs("</section>\n", out);
}
