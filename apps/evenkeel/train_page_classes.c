/* train_page_classes.c: sections of the page about the last validation: which class was taken for which, the worst
 * examples as pictures. */
#include "grid.h"
#include "inspect_page.h"
#include "message.h"
#include "report/html_out.h"
#include "report/text.h"
#include "train_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void class_name(FILE *out, const eval_metrics *m, int64_t index) {
    char number[24];
    page_name(out, metrics_name(m, index, number));
}

static void matrix(FILE *out, const eval_metrics *m, int64_t classes) {
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Confusion matrix\"><table class=\"data "
          "matrix\"><caption>A row for each "
          "class: how many of its examples were taken for which class, in columns of the same order.</caption>"
          "<thead><tr><th scope=\"col\">class</th>",
          out);
    for (int64_t p = 0; p < classes; p++) {
        fputs("<th scope=\"col\">", out);
        class_name(out, m, p);
        fputs("</th>", out);
    }
    fputs("</tr></thead><tbody>\n", out);
    for (int64_t label = 0; label < classes; label++) {
        int64_t examples = ek_metrics_class(m->metrics, label).examples;
        fputs("<tr><th scope=\"row\">", out);
        class_name(out, m, label);
        fputs("</th>", out);
        for (int64_t p = 0; p < classes; p++) {
            int64_t count = ek_metrics_confusion(m->metrics, label, p);
            fprintf(out, "<td%s style=\"--share:%.3f\">%lld</td>", p == label ? " class=\"right\"" : "",
                    examples > 0 ? (double)count / (double)examples : 0, (long long)count);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void pairs(FILE *out, const eval_metrics *m) {
    metrics_pair found[METRICS_PAIRS];
    int count = metrics_confused(m, found);
    fputs(count > 0 ? "<ul class=\"places\">\n" : "<p class=\"calm\">No class was taken for another.</p>\n", out);
    for (int i = 0; i < count; i++) {
        fputs("<li>", out);
        class_name(out, m, found[i].label);
        fputs(" taken for ", out);
        class_name(out, m, found[i].predicted);
        fprintf(out, ": %lld of %lld</li>\n", (long long)found[i].count,
                (long long)ek_metrics_class(m->metrics, found[i].label).examples);
    }
    if (count > 0) fputs("</ul>\n", out);
}

/* Labels are told one by one: none is taken for another. */
static void label_table(FILE *out, const eval_metrics *m, int64_t labels) {
    fputs(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Labels\"><table class=\"data\"><thead><tr>"
        "<th scope=\"col\">label</th><th scope=\"col\">examples</th><th scope=\"col\">predicted</th>"
        "<th scope=\"col\">precision</th><th scope=\"col\">recall</th><th scope=\"col\">F1</th></tr></thead><tbody>\n",
        out);
    for (int64_t i = 0; i < labels && i < PAGE_CLASSES; i++) {
        ek_class_metrics c = ek_metrics_class(m->metrics, i);
        fprintf(out, "<tr><th scope=\"row\">%lld</th><td>%lld</td><td>%lld</td>", (long long)i, (long long)c.examples,
                (long long)c.predicted);
        page_number(out, "<td>", c.precision, "</td>");
        page_number(out, "<td>", c.recall, "</td>");
        page_number(out, "<td>", c.f1, "</td></tr>\n");
    }
    fputs("</tbody></table></div>\n", out);
    if (labels > PAGE_CLASSES)
        fprintf(out, "<p class=\"rest\">The first %d of %lld labels; <code>eval --metrics</code> tells all.</p>\n",
                PAGE_CLASSES, (long long)labels);
}

eval_metrics train_page_judged(const train_job *job) {
    size_t at;
    if (job->terms.count == 0) return job->judged;
    if (job->history.count == 0 || !job->history.rows[job->history.count - 1].validated) return (eval_metrics){0};
    ek_measure measure = terms_measure(&job->terms, &at);
    ek_dataset_info d = ek_dataset_describe(job->validation);
    eval_metrics m = {.metrics = (ek_metrics *)(uintptr_t)ek_measurement_read(job->measurement, at).classes};
    if (measure == EK_MEASURE_CLASSES) m.names = d.class_names, m.named = d.classes;
    return m;
}

void train_page_confusion(FILE *out, const train_job *job) {
    const eval_metrics m = train_page_judged(job);
    int labels = terms_measure(&job->terms, NULL) == EK_MEASURE_LABELS;
    if (m.metrics == NULL) return;
    int64_t classes = ek_metrics_read(m.metrics).classes;
    fprintf(out,
            "<section id=\"confusion\"><h2 class=\"section-title\">%s</h2>\n<p "
            "class=\"section-lede\">On the validation data, after the last epoch of this page.</p>\n",
            labels ? "Label by label" : "Which class was taken for which");
    if (labels)
        label_table(out, &m, classes);
    else if (classes <= PAGE_CLASSES)
        matrix(out, &m, classes);
    else
        pairs(out, &m);
    fputs("</section>\n", out);
}

/* ---- Pictures ---- */

typedef struct picture {
    int channels, height, width, step; /* step: pixels of a side that become one */
    float *values, low, high;          /* channels x height x width; what is black and what is white */
} picture;

static unsigned char level(const picture *p, int channel, int y, int x) {
    const float *plane =
        p->values + (size_t)(channel < p->channels ? channel : 0) * (size_t)p->height * (size_t)p->width;
    double sum = 0, count = 0;
    for (int j = y * p->step; j < (y + 1) * p->step && j < p->height; j++)
        for (int i = x * p->step; i < (x + 1) * p->step && i < p->width; i++, count++)
            sum += (double)plane[(size_t)j * (size_t)p->width + (size_t)i];
    double share = p->high > p->low ? (sum / count - (double)p->low) / (double)(p->high - p->low) : 0;
    return (unsigned char)(255 * fmin(1, fmax(0, share)) + 0.5);
}

/* Bytes as base64, three at a time; the last ones are filled up. */
typedef struct base64 {
    FILE *out;
    unsigned char held[3];
    int count;
} base64;

static void flush64(base64 *b) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned v = (unsigned)b->held[0] << 16 | (unsigned)b->held[1] << 8 | b->held[2];
    if (b->count == 0) return;
    for (int i = 0; i < 4; i++) fputc(i <= b->count ? letters[v >> (18 - 6 * i) & 63] : '=', b->out);
    memset(b->held, 0, sizeof b->held);
    b->count = 0;
}

static void put64(base64 *b, unsigned char byte) {
    b->held[b->count++] = byte;
    if (b->count == 3) flush64(b);
}

static void put_number64(base64 *b, unsigned value, int bytes) {
    for (int i = 0; i < bytes; i++) put64(b, (unsigned char)(value >> 8 * i));
}

/* A BMP of 24 bits, from the bottom up. */
static void bitmap(FILE *out, const picture *p) {
    int height = (p->height + p->step - 1) / p->step, width = (p->width + p->step - 1) / p->step;
    unsigned row = (unsigned)(3 * width + 3) / 4 * 4, bytes = row * (unsigned)height;
    base64 b = {.out = out};
    const struct {
        unsigned value;
        int bytes;
    } header[] = {{'B', 1},
                  {'M', 1},
                  {54 + bytes, 4},
                  {0, 4},
                  {54, 4},
                  {40, 4},
                  {(unsigned)width, 4},
                  {(unsigned)height, 4},
                  {1, 2},
                  {24, 2},
                  {0, 4},
                  {bytes, 4},
                  {2835, 4},
                  {2835, 4},
                  {0, 4},
                  {0, 4}};
    for (size_t i = 0; i < sizeof header / sizeof header[0]; i++) put_number64(&b, header[i].value, header[i].bytes);
    for (int y = height - 1; y >= 0; y--) {
        for (int x = 0; x < width; x++)
            for (int c = 2; c >= 0; c--) put64(&b, level(p, c, y, x));
        for (unsigned i = 3 * (unsigned)width; i < row; i++) put64(&b, 0);
    }
    flush64(&b);
}

/* Pixels are in [0, 1]; arrays may hold anything, and are shown from their least to their largest value. */
static void set_range(picture *p) {
    size_t count = (size_t)p->channels * (size_t)p->height * (size_t)p->width;
    p->low = INFINITY;
    p->high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        p->low = fminf(p->low, p->values[i]);
        p->high = fmaxf(p->high, p->values[i]);
    }
    if (p->low >= 0 && p->high <= 1) p->low = 0, p->high = 1;
}

static const double *by_loss; /* what is sorted */

static int worse(const void *a, const void *b) {
    size_t i = *(const size_t *)a, k = *(const size_t *)b;
    double x = by_loss[i], y = by_loss[k];
    if (isnan(x) || isnan(y)) return isnan(y) - isnan(x) ? isnan(y) - isnan(x) : (i > k) - (i < k);
    return x != y ? (x < y) - (x > y) : (i > k) - (i < k);
}

/* Of a classifier: what the example is, and what it was taken for. */
static void put_judgement(FILE *out, const eval_metrics *m, size_t index) {
    const ek_judgement *j = &m->judgements[index];
    char label[24], predicted[24];
    eki_put(out, "\" alt=\"example of ", metrics_name(m, j->label, label), "\">");
    class_name(out, m, j->label);
    fputs(j->label == j->predicted ? ", right" : " taken for ", out);
    if (j->label != j->predicted) page_name(out, metrics_name(m, j->predicted, predicted));
    fputs("<br>", out);
}

static ek_status one(FILE *out, const train_job *job, picture *p, size_t index, ek_error *err) {
    char text[64];
    ek_status status = ek_dataset_read(job->validation, (int64_t)index, p->values, NULL, err);
    if (status != EK_OK) return status;
    set_range(p);
    eki_number(job->losses[index], text);
    fputs("<li><img src=\"data:image/bmp;base64,", out);
    bitmap(out, p);
    if (job->judged.judgements != NULL)
        put_judgement(out, &job->judged, index);
    else
        fprintf(out, "\" alt=\"example %zu\">", index);
    fprintf(out, "loss <span class=\"loss\">%s</span>, example <span class=\"no\">%zu</span></li>\n", text, index);
    return EK_OK;
}

/* A loss from a file is not known example by example. */
int train_page_pictures(const train_job *job) {
    int each = 1;
    for (size_t i = 0; i < job->terms.count; i++) each = each && job->terms.losses[i].kind != EK_LOSS_GRAPH;
    return each && job->losses != NULL && ek_dataset_describe(job->validation).channels > 0;
}

ek_status train_page_worst(FILE *out, const train_job *job, ek_error *err) {
    if (!train_page_pictures(job)) return EK_OK;
    ek_dataset_info d = ek_dataset_describe(job->validation);
    picture p = {.channels = d.channels, .height = d.height, .width = d.width};
    size_t count = (size_t)d.count;
    int side = d.height > d.width ? d.height : d.width;
    p.step = (side + PAGE_SIDE - 1) / PAGE_SIDE;
    p.values = grid_alloc((size_t)d.channels, (size_t)d.height * (size_t)d.width, sizeof *p.values);
    size_t *order = grid_alloc(count, 1, sizeof *order);
    ek_status status = p.values && order ? EK_OK : fail(err, EK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; status == EK_OK && i < count; i++) order[i] = i;
    by_loss = job->losses;
    if (status == EK_OK) qsort(order, count, sizeof *order, worse);
    fputs("<section id=\"worst\"><h2 class=\"section-title\">The worst examples</h2>\n<p class=\"section-lede\">Those "
          "of the validation "
          "data with the largest loss, numbered from 0.</p>\n<ul class=\"worst\">\n",
          out);
    for (size_t i = 0; status == EK_OK && i < count && i < PAGE_WORST; i++) status = one(out, job, &p, order[i], err);
    fputs("</ul></section>\n", out);
    free(order);
    free(p.values);
    return status;
}
