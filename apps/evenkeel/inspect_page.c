/* inspect_page.c: the frame of the page, its top, and what the sections share. */
#include "inspect_page.h"

#include "change.h"
#include "message.h"
#include "report/html_out.h"
#include "report/text.h"
#include "report/whole.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <evenkeel/files.h>
#include <evenkeel/version.h>

/* Where a text may be cut at or before `at`: not within a character. */
static size_t cut(const char *text, size_t at) {
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80) at--;
    return at;
}

void page_name(FILE *out, const char *name) {
    size_t length = strlen(name);
    char head[PAGE_NAME + 1], tail[PAGE_NAME + 1];
    if (length <= PAGE_NAME) {
        eki_put(out, "<code>", length > 0 ? name : "(no name)", "</code>");
        return;
    }
    size_t front = cut(name, PAGE_NAME / 2), back = cut(name, length - PAGE_NAME / 3);
    snprintf(head, sizeof head, "%.*s", (int)front, name);
    snprintf(tail, sizeof tail, "%s", name + back);
    eki_put(out, "<code>", head, "…");
    eki_put(out, "", tail, "</code>");
}

int page_leads(const void *context, size_t norm) {
    const inspect_page *page = context;
    return page->detailed[norm];
}

void page_norm_link(FILE *out, const inspect_page *page, size_t norm) {
    int leads = page->detailed[norm];
    fprintf(out, "<span class=\"no\">%zu</span> ", norm + 1);
    if (leads) fprintf(out, "<a href=\"#norm-%zu\">", norm + 1);
    page_name(out, page->facts->norms[norm].seen->name);
    if (leads) fputs("</a>", out);
}

void page_tip_norms(FILE *out, const inspect_page *page, const plot_column *c) {
    if (c->first == c->last) {
        char name[PAGE_NAME + 1];
        const char *whole = page->facts->norms[c->first].seen->name;
        snprintf(name, sizeof name, "%.*s", (int)cut(whole, strnlen(whole, PAGE_NAME)), whole);
        fprintf(out, "%zu ", c->first + 1);
        eki_put(out, "", name, "");
    } else {
        fprintf(out, "norms %zu to %zu", c->first + 1, c->last + 1);
    }
}

void page_count(FILE *out, size_t count, const char *one, const char *many) {
    char text[64];
    eki_number((double)count, text);
    fprintf(out, "%s %s", text, count == 1 ? one : many);
}

void page_number(FILE *out, const char *open, double value, const char *close) {
    char text[64];
    eki_number(value, text);
    fprintf(out, "%s%s%s", open, text, close);
}

void page_chip(FILE *out, int severity) {
    fprintf(out, "<span class=\"sev v%d\">", severity);
    plot_mark(out, severity);
    fprintf(out, "%s</span>", severity_names[severity]);
}

/* ---- the top ---- */

/* "53 batch norms and 2 layer norms". */
static void kinds(FILE *out, const inspect_facts *f) {
    static const ek_norm_kind all[] = {EK_NORM_BATCH, EK_NORM_LAYER, EK_NORM_RMS, EK_NORM_GROUP, EK_NORM_INSTANCE};
    enum { KINDS = sizeof all / sizeof all[0] };
    size_t counts[KINDS] = {0}, left = 0;
    for (size_t i = 0; i < f->count; i++)
        for (int k = 0; k < KINDS; k++) counts[k] += f->norms[i].seen->norm.kind == all[k];
    for (int k = 0; k < KINDS; k++) left += counts[k] > 0;
    for (int k = 0; k < KINDS; k++) {
        if (counts[k] == 0) continue;
        char one[32], many[40];
        snprintf(one, sizeof one, "%.20s norm", ek_norm_kind_name(all[k]));
        snprintf(many, sizeof many, "%s%s", one, "s");
        page_count(out, counts[k], one, many);
        left--;
        fputs(left > 1 ? ", " : left == 1 ? " and " : "", out);
    }
}

static void fact(FILE *out, const char *name, const char *class, size_t count) {
    char text[64];
    eki_number((double)count, text);
    fprintf(out, "<div class=\"%s\"><dt>%s</dt><dd>%s</dd></div>", class, name, text);
}

static void facts_list(FILE *out, const inspect_facts *f) {
    size_t folds = 0, off = 0;
    for (size_t i = 0; i < f->count; i++) {
        folds += f->norms[i].seen->foldable != 0;
        off += f->norms[i].off != 0;
    }
    fputs("<dl class=\"facts\">", out);
    fact(out, f->count == 1 ? "norm" : "norms", "is-norms", f->count);
    fact(out, "severe", f->severities[EK_SEVERE] ? "is-severe" : "is-none", f->severities[EK_SEVERE]);
    fact(out, f->severities[EK_WARNING] == 1 ? "warning" : "warnings",
         f->severities[EK_WARNING] ? "is-warning" : "is-none", f->severities[EK_WARNING]);
    fact(out, f->severities[EK_NOTE] == 1 ? "note" : "notes", f->severities[EK_NOTE] ? "is-note" : "is-none",
         f->severities[EK_NOTE]);
    if (f->diagnosis != NULL)
        fact(out, "off on the data", off ? "is-warning" : "is-none", off);
    else
        fact(out, "can be folded", folds ? "is-folds" : "is-none", folds);
    fputs("</dl>\n", out);
}

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static void bytes_text(double bytes, char text[80]) {
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    int unit = 0;
    while (bytes >= 1000 && unit < 4) bytes /= 1000, unit++;
    char number[64];
    eki_number(unit > 0 ? round(bytes * 10) / 10 : bytes, number);
    snprintf(text, 80, "%s %s", number, units[unit]);
}

static void masthead(FILE *out, const inspect_facts *f) {
    char weights[80];
    bytes_text((double)model_bytes(f->model), weights);
    fputs("<header class=\"masthead\">\n<p class=\"kicker\">Evenkeel inspect</p>\n<h1>", out);
    page_name(out, file_name(f->path));
    fputs("</h1>\n<p class=\"lede\">", out);
    if (f->count > 0)
        kinds(out, f);
    else
        fputs("No norm was found", out);
    fputs(" in a graph of ", out);
    page_count(out, ek_model_node_count(f->model), "node", "nodes");
    fputs(f->count > 0 ? ": how each is set, how its numbers are spread along depth, and what is odd about it.</p>\n"
                       : ". Batch norms may have been folded into the layers beside them.</p>\n",
          out);
    facts_list(out, f);
    fprintf(out, "<p class=\"run\">Opset %lld, %s of weights", (long long)ek_model_opset(f->model), weights);
    if (f->diagnosis != NULL) {
        fputs("; statistics held against ", out);
        page_count(out, (size_t)f->diagnosis->images, "image", "images");
    }
    fprintf(out, ". Evenkeel %s.</p>\n</header>\n", ek_version());
}

static void contents(FILE *out, const inspect_facts *f) {
    fputs("<nav class=\"contents\" aria-label=\"On this page\"><p class=\"jump\"><a href=\"#findings\">Findings</a> ",
          out);
    if (f->diagnosis != NULL) fputs("<a href=\"#gap\">On the data</a> ", out);
    if (f->count > 0) fputs("<a href=\"#depth\">Along depth</a> <a href=\"#norms\">Norm by norm</a> ", out);
    fputs("<a href=\"#unseen\">Not looked at</a></p></nav>\n", out);
}

static void write_page(FILE *out, const inspect_page *page) {
    char title[160];
    snprintf(title, sizeof title, "%.100s: its norms", file_name(page->facts->path));
    eki_page frame = {.title = title,
                      .description = "The norms of a model: settings, distributions along depth, and what is odd.",
                      .skip = "Skip to the findings",
                      .skip_to = "findings",
                      .css = inspect_css};
    eki_page_open(out, &frame);
    plot_define_marks(out);
    masthead(out, page->facts);
    contents(out, page->facts);
    fputs("<main>\n", out);
    page_findings(out, page);
    page_gap(out, page);
    page_depth(out, page);
    page_norms(out, page);
    page_unseen(out, page);
    fputs("</main>\n<footer class=\"colophon\"><p>Made by <code>evenkeel inspect --report</code>. Every number on this "
          "page is also in what <code>--json</code> writes.</p></footer>\n",
          out);
    eki_page_close(out);
}

/* Norms with a finding above a note, or off, come first; then those with a note; then by depth. */
static void choose_details(inspect_page *page) {
    const inspect_facts *f = page->facts;
    size_t left = PAGE_DETAILS;
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < f->count && left > 0; i++) {
            int urgent = f->norms[i].worst > EK_NOTE || f->norms[i].off;
            int wanted = round == 0 ? urgent : round == 1 ? f->norms[i].worst == EK_NOTE : 1;
            if (!wanted || page->detailed[i]) continue;
            page->detailed[i] = 1;
            left--;
        }
    for (size_t i = 0; i < f->count; i++) page->left_out += !page->detailed[i];
}

static ek_status save(const char *path, const inspect_page *page, ek_error *err) {
    eki_whole whole;
    FILE *out = eki_whole_open(&whole);
    if (out != NULL) write_page(out, page);
    if (out == NULL || !eki_whole_close(&whole, out)) return fail(err, EK_ERR_NOMEM, "out of memory for %s", path);
    ek_status status = ek_file_replace(path, whole.text, whole.size, err);
    free(whole.text);
    return status;
}

ek_status page_save(const char *path, const inspect_facts *facts, ek_error *err) {
    inspect_page page = {.facts = facts, .detailed = calloc(facts->count + 1, 1)};
    if (page.detailed == NULL) return fail(err, EK_ERR_NOMEM, "out of memory for %zu norms", facts->count);
    choose_details(&page);
    ek_status status = save(path, &page, err);
    free(page.detailed);
    return status;
}
