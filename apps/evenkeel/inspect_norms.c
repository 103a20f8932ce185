/* inspect_norms.c: norm by norm: how it is set, its findings, and how its numbers are spread. */
#include "inspect_page.h"

#include "report/html_out.h"
#include "report/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const titles[PARTS] = {"Scale", "Bias", "Running mean", "Running variance", "Gain"};

static void setting(FILE *out, const char *name, const char *value) {
    if (value == NULL || value[0] == '\0') return;
    fprintf(out, "<div><dt>%s</dt><dd>", name);
    eki_put(out, "", value, "</dd></div>");
}

static void setting_name(FILE *out, const char *name, const char *value) {
    if (value == NULL || value[0] == '\0') return;
    fprintf(out, "<div><dt>%s</dt><dd>", name);
    page_name(out, value);
    fputs("</dd></div>", out);
}

static void setting_number(FILE *out, const char *name, double value) {
    char text[64];
    eki_number(value, text);
    setting(out, name, text);
}

/* Of a number that the file holds as float32. */
static void setting_float(FILE *out, const char *name, double value) {
    char text[32];
    snprintf(text, sizeof text, "%.6g", value);
    setting_number(out, name, strtod(text, NULL));
}

static const char *frozen(const ek_model_norm *n) {
    if (n->stats_frozen && n->affine_frozen) return "statistics, scale and bias";
    return n->stats_frozen ? "statistics" : n->affine_frozen ? "scale and bias" : "";
}

static void settings(FILE *out, const ek_norm_seen *seen) {
    const ek_model_norm *n = &seen->norm;
    fputs("<dl class=\"settings\">", out);
    setting(out, "kind", ek_norm_kind_name(n->kind));
    if (n->channels > 0) setting_number(out, "channels", (double)n->channels);
    if (n->kind == EK_NORM_GROUP) setting_number(out, "groups", (double)n->groups);
    setting_float(out, "epsilon", n->epsilon);
    if (n->kind == EK_NORM_BATCH) setting_float(out, "momentum", n->momentum);
    if (n->kind == EK_NORM_BATCH) setting(out, "mode", seen->training ? "training" : "inference");
    if (n->updates > 0) setting_number(out, "updates counted", (double)n->updates);
    setting(out, "written as", n->spelling);
    setting_name(out, "behind", seen->feeder);
    setting(out, "place", place_names[seen->place]);
    setting(out, "frozen", frozen(n));
    setting(out, seen->foldable ? "folds" : "does not fold", seen->fold);
    setting(out, "left alone", n->apart ? "by what changes or trains norms" : "");
    if (strcmp(n->path, seen->name) != 0) setting_name(out, "path", n->path);
    setting_name(out, "output", n->output);
    setting_name(out, "scale from", n->scale);
    setting_name(out, "bias from", n->bias);
    setting_name(out, "mean from", n->mean);
    setting_name(out, "variance from", n->variance);
    fputs("</dl>\n", out);
}

static void findings(FILE *out, const inspect_page *page, size_t norm) {
    int open = 0;
    if (page->facts->norms[norm].worst < 0) return;
    for (size_t i = 0; i < ek_inspection_finding_count(page->facts->in); i++) {
        const ek_finding *f = ek_inspection_finding(page->facts->in, i);
        if (f->norm_index != (int64_t)norm) continue;
        if (!open++) fputs("<ul class=\"odd\">", out);
        fprintf(out, "<li class=\"v%d\">", (int)f->severity);
        plot_mark(out, (int)f->severity);
        fprintf(out, "<span><a href=\"#finding-%s\">%s</a>", f->code, f->code);
        eki_put(out, ": ", f->text, "");
        eki_put(out, " <span class=\"remedy\">→ ", f->remedy, "</span></span></li>\n");
    }
    if (open) fputs("</ul>\n", out);
}

static void gap(FILE *out, const norm_facts *n) {
    if (n->gap == NULL) return;
    fputs("<p class=\"on-data\">", out);
    if (n->gap->updated) {
        if (n->off) plot_mark(out, EK_WARNING);
        page_number(out, "On the data: mean off by ", n->gap->shift_mean, " deviations");
        page_number(out, " (at most ", n->gap->shift_max, ")");
        page_number(out, ", variance × ", n->gap->ratio_min, "");
        page_number(out, " to ", n->gap->ratio_max, "");
        fputs(n->off ? ": off." : ".", out);
    } else {
        eki_put(out, "On the data: not measured: ", n->gap->text, ".");
    }
    fputs("</p>\n", out);
}

enum { BIN = 10, TALL = 60 };

static void histogram(FILE *out, const spread *s, const char *title) {
    int64_t most = 0;
    for (int b = 0; b < SPREAD_BINS; b++) most = s->bins[b] > most ? s->bins[b] : most;
    fprintf(out,
            "<svg class=\"histogram\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
            "aria-label=\"Histogram of %s, %d bins%s\"><path class=\"bars\" d=\"",
            SPREAD_BINS * BIN, TALL, title, SPREAD_BINS, s->logarithmic ? ", logarithmic" : "");
    for (int b = 0; b < SPREAD_BINS; b++) {
        double height = most > 0 ? (TALL - 2) * (double)s->bins[b] / (double)most : 0;
        if (s->bins[b] > 0) fprintf(out, "M%d %dv%.1fh%dV%dz", b * BIN, TALL, -fmax(height, 1.5), BIN - 2, TALL);
    }
    fprintf(out, "\"/><path class=\"base\" d=\"M0 %dH%d\"/></svg>", TALL, SPREAD_BINS * BIN);
}

static void spread_block(FILE *out, part p, const spread *s) {
    fprintf(out, "<div class=\"spread\" data-part=\"%s\"><h3>%s <span>", part_names[p], titles[p]);
    page_count(out, (size_t)s->count, "value", "values");
    if (s->nonfinite > 0) page_number(out, ", <span class=\"bad\">", (double)s->nonfinite, " not finite</span>");
    if (s->logarithmic) fputs(", logarithmic", out);
    fputs("</span></h3>", out);
    if (s->count > s->nonfinite) {
        histogram(out, s, titles[p]);
        fputs("<dl class=\"quantiles\">", out);
        for (int q = 0; q < QUANTILES; q++) {
            fprintf(out, "<div><dt>%s</dt>", quantile_names[q]);
            page_number(out, "<dd>", s->at[q], "</dd></div>");
        }
        fputs("</dl>", out);
    }
    fputs("</div>\n", out);
}

static void summary(FILE *out, const norm_facts *n, size_t norm) {
    const ek_model_norm *info = &n->seen->norm;
    fprintf(out, "<summary><span class=\"no\">%zu</span>", norm + 1);
    page_name(out, n->seen->name);
    fprintf(out, "<span class=\"what\">%s", ek_norm_kind_name(info->kind));
    if (info->channels > 0) {
        fputs(", ", out);
        page_count(out, (size_t)info->channels, "channel", "channels");
    }
    if (n->seen->training) fputs(", training mode", out);
    fputs("</span>", out);
    if (n->worst >= 0) page_chip(out, n->worst);
    if (n->off) fputs("<span class=\"sev v1\">off on the data</span>", out);
    fputs("</summary>\n", out);
}

/* The anchor is within, so that a link to it opens the details. */
static void details(FILE *out, const inspect_page *page, size_t norm) {
    const norm_facts *n = &page->facts->norms[norm];
    fprintf(out, "<details class=\"norm\"%s>", page->facts->count == 1 ? " open" : "");
    summary(out, n, norm);
    fprintf(out, "<div class=\"within\" id=\"norm-%zu\" tabindex=\"-1\">\n", norm + 1);
    findings(out, page, norm);
    gap(out, n);
    fputs("<div class=\"spreads\">", out);
    for (int p = 0; p < PARTS; p++)
        if (n->spreads[p].count > 0) spread_block(out, (part)p, &n->spreads[p]);
    fputs("</div>\n", out);
    settings(out, n->seen);
    fputs("</div></details>\n", out);
}

void page_norms(FILE *out, const inspect_page *page) {
    if (page->facts->count == 0) return;
    fputs("<section id=\"norms\" aria-labelledby=\"norms-title\">\n<h2 id=\"norms-title\" class=\"section-title\">Norm "
          "by "
          "norm</h2>\n",
          out);
    if (page->left_out > 0) {
        fputs("<p class=\"section-lede\">", out);
        page_count(out, page->facts->count - page->left_out, "norm", "norms");
        page_number(out, " of ", (double)page->facts->count,
                    ": those with findings first, then as many as a page holds. ");
        fputs("<code>evenkeel inspect --json</code> has all.</p>\n", out);
    }
    for (size_t i = 0; i < page->facts->count; i++)
        if (page->detailed[i]) details(out, page, i);
    fputs("</section>\n", out);
}
