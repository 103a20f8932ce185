/* page_live.c: the laboratory on the page: a section of experiments that the reader runs, and what they show at their
 * first settings, so that nothing is lost without script. The script puts controls and figures into each. */
#include "study/page/page_live.h"

#include "web/live.h"
#include "web/live_known.h"

enum { NORMS = 1000 };

static void open_experiment(FILE *out, const char *id, const char *title) {
    fprintf(out,
            "<article class=\"lab\" id=\"live-%s\" aria-labelledby=\"live-%s-title\">\n<h3 "
            "id=\"live-%s-title\">%s</h3>\n<p>",
            id, id, id, title);
}

static void close_experiment(FILE *out) { fputs("</p>\n<div class=\"bench\"></div>\n</article>\n", out); }

static void rate(FILE *out) {
    open_experiment(out, "rate", "One high learning rate, two networks");
    fprintf(out,
            "Only the norms differ. At rate 0.4, after 150 steps, the network without norms reads %.1f%% of the test "
            "digits, which is chance; the one with batch norm reads "
            "%.1f%%. At rate 0.03 both learn: %.1f%% and %.1f%%. With one image a batch it is batch norm that stays at "
            "%.1f%%, because a dense layer's batch of one has no variance and gives β, whatever the image; group norm "
            "reads %.1f%%.",
            live_shown.high_none, live_shown.high_batch, live_shown.low_none, live_shown.low_batch,
            live_shown.one_batch, live_shown.one_group);
    close_experiment(out);
}

static void light(FILE *out) {
    open_experiment(out, "light", "A change of light, and statistics measured anew");
    fprintf(out,
            "Drag the brightness. Evaluation still has the mean and variance of the old light; in training mode each "
            "batch brings its own. At +0.4 evaluation falls from %.1f%% to %.1f%%. "
            "Statistics measured anew on unlabelled images bring it to %.1f%%.",
            live_shown.light_before, live_shown.light_broken, live_shown.light_anew);
    close_experiment(out);
}

static void mates(FILE *out) {
    open_experiment(out, "mates", "One image among others");
    fputs(
        "In training mode the ten logits of an image depend on who else is in the batch. In evaluation, and with group "
        "or layer norm, other mates do not move them by a bit. Shrink the batch to one, and batch norm gives the same "
        "ten logits to every image.",
        out);
    close_experiment(out);
}

static void chase(FILE *out) {
    open_experiment(out, "chase", "Running statistics run after");
    fputs("Dots: the mean of a channel in each batch. Line: the running mean, which evaluation uses. The weights rest; "
          "switch the light, and the line has the part m<sup>t</sup> of its way left after t steps. With momentum 0.9 "
          "nine tenths take 22 steps, with 0.99 they take 230.",
          out);
    close_experiment(out);
}

static void turn(FILE *out) {
    open_experiment(out, "turn", "A weight vector that only turns");
    fprintf(
        out,
        "The norm behind a layer takes the length out of its weights, so the gradient stands at right angles to "
        "them and every step makes them longer, and the same rate turns them less: %.2f° a step. Weight decay pulls "
        "the length back; growth and decay balance, and the vector keeps turning, here by %.2f° a step, where theory "
        "says √(2ηλ/(1+α)) = %.2f°.",
        live_shown.turn_free, live_shown.turn_decayed, live_shown.turn_predicted);
    close_experiment(out);
}

static int is_missing(void) { return eks_live_module_js[0] == '\0'; }

void eks_page_live(FILE *out) {
    fputs("<section id=\"live\" class=\"laboratory\" aria-labelledby=\"live-title\">\n"
          "<h2 id=\"live-title\" class=\"section-title\">Try it yourself</h2>\n"
          "<p class=\"section-lede\">A small network learns to read digits drawn as it goes: three convolutions, "
          "two dense layers, norm and ReLU behind all but the last. It runs in this page; the same settings give "
          "everybody the same numbers.</p>\n",
          out);
    fputs(is_missing()
              ? "<p class=\"problem\" id=\"live-missing\">The live part is missing: the program that wrote this "
                "page was built without the tools for WebAssembly. What it shows is told below.</p>\n"
              : "<p class=\"bits\" id=\"live-bits\">Its norms are the library's, compiled to WebAssembly, and "
                "give the same bits as the program that wrote this page, for 1,000 random norms. "
                "<output></output></p>\n",
          out);
    rate(out);
    light(out);
    mates(out);
    chase(out);
    turn(out);
    fputs("</section>\n", out);
}

void eks_page_live_script(FILE *out) {
    if (is_missing()) return;
    fputs("<script type=\"text/plain\" id=\"live-hashes\">", out);
    for (int i = 0; i < NORMS; i++) fprintf(out, "%08x", (unsigned)live_bits(i));
    fputs("</script>\n<script type=\"text/plain\" id=\"live-module\">", out);
    fputs(eks_live_module_js, out);
    fputs("</script>\n<script>\n", out);
    fputs(eks_live_js, out);
    fputs("</script>\n", out);
}
