/* inspect_unseen.c: what was not looked at, so that silence is not taken for praise. */
#include "inspect_page.h"

#include "report/html_out.h"

#include <stdlib.h>
#include <string.h>

enum { OPERATORS = 24, NORMS = 24 };

/* An operator that the engine does not run, and how often it stands in the graph. */
typedef struct stranger {
    const char *domain, *name;
    size_t count;
} stranger;

static int alike(const stranger *a, const stranger *b) {
    return strcmp(a->name, b->name) == 0 && strcmp(a->domain, b->domain) == 0;
}

static int is_run(const char *domain, const char *name) {
    if (domain[0] != '\0' && strcmp(domain, "ai.onnx") != 0) return 0;
    for (size_t i = 0; i < ek_operator_count(); i++)
        if (strcmp(ek_operator_get(i).name, name) == 0) return 1;
    return 0;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The outputs of all norms, sorted: what gives one of them is known, whoever runs it. */
static const char **norm_outputs(const inspect_facts *f) {
    const char **outputs = calloc(f->count + 1, sizeof *outputs);
    if (outputs == NULL) return NULL;
    for (size_t i = 0; i < f->count; i++) outputs[i] = f->norms[i].seen->norm.output;
    qsort(outputs, f->count, sizeof *outputs, by_text);
    return outputs;
}

/* Fills `list`; *others counts the nodes that found no place in it. */
static int strangers(const inspect_facts *f, stranger list[OPERATORS], size_t *others) {
    int n = 0;
    const char **outputs = norm_outputs(f);
    *others = 0;
    for (size_t i = 0; i < ek_model_node_count(f->model); i++) {
        ek_node_info node = ek_model_node(f->model, i);
        if (is_run(node.domain, node.op_type)) continue;
        if (outputs != NULL && bsearch(&node.output, outputs, f->count, sizeof *outputs, by_text) != NULL) continue;
        stranger one = {node.domain, node.op_type, 0};
        int k = 0;
        while (k < n && !alike(&list[k], &one)) k++;
        if (k == n && n < OPERATORS) list[n++] = one;
        if (k < n)
            list[k].count++;
        else
            ++*others;
    }
    free(outputs);
    return n;
}

static void operators(FILE *out, const inspect_facts *f) {
    stranger list[OPERATORS];
    size_t others;
    int n = strangers(f, list, &others);
    if (n == 0) return;
    fputs("<li><strong>Operators that Evenkeel does not run.</strong> One that normalizes without being known for it "
          "would "
          "not be seen; graphs and functions of the file are looked into: ",
          out);
    for (int i = 0; i < n; i++) {
        char name[160];
        snprintf(name, sizeof name, "%.70s%s%.70s", list[i].domain, list[i].domain[0] != '\0' ? "." : "", list[i].name);
        fputs(i > 0 ? ", " : "", out);
        page_name(out, name);
        if (list[i].count > 1) page_number(out, " × ", (double)list[i].count, "");
    }
    if (others > 0) {
        fputs(", and ", out);
        page_count(out, others, "node", "nodes");
        fputs(" of others", out);
    }
    fputs(".</li>\n", out);
}

/* Batch norms have four parameters, instance and group norms two, layer norms at least a scale. */
static int lacks_numbers(const ek_norm_seen *seen) {
    const ek_model_norm *n = &seen->norm;
    int bias = n->kind == EK_NORM_BATCH || n->kind == EK_NORM_INSTANCE || n->kind == EK_NORM_GROUP;
    int batch = n->kind == EK_NORM_BATCH;
    return seen->scale.count == 0 || ((bias || n->bias[0] != '\0') && seen->bias.count == 0) ||
           (batch && (seen->mean.count == 0 || seen->variance.count == 0));
}

size_t page_unread(const inspect_facts *f) {
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) count += lacks_numbers(f->norms[i].seen) != 0;
    return count;
}

static void parameters(FILE *out, const inspect_page *page) {
    size_t count = page_unread(page->facts), shown = 0;
    if (count == 0) return;
    fputs("<li><strong>Parameters that are no constants of a type that is read</strong>, or that there are not, of ",
          out);
    page_count(out, count, "norm", "norms");
    fputs(": ", out);
    for (size_t i = 0; i < page->facts->count && shown < NORMS; i++) {
        if (!lacks_numbers(page->facts->norms[i].seen)) continue;
        fputs(shown++ > 0 ? ", " : "", out);
        page_norm_link(out, page, i);
    }
    fputs(shown < count ? ", …</li>\n" : ".</li>\n", out);
}

static void apart(FILE *out, const inspect_facts *f) {
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) count += f->norms[i].seen->norm.apart != 0;
    if (count == 0) return;
    fputs("<li><strong>Less is looked for</strong> in ", out);
    page_count(out, count, "norm", "norms");
    fputs(" in nested graphs or functions, or that stay written out: they are listed last, and left alone by whatever "
          "changes or trains norms.</li>\n",
          out);
}

void page_unseen(FILE *out, const inspect_page *page) {
    const inspect_facts *f = page->facts;
    size_t batch = 0;
    for (size_t i = 0; i < f->count; i++) batch += f->norms[i].seen->norm.kind == EK_NORM_BATCH;
    fputs(
        "<section id=\"unseen\" aria-labelledby=\"unseen-title\">\n<h2 id=\"unseen-title\" class=\"section-title\">Not "
        "looked at</h2>\n<ul class=\"unseen\">\n",
        out);
    parameters(out, page);
    operators(out, f);
    apart(out, f);
    if (batch > 0 && f->diagnosis == NULL)
        fputs("<li><strong>Data.</strong> Whether the running statistics fit any is not known: <code>evenkeel inspect "
              "MODEL.onnx --data SPEC --report FILE.html</code> holds them against some.</li>\n",
              out);
    fputs("<li><strong>Other layers.</strong> Their weights are not examined, only what stands beside norms.</li>\n"
          "</ul>\n</section>\n",
          out);
}
