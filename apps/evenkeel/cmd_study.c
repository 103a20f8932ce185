/* cmd_study.c: `evenkeel study`: the claims about batch norm, each put to an experiment on this machine. */
#include "command.h"
#include "inputs.h"
#include "interrupt.h"
#include "message.h"
#include "print.h"
#include "report/json_out.h"
#include "terminal.h"

#include "study/study.h"

#include <evenkeel/files.h>
#include <string.h>

static const option study_options[] = {
    {.name = "output",
     .letter = 'o',
     .alias = "out",
     .type = OPT_FILE,
     .argument = "FILE.html",
     .fallback = "evenkeel-study.html",
     .group = "Output",
     .help = "the page, one self-contained file"},
    {.name = "results",
     .type = OPT_FILE,
     .argument = "FILE.json",
     .group = "Output",
     .help = "also write the raw results"},
    {.name = "anki",
     .type = OPT_FILE,
     .argument = "FILE.txt",
     .group = "Output",
     .help = "also write the questions for Anki: question, answer, evidence"},
    {.name = "verify",
     .type = OPT_FILE,
     .argument = "FILE.json",
     .group = "Output",
     .help = "prove these results, or a page: all of it follows from its seeds"},
    {.name = "quick", .type = OPT_FLAG, .group = "Study", .help = "closed forms and smallest runs, under a minute"},
    {.name = "full", .type = OPT_FLAG, .group = "Study", .help = "more seeds and larger networks; takes hours"},
    {.name = "card",
     .type = OPT_INT,
     .argument = "N",
     .fallback = "0",
     .maximum = 99,
     .group = "Study",
     .help = "run this claim only; 0 = all"},
    {.name = "seed", .type = OPT_INT, .argument = "S", .fallback = "1", .group = "Study", .help = "of all randomness"},
    {.name = "data",
     .type = OPT_FILE,
     .argument = "SPEC",
     .group = "Study",
     .traits = OPT_REPEAT,
     .help = "images; given twice, digits and photographs serve different cards [builtin:strokes]"},
    {.name = "sabotage",
     .type = OPT_TEXT,
     .argument = "NAME",
     .traits = OPT_HIDDEN,
     .group = "Study",
     .help = "a deliberate defect, so that claims can be seen to fail"},
    OPTION_THREADS,
    OPTIONS_COMMON,
    OPTION_END,
};

typedef struct screen {
    progress bar;
    char last[128];
} screen;

static void on_progress(void *context, const char *what, double fraction) {
    screen *s = context;
    progress_draw(&s->bar, what, fraction, "");
    if (s->bar.shown || strcmp(s->last, what) == 0) return;
    snprintf(s->last, sizeof s->last, "%s", what);
    note("%3.0f %%  %s", 100 * fraction, what);
}

static int on_stopped(void *context) {
    (void)context;
    return interrupt_wanted() != 0;
}

static void on_disagreement(void *context, const char *text) {
    (void)context;
    note("%s", text);
}

/* Exit status 1: a verdict in the file does not follow from its numbers. */
static int verify(const arguments *args) {
    ek_error err = {0};
    int checked, wrong;
    ek_status status = ek_study_verify(option_text(args, "verify"), &checked, &wrong, NULL, on_disagreement, &err);
    if (status != EK_OK) return report(&err);
    if (option_flag(args, "json")) {
        eki_json json;
        eki_json_start(&json, stdout, 2);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "results", option_text(args, "verify"));
        eki_json_int(&json, "cards", checked);
        eki_json_int(&json, "disagreements", wrong);
        eki_json_finish(&json);
    } else {
        print("results   %s\ncards     %d made again from their seeds\ndiffering %d values\n",
              option_text(args, "verify"), checked, wrong);
    }
    return wrong > 0 || checked == 0 ? EXIT_CHECK : EXIT_DONE;
}

static int run_study(const arguments *args) {
    ek_error err = {0};
    if (option_text(args, "verify") != NULL) return verify(args);
    const option_value *data = option_get(args, "data");
    screen view = {.last = ""};
    ek_study_options options = {
        .output_html = option_text(args, "output"),
        .output_json = option_text(args, "results"),
        .output_anki = option_text(args, "anki"),
        .quick = option_flag(args, "quick"),
        .card = (int)option_int(args, "card"),
        .seed = (uint64_t)option_int(args, "seed"),
        .threads = (int)option_int(args, "threads"),
        .full = option_flag(args, "full"),
        .data = data->count > 0 ? data->texts[0] : NULL,
        .more_data = data->count > 1 ? data->texts[1] : NULL,
        .sabotage = option_text(args, "sabotage"),
        .stopped = on_stopped,
        .progress = on_progress,
        .context = &view,
        .quiet = option_flag(args, "quiet"),
    };
    interrupt_listen();
    if (word_check_extension("--output", options.output_html, ".html", &err) != EK_OK) return report(&err);
    if (options.output_json != NULL && word_check_extension("--results", options.output_json, ".json", &err) != EK_OK)
        return report(&err);
    if (ek_file_check(options.output_html, &err) != EK_OK) return report(&err);
    if (options.output_json != NULL && ek_file_check(options.output_json, &err) != EK_OK) return report(&err);
    if (options.output_anki != NULL && ek_file_check(options.output_anki, &err) != EK_OK) return report(&err);
    int failed = 0;
    progress_start(&view.bar);
    double began = clock_seconds();
    ek_status status = ek_study_run(&options, &failed, &err);
    progress_clear(&view.bar);
    if (status != EK_OK && status != EK_ERR_CHECK) return report(&err);
    if (option_flag(args, "json")) {
        eki_json json;
        eki_json_start(&json, stdout, 2);
        eki_json_object(&json, NULL);
        eki_json_int(&json, "claims_failed", failed);
        eki_json_text(&json, "page", options.output_html);
        eki_json_text(&json, "results", options.output_json);
        eki_json_text(&json, "anki", options.output_anki);
        eki_json_real(&json, "seconds", clock_seconds() - began);
        eki_json_finish(&json);
    } else {
        print("page      %s\n", options.output_html);
        if (options.output_json != NULL) print("results   %s\n", options.output_json);
        if (options.output_anki != NULL) print("anki      %s\n", options.output_anki);
        print("claims    %d failed\n", failed);
    }
    return failed > 0 ? EXIT_CHECK : EXIT_DONE;
}

const command command_study = {
    .name = "study",
    .summary = "Put what is taught about batch norm to the test, as a page",
    .operands = "",
    .example = "evenkeel study --quick -o study.html",
    .description = "Each claim is an experiment with a prediction that may fail. Exit status 1: a claim failed.",
    .next = "evenkeel train --data builtin:strokes -o digits.onnx",
    .options = study_options,
    .run = run_study,
};
