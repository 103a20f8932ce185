/* train_page_norms.c: the section of the page about norms: their running statistics against those of the batches. */
#include "inspect_page.h"
#include "report/html_out.h"
#include "report/svg_out.h"
#include "report/text.h"
#include "train_page.h"

#include <evenkeel/surgery.h>
#include <math.h>

/* A row for each norm, a column for each epoch, darker where the shift is larger: full at one deviation. */
static void heat(FILE *out, const train_job *job) {
    const history *h = &job->history;
    size_t stride = train_page_stride(job, PAGE_HEAT), norms = h->norms < PAGE_HEAT ? h->norms : PAGE_HEAT;
    size_t columns = (h->count + stride - 1) / stride;
    fputs("<figure class=\"quantity\" id=\"shift\"><h3>Shift of the mean</h3>\n<svg class=\"heat\"", out);
    fprintf(out, " viewBox=\"0 0 %zu %zu\"", 10 * columns, 10 * norms);
    eki_svg_label(out, "shift");
    fputs(" preserveAspectRatio=\"none\" style=\"max-height:24rem\">", out);
    eki_svg_title(out, "shift", "Shift of the mean of each norm along training",
                  "A row for each norm, a column for each epoch; darker is a larger shift.");
    for (size_t k = 0; k < columns; k++) {
        size_t row = h->count - 1 - (columns - 1 - k) * stride;
        for (size_t n = 0; n < norms; n++) {
            double shift = h->rows[row].gap.measured ? h->shifts[row * h->norms + n] : (double)NAN;
            if (!(shift > 0)) continue;
            fprintf(out, "<rect x=\"%zu\" y=\"%zu\" width=\"10\" height=\"10\" fill-opacity=\"%.2f\"/>", 10 * k, 10 * n,
                    fmin(1, sqrt(shift)));
        }
    }
    fputs(
        "</svg>\n<figcaption>A row for each norm, from the input on, a column for each epoch: how far the mean of the "
        "batches lies from the running mean, "
        "in running deviations, averaged over the channels. Full ink is one deviation or more.</figcaption></figure>\n",
        out);
}

static void numbers(FILE *out, const train_job *job) {
    fputs("<details class=\"numbers\"><summary>Each norm after the last epoch</summary><div class=\"scroll\" "
          "tabindex=\"0\" role=\"region\" "
          "aria-label=\"Statistics of each norm\"><table class=\"data\"><thead><tr><th scope=\"col\">norm</th><th "
          "scope=\"col\">shift of the mean</th>"
          "<th scope=\"col\">largest</th><th scope=\"col\">variance, least ratio</th><th scope=\"col\">largest "
          "ratio</th></tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < ek_recalibration_count(job->norm_gaps) && i < PAGE_ROWS; i++) {
        const ek_recalibrated *r = ek_recalibration_row(job->norm_gaps, i);
        double none = NAN;
        fputs("<tr><th scope=\"row\">", out);
        page_name(out, r->norm);
        page_number(out, "</th><td>", r->updated ? r->shift_mean : none, "</td>");
        page_number(out, "<td>", r->updated ? r->shift_max : none, "</td>");
        page_number(out, "<td>", r->updated ? r->ratio_min : none, "</td>");
        page_number(out, "<td>", r->updated ? r->ratio_max : none, "</td></tr>\n");
    }
    fputs("</tbody></table></div></details>\n", out);
}

void train_page_norms(FILE *out, const train_job *job) {
    if (job->norm_gaps == NULL) return;
    fputs("<section id=\"norms\"><h2 class=\"section-title\">Running statistics against the batch's</h2>\n<p "
          "class=\"section-lede\">After each epoch the "
          "batch norms were measured on the same training images, and what was found held against the running "
          "statistics that inference uses.</p>\n",
          out);
    heat(out, job);
    numbers(out, job);
    fputs("</section>\n", out);
}
