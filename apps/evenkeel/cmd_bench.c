/* cmd_bench.c: `evenkeel bench norm`: our norms beside oneDNN's and beside a copy of the same bytes. `bench model` is
 * in bench_model.c. */
#include "bench/bench.h"
#include "bench_model.h"
#include "command.h"
#include "interrupt.h"
#include "message.h"
#include "print.h"
#include "report/json_out.h"
#include "terminal.h"

#include <errno.h>
#include <evenkeel/cpu.h>
#include <evenkeel/train.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const option bench_options[] = {
    {.name = "shapes",
     .type = OPT_FILE,
     .argument = "FILE",
     .group = "Cases",
     .help = "cases, one a line; # begins a comment"},
    {.name = "shape",
     .type = OPT_TEXT,
     .argument = "TEXT",
     .traits = OPT_REPEAT,
     .group = "Cases",
     .help = "a case, such as 'batch 16x64x56x56', 'layer 4096x768' or 'group 16x64x56x56 groups=32'"},
    {.name = "layout",
     .type = OPT_CHOICE,
     .argument = "LAYOUT",
     .choices = "all|nchw|nhwc|blocked8|blocked16",
     .fallback = "all",
     .group = "Cases",
     .help = "how tensors lie in memory; all = nchw, nhwc, blocked16"},
    {.name = "phase",
     .type = OPT_CHOICE,
     .argument = "PHASE",
     .choices = "all|training|inference|backward",
     .fallback = "all",
     .group = "Cases",
     .help = "what is timed"},
    {.name = "dtype",
     .type = OPT_CHOICE,
     .argument = "TYPE",
     .choices = "f32|bf16|f16",
     .fallback = "f32",
     .group = "Cases",
     .help = "type of the tensors; bf16 and f16 are compared with f32 instead of oneDNN"},
    {.name = "fused",
     .type = OPT_FLAG,
     .group = "Cases",
     .help = "residual and ReLU within the norm, against norm, addition and ReLU apart"},
    {.name = "batch",
     .type = OPT_INT,
     .argument = "N",
     .fallback = "1",
     .minimum = 1,
     .maximum = 65536,
     .group = "Model",
     .help = "examples, where the file leaves their number open"},
    {.name = "size",
     .type = OPT_INT,
     .argument = "N",
     .fallback = "224",
     .minimum = 1,
     .maximum = 16384,
     .group = "Model",
     .help = "other extents that the file leaves open"},
    OPTION_PRECISION("Model"),
    {.name = "rounds",
     .type = OPT_INT,
     .argument = "N",
     .fallback = "7",
     .minimum = 1,
     .maximum = 1000,
     .group = "Measuring",
     .help = "how often everything is timed, alternating"},
    {.name = "threads",
     .type = OPT_INT,
     .argument = "N",
     .fallback = "2",
     .maximum = 4096,
     .group = "Measuring",
     .help = "threads to use; 0 = as many as OpenMP gives"},
    OPTIONS_COMMON,
    OPTION_END,
};

static const struct {
    const char *name;
    ek_layout layout;
    int usual; /* part of "all" */
} layouts[] = {{"nchw", EK_LAYOUT_NCHW, 1},
               {"nhwc", EK_LAYOUT_NHWC, 1},
               {"blocked8", EK_LAYOUT_BLOCKED8, 0},
               {"blocked16", EK_LAYOUT_BLOCKED16, 1}};
static const struct {
    const char *name;
    ek_dtype dtype;
} dtypes[] = {{"f32", EK_F32}, {"bf16", EK_BF16}, {"f16", EK_F16}};
static const char *const phases[] = {"training", "inference", "backward"};
enum { LAYOUTS = 4, BEST = LAYOUTS, PHASES = 3, MOST_CASES = 256, CASE_TEXT = 128 };

static const char *const usual_cases[] = {"batch 16x64x56x56", "batch 16x256x14x14", "layer 4096x768"};

typedef struct case_list {
    int count;
    char text[MOST_CASES][CASE_TEXT];
    ek_bench_shape shape[MOST_CASES];
} case_list;

/* Sums for the geometric mean over the cases of one kind, layout and phase. */
typedef struct mean {
    int cases, compared, slower;
    double ratio, share, worst;
} mean;

typedef struct bench_run {
    ek_bench_options options;
    int layout, phase; /* 0 = all, else index + 1 */
    int dtype;
    mean (*means)[LAYOUTS + 1][PHASES]; /* by kind; the last layout: our best against their best */
    ek_bench_result best[PHASES];       /* of the case at hand */
    int tried[PHASES];                  /* in so many layouts */
    eki_json json;
    int as_json;
    progress bar;
} bench_run;

static ek_status add_case(case_list *list, const char *text, ek_error *err) {
    if (list->count == MOST_CASES) return fail(err, EK_ERR_LIMIT, "more than %d cases", (int)MOST_CASES);
    ek_status status = ek_bench_shape_parse(text, &list->shape[list->count], err);
    if (status != EK_OK) return status;
    snprintf(list->text[list->count++], CASE_TEXT, "%s", text);
    return EK_OK;
}

/* Cuts the comment and the space around what is left. */
static char *bare_line(char *line) {
    line[strcspn(line, "#\r\n")] = '\0';
    size_t length = strlen(line);
    while (length > 0 && strchr(" \t", line[length - 1]) != NULL) line[--length] = '\0';
    return line + strspn(line, " \t");
}

static ek_status read_cases(case_list *list, const char *path, ek_error *err) {
    FILE *file = fopen(path, "r");
    if (file == NULL) return fail(err, EK_ERR_IO, "cannot open %s: %s", path, strerror(errno));
    char line[256];
    ek_status status = EK_OK;
    for (int number = 1; status == EK_OK && fgets(line, sizeof line, file) != NULL; number++) {
        const char *text = bare_line(line);
        if (*text != '\0') status = add_case(list, text, err);
        if (status != EK_OK) status = err->status = EK_ERR_FORMAT;
        if (status != EK_OK) fail_in(err, "%s, line %d", path, number);
    }
    fclose(file);
    if (status == EK_OK && list->count == 0) status = fail(err, EK_ERR_FORMAT, "%s holds no case", path);
    return status;
}

static ek_status collect_cases(const arguments *args, case_list *list, ek_error *err) {
    const char *path = option_text(args, "shapes");
    const option_value *given = option_get(args, "shape");
    ek_status status = path != NULL ? read_cases(list, path, err) : EK_OK;
    for (int i = 0; status == EK_OK && i < given->count; i++) status = add_case(list, given->texts[i], err);
    if (status != EK_OK || list->count > 0) return status;
    for (size_t i = 0; status == EK_OK && i < sizeof usual_cases / sizeof usual_cases[0]; i++) {
        status = add_case(list, usual_cases[i], err);
    }
    return status;
}

static const char *peer_name(const bench_run *run) {
    return run->options.fused ? "apart" : run->dtype == 0 ? "oneDNN" : "f32";
}

static bool is_slower(const ek_bench_result *r) { return r->peer > 0 && r->high < EK_BENCH_SLOWER; }

static void print_head(const bench_run *run) {
    char peer[16];
    snprintf(peer, sizeof peer, "%s us", peer_name(run));
    print("%-30s %-10s %-10s %10s %10s  %-21s %9s %6s\n", "case", "layout", "phase", "ours us", peer, "ratio [95 %]",
          "copy GB/s", "share");
}

static void print_case(const char *text, int layout, int phase, const ek_bench_result *r) {
    char peer[32] = "-", ratio[48] = "-";
    if (r->peer > 0) {
        snprintf(peer, sizeof peer, "%.1f", 1e6 * r->peer);
        snprintf(ratio, sizeof ratio, "%.2f [%.2f, %.2f]", r->ratio, r->low, r->high);
    }
    print("%-30s %-10s %-10s %10.1f %10s  %-21s %9.1f %6.2f%s\n", text, layouts[layout].name, phases[phase],
          1e6 * r->ours, peer, ratio, 1e-9 * r->bytes / r->copy, r->share, is_slower(r) ? "  slower" : "");
    fflush(stdout);
}

static void json_case(bench_run *run, const char *text, int layout, int phase, const ek_bench_result *r) {
    eki_json *json = &run->json;
    double none = NAN, peer = r->peer > 0 ? r->peer : none;
    eki_json_object(json, NULL);
    eki_json_text(json, "case", text);
    eki_json_text(json, "layout", layouts[layout].name);
    eki_json_text(json, "phase", phases[phase]);
    eki_json_real(json, "bytes", r->bytes);
    eki_json_real(json, "seconds", r->ours);
    if (run->options.fused) {
        eki_json_real(json, "apart_seconds", peer);
    } else if (run->dtype == 0) {
        eki_json_real(json, "onednn_seconds", peer);
        eki_json_text(json, "onednn_implementation", r->peer > 0 ? r->peer_name : NULL);
    } else {
        eki_json_real(json, "f32_seconds", peer);
    }
    eki_json_real(json, "ratio", r->peer > 0 ? r->ratio : none);
    eki_json_real(json, "ratio_low", r->peer > 0 ? r->low : none);
    eki_json_real(json, "ratio_high", r->peer > 0 ? r->high : none);
    eki_json_bool(json, "slower", is_slower(r));
    eki_json_real(json, "copy_seconds", r->copy);
    eki_json_real(json, "share_of_copy", r->share);
    eki_json_close(json);
}

static void add_to_mean(mean *m, const ek_bench_result *r) {
    m->cases++;
    m->share += log(r->share);
    if (r->peer <= 0) return;
    m->worst = m->compared == 0 ? r->ratio : fmin(m->worst, r->ratio);
    m->compared++;
    m->slower += is_slower(r);
    m->ratio += log(r->ratio);
}

/* The fastest of ours, whatever the layout, and of theirs. */
static void keep_best(ek_bench_result *best, int tried, const ek_bench_result *r) {
    double peer = tried > 0 && (r->peer <= 0 || best->peer < r->peer) ? best->peer : r->peer;
    if (tried == 0 || r->ours < best->ours) *best = *r;
    best->peer = peer;
    best->ratio = best->high = peer / best->ours;
}

static void add_best(bench_run *run, ek_norm_kind kind) {
    for (int p = 0; p < PHASES; p++) {
        if (run->tried[p] > 1) add_to_mean(&run->means[kind][BEST][p], &run->best[p]);
        run->tried[p] = 0;
    }
}

static ek_status run_case(bench_run *run, const case_list *list, int index, int layout, int phase, ek_error *err) {
    ek_bench_result result;
    const ek_bench_shape *shape = &list->shape[index];
    if (ferror(stdout)) return fail(err, EK_ERR_IO, "nobody takes the results any more");
    progress_draw(&run->bar, list->text[index], (double)index / list->count, "");
    ek_status status = ek_bench_norm(shape, layouts[layout].layout, (ek_bench_phase)phase, &run->options, &result, err);
    progress_clear(&run->bar);
    if (status == EK_ERR_UNSUPPORTED && run->layout == 0) return EK_OK;
    if (status != EK_OK) return fail_in(err, "%s", list->text[index]);
    if (run->as_json)
        json_case(run, list->text[index], layout, phase, &result);
    else
        print_case(list->text[index], layout, phase, &result);
    add_to_mean(&run->means[shape->kind][layout][phase], &result);
    keep_best(&run->best[phase], run->tried[phase]++, &result);
    return EK_OK;
}

static int chosen(int choice, int index, int usual) { return choice == 0 ? usual : choice == index + 1; }

static ek_status run_cases(bench_run *run, const case_list *list, ek_error *err) {
    for (int i = 0; i < list->count; i++) {
        for (int l = 0; l < LAYOUTS; l++) {
            for (int p = 0; p < PHASES; p++) {
                if (!chosen(run->layout, l, layouts[l].usual) || !chosen(run->phase, p, 1)) continue;
                ek_status status = run_case(run, list, i, l, p, err);
                if (status != EK_OK) return status;
            }
        }
        add_best(run, list->shape[i].kind);
    }
    return EK_OK;
}

static void write_mean(bench_run *run, const char *kind, int layout, int phase, const mean *m) {
    double share = exp(m->share / m->cases), ratio = m->compared ? exp(m->ratio / m->compared) : NAN;
    if (run->as_json) {
        eki_json_object(&run->json, NULL);
        eki_json_text(&run->json, "kind", kind);
        eki_json_text(&run->json, "layout", layout == BEST ? "best" : layouts[layout].name);
        eki_json_text(&run->json, "phase", phases[phase]);
        eki_json_int(&run->json, "cases", m->cases);
        eki_json_real(&run->json, "ratio", ratio);
        eki_json_real(&run->json, "worst_ratio", m->compared ? m->worst : NAN);
        eki_json_int(&run->json, "slower", m->slower);
        eki_json_real(&run->json, "share_of_copy", share);
        eki_json_close(&run->json);
        return;
    }
    print("%-9s %-10s %-10s %3d cases", kind, layout == BEST ? "best" : layouts[layout].name, phases[phase], m->cases);
    if (m->compared) print("  %5.2f x %s (worst %.2f)", ratio, peer_name(run), m->worst);
    print("  %.2f of copy", share);
    if (m->slower > 0) print("  %d slower", m->slower);
    print("\n");
}

static void write_means(bench_run *run) {
    const char *kind;
    if (!run->as_json) print("\nGeometric means\n");
    for (int k = 1; (kind = ek_norm_kind_name((ek_norm_kind)k)) != NULL; k++) {
        for (int l = 0; l <= BEST; l++) {
            for (int p = 0; p < PHASES; p++) {
                const mean *m = &run->means[k][l][p];
                if (m->cases > 0) write_mean(run, kind, l, p, m);
            }
        }
    }
}

static void begin_json(bench_run *run) {
    eki_json_start(&run->json, stdout, 2);
    eki_json_object(&run->json, NULL);
    eki_json_text(&run->json, "isa", ek_cpu_isa());
    eki_json_text(&run->json, "dtype", dtypes[run->dtype].name);
    eki_json_bool(&run->json, "fused", run->options.fused != 0);
    eki_json_int(&run->json, "threads", run->options.threads);
    eki_json_int(&run->json, "rounds", run->options.rounds);
    eki_json_array(&run->json, "cases");
}

static ek_status run_all(bench_run *run, const case_list *list, ek_error *err) {
    progress_start(&run->bar);
    if (run->as_json)
        begin_json(run);
    else
        print_head(run);
    ek_status status = run_cases(run, list, err);
    if (run->as_json) eki_json_close(&run->json);
    if (status == EK_OK) {
        if (run->as_json) eki_json_array(&run->json, "geometric_means");
        write_means(run);
    }
    if (run->as_json) eki_json_finish(&run->json);
    return status;
}

static ek_status make_means(bench_run *run, ek_error *err) {
    size_t kinds = 1;
    while (ek_norm_kind_name((ek_norm_kind)kinds) != NULL) kinds++;
    run->means = calloc(kinds, sizeof *run->means);
    return run->means == NULL ? fail(err, EK_ERR_NOMEM, "out of memory for the means of %zu kinds", kinds) : EK_OK;
}

static int run_bench(const arguments *args) {
    ek_error err = {0};
    bool model = strcmp(args->operands[0], "model") == 0;
    if (!model && strcmp(args->operands[0], "norm") != 0)
        fail(&err, EK_ERR_ARG, "cannot bench '%s'; there are 'norm' and 'model'", args->operands[0]);
    else if (model != (args->operand_count == 2))
        fail(&err, EK_ERR_ARG, model ? "'bench model' wants a file" : "'bench norm' takes no file; see --shapes");
    if (err.status != EK_OK) return report(&err);
    interrupt_listen();
    if (model) return bench_model(args);
    static case_list list;
    static bench_run run;
    run.options = ek_bench_options_default();
    run.options.stopped = interrupt_wanted;
    run.options.rounds = (int)option_int(args, "rounds");
    run.options.threads = (int)option_int(args, "threads");
    run.dtype = option_choice(args, "dtype");
    run.options.dtype = dtypes[run.dtype].dtype;
    run.options.fused = option_flag(args, "fused");
    run.layout = option_choice(args, "layout");
    run.phase = option_choice(args, "phase");
    run.as_json = option_flag(args, "json");
    ek_status status = make_means(&run, &err);
    if (status == EK_OK) status = collect_cases(args, &list, &err);
    if (status == EK_OK) status = run_all(&run, &list, &err);
    free(run.means);
    return status == EK_OK ? EXIT_DONE : report(&err);
}

const command command_bench = {
    .name = "bench",
    .summary = "Time the norms beside oneDNN's, or a model before and after folding",
    .operands = "norm | model FILE.onnx",
    .minimum = 1,
    .maximum = 2,
    .example = "evenkeel bench norm --shape 'batch 16x64x56x56' --layout nhwc --phase training\n"
               "evenkeel bench model m.onnx --batch 8",
    .description =
        "norm: ours, oneDNN's and the copy alternate in one process. ratio: oneDNN's time / ours, above 1 = ours is "
        "faster; slower: its whole 95 % interval is below 0.97. share: copy time / ours. best: our fastest layout of "
        "each "
        "case against oneDNN's fastest. With --dtype bf16 or f16 the ratio is that of elements a second to f32. A busy "
        "machine widens the interval.\n\n"
        "model: latency and throughput in inference on random inputs, as the file is and folded in memory (nothing is "
        "written), in turn, and the time of each operator.",
    .next = "evenkeel env",
    .options = bench_options,
    .run = run_bench,
};
