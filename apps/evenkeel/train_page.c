/* train_page.c: the frame of the page, its top, the curves and the table of epochs. */
#include "train_page.h"

#include "inspect_page.h"
#include "message.h"
#include "report/html_out.h"
#include "report/text.h"
#include "report/whole.h"
#include "train_curve.h"

#include <evenkeel/files.h>
#include <evenkeel/version.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t train_page_stride(const train_job *job, size_t most) { return (job->history.count + most - 1) / most; }

/* ---- Curves ---- */

static double loss(const epoch_row *row) { return row->loss; }
static double accuracy(const epoch_row *row) { return row->accuracy; }
static double rate(const epoch_row *row) { return row->lr; }
static double mean_norm(const epoch_row *row) { return row->gradient_norm > 0 ? row->gradient_norm : (double)NAN; }
static double most_norm(const epoch_row *row) { return row->gradient_norm > 0 ? row->gradient_norm_max : (double)NAN; }
static double validation_loss(const epoch_row *row) { return row->validated ? row->validation_loss : (double)NAN; }
static double metric(const epoch_row *row, int i) { return row->validated ? row->metrics[i] : (double)NAN; }
static double metric_0(const epoch_row *row) { return metric(row, 0); }
static double metric_1(const epoch_row *row) { return metric(row, 1); }
static double metric_2(const epoch_row *row) { return metric(row, 2); }
static double metric_3(const epoch_row *row) { return metric(row, 3); }
static double metric_4(const epoch_row *row) { return metric(row, 4); }
static double with_running(const epoch_row *row) { return row->gap.measured ? row->gap.running : (double)NAN; }
static double with_batch(const epoch_row *row) { return row->gap.measured ? row->gap.batch : (double)NAN; }

typedef struct line {
    const char *name;
    double (*value)(const epoch_row *row);
} line;

typedef struct chart {
    const char *id, *title, *caption;
    int logarithmic;
    line lines[CURVE_LINES];
    unsigned measures; /* the runs that it is for, 1 << ek_measure; 0 = all */
} chart;

static const chart charts[] = {
    {"loss",
     "Loss",
     "Mean over the steps of an epoch, before their updates, and on the validation data at its end.",
     1,
     {{"training", loss}, {"validation", validation_loss}},
     0},
    {"accuracy",
     "Accuracy",
     "Share of right answers; F1 is the mean over the classes.",
     0,
     {{"training", accuracy}, {"validation", metric_0}, {"validation, F1", metric_3}},
     1U << EK_MEASURE_CLASSES},
    {"overlap",
     "Intersection over union",
     "On the validation data: its mean over the classes that occur, mean F1, and the share of right ones of all "
     "places.",
     0,
     {{"mean IoU", metric_4}, {"F1", metric_3}, {"accuracy", metric_0}},
     1U << EK_MEASURE_PLACES},
    {"labels",
     "Labels",
     "On the validation data: means over the labels that occur.",
     0,
     {{"F1", metric_3}, {"precision", metric_1}, {"recall", metric_2}},
     1U << EK_MEASURE_LABELS},
    {"error",
     "Error",
     "On the validation data: mean distance from the target, and its root mean square.",
     1,
     {{"MAE", metric_0}, {"RMSE", metric_1}},
     1U << EK_MEASURE_NUMBERS},
    {"explained",
     "R²",
     "On the validation data: the share of the spread of the targets that is explained; 0 is their mean.",
     0,
     {{"R²", metric_2}},
     1U << EK_MEASURE_NUMBERS},
    {"rate", "Learning rate", "Of the last step of each epoch.", 0, {{"learning rate", rate}}, 0},
    {"gradient",
     "Norm of the gradients",
     "Of all trained parameters together, before clipping.",
     1,
     {{"mean of the steps", mean_norm}, {"largest", most_norm}},
     0},
    {"gap",
     "Between training and inference",
     "The loss on the same training images, with the running statistics of batch norms, as in inference, and with "
     "those of each batch, as in training. "
     "Where the lines part, the running statistics do not fit the weights.",
     1,
     {{"running statistics", with_running}, {"statistics of each batch", with_batch}},
     0},
};
enum { CHARTS = sizeof charts / sizeof charts[0] };

/* The points of a line; 0 = there is none. */
static int fill(const train_job *job, size_t stride, double (*value)(const epoch_row *), double *points) {
    int there = 0;
    size_t n = 0;
    for (size_t i = job->history.count; i > 0; i = i > stride ? i - stride : 0) n++;
    for (size_t k = n, i = job->history.count; k > 0; k--, i = i > stride ? i - stride : 0) {
        points[k - 1] = value(&job->history.rows[i - 1]);
        there |= isfinite(points[k - 1]);
    }
    return there;
}

static double epoch_of(const epoch_row *row) { return (double)row->epoch; }

void train_page_curves(FILE *out, const train_job *job) {
    static double points[CURVE_LINES + 1][PAGE_POINTS + 1];
    size_t stride = train_page_stride(job, PAGE_POINTS), count = (job->history.count + stride - 1) / stride;
    const epoch_row *best = history_best(&job->history);
    fputs("<section id=\"curves\"><h2 class=\"section-title\">Along training</h2>\n", out);
    for (int i = 0; i < CHARTS; i++) {
        curve c = {.id = charts[i].id,
                   .title = charts[i].title,
                   .caption = charts[i].caption,
                   .count = count,
                   .logarithmic = charts[i].logarithmic,
                   .best = best != NULL ? (double)best->epoch : (double)NAN,
                   .epochs = points[CURVE_LINES]};
        int lines = 0;
        if (charts[i].measures != 0 && !(charts[i].measures >> terms_measure(&job->terms, NULL) & 1)) continue;
        (void)fill(job, stride, epoch_of, points[CURVE_LINES]);
        for (int l = 0; l < CURVE_LINES && charts[i].lines[l].name != NULL; l++) {
            if (!fill(job, stride, charts[i].lines[l].value, points[lines])) continue;
            c.lines[lines] = (curve_line){charts[i].lines[l].name, points[lines]};
            lines++;
        }
        if (lines > 0) curve_draw(out, &c);
    }
    fputs("</section>\n", out);
}

/* ---- The table ---- */

static void cell(FILE *out, double value, int there) { page_number(out, "<td>", there ? value : (double)NAN, "</td>"); }

static void table_row(FILE *out, const epoch_row *r, ek_measure measure) {
    int v = r->validated, g = r->gradient_norm > 0;
    fprintf(out, "<tr><th scope=\"row\">%lld</th>", (long long)r->epoch);
    cell(out, (double)r->step, 1);
    cell(out, r->loss, 1);
    if (measure == EK_MEASURE_CLASSES) cell(out, r->accuracy, 1);
    cell(out, r->lr, 1);
    cell(out, r->gradient_norm, g);
    cell(out, r->gradient_norm_max, g);
    cell(out, (double)r->clipped, g);
    cell(out, r->validation_loss, v);
    for (int i = 0; i < measure_count(measure); i++) cell(out, r->metrics[i], v);
    fputs("</tr>\n", out);
}

static void head(FILE *out, const char *name) { eki_put(out, "<th scope=\"col\">", name, "</th>"); }

static void table_head(FILE *out, ek_measure measure) {
    static const char *const names[] = {"epoch",    "step",    "loss",    "accuracy",       "rate",
                                        "gradient", "largest", "clipped", "validation loss"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (i != 3 || measure == EK_MEASURE_CLASSES) head(out, names[i]);
    for (int i = 0; i < measure_count(measure); i++) head(out, measure_names_of(measure)->titles[i]);
}

void train_page_table(FILE *out, const train_job *job) {
    ek_measure measure = terms_measure(&job->terms, NULL);
    size_t stride = train_page_stride(job, PAGE_POINTS), rows = job->history.count;
    fputs("<section id=\"epochs\"><h2 class=\"section-title\">Epoch by epoch</h2>\n<details "
          "class=\"numbers\"><summary>The numbers</summary>"
          "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Numbers of each epoch\"><table "
          "class=\"data\"><thead><tr>",
          out);
    table_head(out, measure);
    fputs("</tr></thead><tbody>\n", out);
    for (size_t i = 0; i < rows; i++)
        if ((rows - 1 - i) % stride == 0) table_row(out, &job->history.rows[i], measure);
    fputs("</tbody></table></div></details>\n", out);
    if (stride > 1) fprintf(out, "<p class=\"rest\">One epoch in %zu is shown; --log writes all.</p>\n", stride);
    fputs("</section>\n", out);
}

/* ---- The frame ---- */

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static void facts(FILE *out, const train_job *job) {
    const epoch_row *last = &job->history.rows[job->history.count - 1], *best = history_best(&job->history);
    const measure_names *names = measure_names_of(terms_measure(&job->terms, NULL));
    int headline = names->headline;
    char title[64];
    snprintf(title, sizeof title, "best validation %s", headline >= 0 ? names->titles[headline] : "");
    const struct {
        const char *name;
        double value;
        int there;
    } all[] = {{"epochs", (double)last->epoch, 1},
               {"training loss", last->loss, 1},
               {"validation loss", last->validation_loss, last->validated},
               {"best epoch", best ? (double)best->epoch : 0, best != NULL},
               {title, best && headline >= 0 ? best->metrics[headline] : 0, best != NULL && headline >= 0}};
    fputs("<dl class=\"facts\">", out);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!all[i].there) continue;
        eki_put(out, "<div><dt>", all[i].name, "</dt>");
        page_number(out, "<dd>", all[i].value, "</dd></div>");
    }
    fputs("</dl>\n", out);
}

static void masthead(FILE *out, const train_job *job) {
    ek_dataset_info d = ek_dataset_describe(job->train);
    int64_t epochs = (job->total_steps + job->batches - 1) / job->batches, done = train_step(job);
    fputs("<header class=\"masthead\">\n<p class=\"kicker\">Evenkeel train</p>\n<h1>", out);
    page_name(out, file_name(job->output));
    fputs("</h1>\n<p class=\"lede\">", out);
    page_name(out, file_name(option_text(job->args, "model")));
    fputs(" on ", out);
    if (d.channels == 0) {
        page_count(out, (size_t)d.count, "example", "examples");
    } else {
        page_count(out, (size_t)d.count, "image", "images");
        fprintf(out, " of %dx%dx%d", d.channels, d.height, d.width);
        if (terms_classify(&job->terms)) fputs(" in ", out);
        if (terms_classify(&job->terms)) page_count(out, (size_t)d.classes, "class", "classes");
    }
    fprintf(out, ", %s.</p>\n",
            job->history.ended         ? "stopped early"
            : done >= job->total_steps ? "at its end"
                                       : "under way");
    facts(out, job);
    fprintf(out, "<p class=\"run\">Step %lld of %lld, %lld epochs, batch %lld. Evenkeel %s.</p>\n</header>\n",
            (long long)done, (long long)job->total_steps, (long long)epochs, (long long)job->loading.batch,
            ek_version());
}

static void contents(FILE *out, const train_job *job) {
    fputs(
        "<nav class=\"contents\" aria-label=\"On this page\"><p class=\"jump\"><a href=\"#curves\">Along training</a> ",
        out);
    if (job->norm_gaps != NULL) fputs("<a href=\"#norms\">Norms</a> ", out);
    if (train_page_judged(job).metrics != NULL) fputs("<a href=\"#confusion\">Classes</a> ", out);
    if (train_page_pictures(job)) fputs("<a href=\"#worst\">Worst examples</a> ", out);
    fputs("<a href=\"#epochs\">Epoch by epoch</a></p></nav>\n", out);
}

static ek_status write_page(FILE *out, const train_job *job, ek_error *err) {
    char title[160];
    snprintf(title, sizeof title, "%.100s: its training", file_name(job->output));
    eki_page frame = {.title = title,
                      .description = "A training: loss, metrics, gradients, norms and the worst examples.",
                      .skip = "Skip to the curves",
                      .skip_to = "curves",
                      .css = train_css};
    eki_page_open(out, &frame);
    masthead(out, job);
    contents(out, job);
    fputs("<main>\n", out);
    train_page_curves(out, job);
    train_page_norms(out, job);
    train_page_confusion(out, job);
    ek_status status = train_page_worst(out, job, err);
    if (job->validation == NULL)
        fprintf(out,
                "<p class=\"rest\">Without validation data there is no %s: <code>--validation 0.1</code> "
                "takes a tenth of the examples for it.</p>\n",
                terms_classify(&job->terms) ? "confusion matrix" : "metric but the loss");
    train_page_table(out, job);
    fputs("</main>\n<footer class=\"colophon\"><p>Made by <code>evenkeel train --report</code> after each epoch. The "
          "numbers of "
          "the epochs are also in what <code>--log</code> writes.</p></footer>\n",
          out);
    eki_page_close(out);
    return status;
}

ek_status train_page_save(const char *path, const train_job *job, ek_error *err) {
    eki_whole whole;
    ek_status status = EK_OK;
    if (job->history.count == 0) return EK_OK;
    FILE *out = eki_whole_open(&whole);
    if (out != NULL) status = write_page(out, job, err);
    if (out == NULL || !eki_whole_close(&whole, out)) return fail(err, EK_ERR_NOMEM, "out of memory for %s", path);
    if (status == EK_OK) status = ek_file_replace(path, whole.text, whole.size, err);
    free(whole.text);
    return status;
}
