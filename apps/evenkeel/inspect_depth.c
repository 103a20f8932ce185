/* inspect_depth.c: each quantity along depth, as a drawing and as a table. */
#include "inspect_page.h"

#include "report/html_out.h"
#include "report/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *title, *words;
    plot_axis axis;
} quantities[PARTS] = {
    {"Scale", "What each channel is multiplied by, γ.", PLOT_SIGNED},
    {"Bias", "What is added to each channel, β.", PLOT_SIGNED},
    {"Running mean", "What batch norms subtract in inference.", PLOT_SIGNED},
    {"Running variance", "What batch norms divide by the root of, in inference.", PLOT_POSITIVE},
    {"Gain", "|scale| / √(variance + ε): what one unit in front of a batch norm is behind it, in inference.",
     PLOT_POSITIVE},
};

/* What a finding is about, where it is about some of the quantities. */
static const struct {
    const char *code;
    unsigned parts;
} about[] = {
    {"negative-variance", 1U << PART_VARIANCE},
    {"never-updated", 1U << PART_MEAN | 1U << PART_VARIANCE},
    {"small-variance", 1U << PART_VARIANCE},
    {"near-epsilon", 1U << PART_VARIANCE},
    {"amplified", 1U << PART_GAIN},
    {"dead-channels", 1U << PART_SCALE},
    {"shared-statistics", 1U << PART_MEAN | 1U << PART_VARIANCE},
    {"group-norm-18", 1U << PART_SCALE | 1U << PART_BIAS},
    {"tied-parameters", 1U << PART_SCALE | 1U << PART_BIAS},
};

static int is_about(const char *code, part p) {
    for (size_t i = 0; i < sizeof about / sizeof about[0]; i++)
        if (strcmp(about[i].code, code) == 0) return (int)(about[i].parts >> p & 1U);
    return 0;
}

typedef struct tip_context {
    const inspect_page *page;
    part which;
} tip_context;

static void tip(FILE *out, const void *context, const plot_column *c) {
    const tip_context *t = context;
    page_tip_norms(out, t->page, c);
    const spread *s = &t->page->facts->norms[c->first].spreads[t->which];
    if (isnan(c->at[Q_MIN])) {
        fputs(c->first == c->last && s->count > 0 ? ": nothing finite" : ": none", out);
        return;
    }
    if (c->first == c->last) page_number(out, ": median ", c->at[Q_MEDIAN], ",");
    page_number(out, " 5 to 95 %: ", c->at[Q_P5], "");
    page_number(out, " to ", c->at[Q_P95], "");
    page_number(out, ", all: ", c->at[Q_MIN], "");
    page_number(out, " to ", c->at[Q_MAX], "");
    if (c->first == c->last && s->nonfinite > 0) page_number(out, ", ", (double)s->nonfinite, " not finite");
}

static int leads(const void *context, size_t norm) {
    const tip_context *t = context;
    return page_leads(t->page, norm);
}

static size_t column_of(const plot_column *columns, size_t norm) { return norm / (columns[0].last + 1); }

static void raise_mark(plot_column *column, int severity) {
    if (severity > column->mark) column->mark = severity;
}

static size_t fill(const inspect_facts *f, part which, plot_column *columns) {
    size_t count = plot_divide(columns, f->count);
    for (size_t i = 0; i < f->count; i++) {
        const spread *s = &f->norms[i].spreads[which];
        plot_column *column = &columns[column_of(columns, i)];
        if (s->count > s->nonfinite) plot_widen(column, s->at);
        if (s->nonfinite > 0 && which != PART_GAIN) raise_mark(column, EK_SEVERE);
    }
    for (size_t i = 0; i < ek_inspection_finding_count(f->in); i++) {
        const ek_finding *found = ek_inspection_finding(f->in, i);
        if (found->norm_index >= 0 && is_about(found->code, which))
            raise_mark(&columns[column_of(columns, (size_t)found->norm_index)], (int)found->severity);
    }
    return count;
}

static size_t norms_with(const inspect_facts *f, part which) {
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) count += f->norms[i].spreads[which].count > 0;
    return count;
}

static void describe(const inspect_facts *f, part which, char *text, size_t room) {
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t i = 0; i < f->count; i++) {
        const spread *s = &f->norms[i].spreads[which];
        low = fmin(low, s->count > 0 ? s->at[Q_MEDIAN] : NAN);
        high = fmax(high, s->count > 0 ? s->at[Q_MEDIAN] : NAN);
    }
    char a[64], b[64];
    eki_number(low, a);
    eki_number(high, b);
    snprintf(text, room,
             "A column for each norm, in the order of the graph: a line from the smallest value to the largest, a box "
             "of the middle 90 %% and one of the middle half, and the median. Medians are from %s to %s. The numbers "
             "are in the table below.",
             low <= high ? a : "–", low <= high ? b : "–");
}

static void table_row(FILE *out, const inspect_page *page, part which, size_t norm) {
    const spread *s = &page->facts->norms[norm].spreads[which];
    fputs("<tr><th scope=\"row\">", out);
    page_norm_link(out, page, norm);
    fputs("</th>", out);
    for (int q = 0; q < QUANTILES; q++) page_number(out, "<td>", s->at[q], "</td>");
    page_number(out, "<td>", (double)s->count, "");
    if (s->nonfinite > 0) page_number(out, " <span class=\"bad\">", (double)s->nonfinite, " not finite</span>");
    fputs("</td></tr>\n", out);
}

static void table(FILE *out, const inspect_page *page, part which) {
    const inspect_facts *f = page->facts;
    size_t rows = 0;
    fprintf(out,
            "<details class=\"numbers\"><summary>%s in numbers</summary>\n<div class=\"scroll\" role=\"group\" "
            "tabindex=\"0\" aria-label=\"Table: %s along depth\"><table class=\"data\"><thead><tr><th "
            "scope=\"col\">norm</th>",
            quantities[which].title, quantities[which].title);
    for (int q = 0; q < QUANTILES; q++) fprintf(out, "<th scope=\"col\">%s</th>", quantile_names[q]);
    fputs("<th scope=\"col\">values</th></tr></thead><tbody>\n", out);
    for (size_t i = 0; i < f->count && rows < PAGE_ROWS; i++)
        if (f->norms[i].spreads[which].count > 0) {
            table_row(out, page, which, i);
            rows++;
        }
    fputs("</tbody></table></div>\n", out);
    size_t all = norms_with(f, which);
    if (rows < all) {
        fputs("<p class=\"rest\">", out);
        page_count(out, all - rows, "norm more", "norms more");
        fputs(": <code>evenkeel inspect --json</code> has them.</p>\n", out);
    }
    fputs("</details>\n", out);
}

static void quantity(FILE *out, const inspect_page *page, part which) {
    plot_column columns[PLOT_COLUMNS];
    const inspect_facts *f = page->facts;
    char id[32], words[512];
    tip_context t = {page, which};
    size_t with = norms_with(f, which);
    if (with == 0) return;
    snprintf(id, sizeof id, "depth-%s", part_names[which]);
    describe(f, which, words, sizeof words);
    plot p = {.id = id,
              .title = quantities[which].title,
              .description = words,
              .axis = quantities[which].axis,
              .columns = columns,
              .norms = f->count,
              .tip = tip,
              .leads = leads,
              .context = &t};
    p.count = fill(f, which, columns);
    fprintf(out, "<section class=\"quantity\" id=\"%s\" aria-labelledby=\"%s-h\">\n<h3 id=\"%s-h\">%s</h3>\n<figure>",
            id, id, id, quantities[which].title);
    const char *axis = plot_draw(out, &p);
    eki_put(out, "<figcaption>", quantities[which].words, " ");
    fputs(axis, out);
    if (with < f->count) {
        fputs(" Of ", out);
        page_count(out, f->count, "norm", "norms");
        page_number(out, " ", (double)with, with == 1 ? " has it" : " have it");
        fputs("; the others have none, or none that is a constant.", out);
    }
    fputs("</figcaption></figure>\n", out);
    table(out, page, which);
    fputs("</section>\n", out);
}

static void key(FILE *out, const inspect_facts *f) {
    fputs(
        "<ul class=\"key-list\" aria-label=\"How to read the drawings\">"
        "<li><svg class=\"key\" viewBox=\"0 0 14 34\" aria-hidden=\"true\"><path class=\"whole\" d=\"M7 1V33\"/></svg>"
        "smallest to largest</li>"
        "<li><svg class=\"key\" viewBox=\"0 0 14 34\" aria-hidden=\"true\"><path class=\"most\" d=\"M1 4h12v26h-12z\"/>"
        "</svg>middle 90 %</li>"
        "<li><svg class=\"key\" viewBox=\"0 0 14 34\" aria-hidden=\"true\"><path class=\"half\" d=\"M1 8h12v18h-12z\"/>"
        "<path class=\"median\" d=\"M1 16h12\"/></svg>middle half, median</li>",
        out);
    for (int severity = EK_SEVERE; severity >= EK_NOTE; severity--) {
        if (f->severities[severity] == 0) continue;
        fputs("<li>", out);
        plot_mark(out, severity);
        fprintf(out, "%s</li>", severity_names[severity]);
    }
    fputs("</ul>\n", out);
}

void page_depth(FILE *out, const inspect_page *page) {
    const inspect_facts *f = page->facts;
    if (f->count == 0) return;
    fputs(
        "<section id=\"depth\" aria-labelledby=\"depth-title\">\n<h2 id=\"depth-title\" class=\"section-title\">Along "
        "depth</h2>\n<p class=\"section-lede\">From left to right the norms in the order of the graph, by number. "
        "A mark above a column is a finding about what is drawn there. The pointer over a column tells its numbers, a "
        "click leads to the norm.",
        out);
    if (f->count > PLOT_COLUMNS) {
        fputs(" A column stands for ", out);
        page_count(out, (f->count + PLOT_COLUMNS - 1) / PLOT_COLUMNS, "norm", "norms");
        fputs(": its boxes cover those of each.", out);
    }
    fputs("</p>\n", out);
    key(out, f);
    for (int p = 0; p < PARTS; p++) quantity(out, page, (part)p);
    fputs("</section>\n", out);
}
