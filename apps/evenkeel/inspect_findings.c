/* inspect_findings.c: what is odd, worst first: a card for each kind of finding, with its place along depth. */
#include "inspect_page.h"

#include "report/html_out.h"

#include <stdlib.h>
#include <string.h>

enum { KINDS = 64 };

/* The findings of one code and severity. */
typedef struct kind {
    const ek_finding *first;
    size_t count;
} kind;

static int belongs(const kind *k, const ek_finding *f) {
    return k->first->severity == f->severity && strcmp(k->first->code, f->code) == 0;
}

static int sort_kinds(const ek_inspection *in, kind kinds[KINDS]) {
    int n = 0;
    for (size_t i = 0; i < ek_inspection_finding_count(in); i++) {
        const ek_finding *f = ek_inspection_finding(in, i);
        int k = 0;
        while (k < n && !belongs(&kinds[k], f)) k++;
        if (k == KINDS) continue;
        if (k == n) kinds[n++] = (kind){f, 0};
        kinds[k].count++;
    }
    return n;
}

static void row(FILE *out, const inspect_page *page, const kind *k, const ek_finding *f) {
    fputs("<li>", out);
    if (f->norm_index >= 0) {
        page_norm_link(out, page, (size_t)f->norm_index);
        fputs(": ", out);
    } else if (f->norm[0] != '\0') {
        page_name(out, f->norm);
        fputs(": ", out);
    }
    eki_put(out, "", f->text, "");
    if (strcmp(f->remedy, k->first->remedy) != 0) eki_put(out, " <span class=\"remedy\">→ ", f->remedy, "</span>");
    fputs("</li>\n", out);
}

static void rows(FILE *out, const inspect_page *page, const kind *k) {
    size_t at = 0, shown = k->count < PAGE_FINDINGS ? k->count : PAGE_FINDINGS;
    size_t open = k->count <= PAGE_FEW + 1 ? shown : PAGE_FEW;
    fputs("<ul class=\"places\">\n", out);
    for (size_t i = 0; i < ek_inspection_finding_count(page->facts->in) && at < shown; i++) {
        const ek_finding *f = ek_inspection_finding(page->facts->in, i);
        if (!belongs(k, f)) continue;
        if (at == open) {
            fputs("</ul>\n<details class=\"more\"><summary>", out);
            page_count(out, k->count - open, "more", "more");
            fputs("</summary><ul class=\"places\">\n", out);
        }
        row(out, page, k, f);
        at++;
    }
    if (shown < k->count) {
        fputs("<li class=\"rest\">… and ", out);
        page_count(out, k->count - shown, "more", "more");
        fputs(": <code>evenkeel inspect --json</code> lists all.</li>\n", out);
    }
    fputs(open < shown ? "</ul></details>\n" : "</ul>\n", out);
}

/* Where they are along depth; nothing where no norm of the list is meant. */
static void lane(FILE *out, const inspect_page *page, const kind *k) {
    size_t *norms = calloc(k->count, sizeof *norms), n = 0;
    if (norms == NULL) return;
    for (size_t i = 0; i < ek_inspection_finding_count(page->facts->in); i++) {
        const ek_finding *f = ek_inspection_finding(page->facts->in, i);
        if (belongs(k, f) && f->norm_index >= 0) norms[n++] = (size_t)f->norm_index;
    }
    if (n > 0 && page->facts->count > 1) plot_lane(out, (int)k->first->severity, norms, n, page->facts->count);
    free(norms);
}

static void card(FILE *out, const inspect_page *page, const kind *k) {
    fprintf(out, "<article class=\"finding v%d\" id=\"finding-%s\">\n<h3>", (int)k->first->severity, k->first->code);
    eki_put(out, "<code>", k->first->code, "</code> ");
    page_chip(out, (int)k->first->severity);
    if (k->first->norm_index >= 0) {
        fputs(" <span class=\"times\">", out);
        page_count(out, k->count, "norm", "norms");
        fputs("</span>", out);
    }
    fputs("</h3>\n", out);
    lane(out, page, k);
    rows(out, page, k);
    eki_put(out, "<p class=\"remedy\">→ ", k->first->remedy, "</p>\n</article>\n");
}

static void nothing(FILE *out, const inspect_facts *f) {
    size_t unread = page_unread(f);
    fputs("<p class=\"calm\">Nothing odd was found", out);
    if (unread > 0) {
        fputs(" in what could be read. Of ", out);
        page_count(out, unread, "norm", "norms");
        page_number(out, " of ", (double)f->count, ", parameters could not: <a href=\"#unseen\">not looked at</a>");
    }
    fputs(".</p>\n", out);
}

void page_findings(FILE *out, const inspect_page *page) {
    kind kinds[KINDS];
    int n = sort_kinds(page->facts->in, kinds);
    fputs("<section id=\"findings\" aria-labelledby=\"findings-title\" tabindex=\"-1\">\n"
          "<h2 id=\"findings-title\" class=\"section-title\">Findings</h2>\n",
          out);
    if (n == 0) nothing(out, page->facts);
    for (int i = 0; i < n; i++) card(out, page, &kinds[i]);
    fputs("</section>\n", out);
}
