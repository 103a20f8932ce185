/* bench_model.c: `evenkeel bench model`: latency and throughput of a model, as it is and folded, and where time goes.
 *
 * Both run in every round, in turn, so that what slows the machine down slows both.
 */
#include "bench_model.h"

#include "bench/bench.h"
#include "grid.h"
#include "inputs.h"
#include "interrupt.h"
#include "memory_report.h"
#include "message.h"
#include "print.h"
#include "report/json_out.h"

#include <evenkeel/surgery.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_INPUTS = 16, MOST_ROWS = 96, MOST_ROUNDS = 1000, WARM_UPS = 3 };
static const double shortest_round = 0.05;

typedef struct contender {
    const char *label; /* "as it is" */
    ek_model *model;
    ek_session *session;
    double seconds[MOST_ROUNDS]; /* of one run, by round */
    double low, median, high;    /* 5 %, 50 %, 95 % */
    ek_profile_row rows[MOST_ROWS];
    size_t row_count;
} contender;

typedef struct model_bench {
    const arguments *args;
    contender contenders[2];
    int count, rounds;
    int64_t batch;
    ek_array inputs[MOST_INPUTS];
    size_t input_count;
} model_bench;

/* Numbers in [-1, 1], always the same; whole numbers are 0. */
static void fill(float *values, int64_t count) {
    uint32_t state = 1;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
    }
}

static ek_status make_input(model_bench *bench, size_t index, ek_error *err) {
    ek_tensor_info info = ek_model_input(bench->contenders[0].model, index);
    ek_array *array = &bench->inputs[index];
    int64_t count = 1, size = option_int(bench->args, "size");
    if (info.rank < 0) return fail(err, EK_ERR_UNSUPPORTED, "input '%s' has no rank in the file", info.name);
    array->dtype = info.dtype;
    array->rank = info.rank;
    for (int d = 0; d < info.rank; d++) {
        array->dims[d] = info.dims[d] >= 0 ? info.dims[d] : d == 0 ? option_int(bench->args, "batch") : size;
        if (__builtin_mul_overflow(count, array->dims[d], &count) || count > INT64_C(1) << 32)
            return fail(err, EK_ERR_LIMIT, "input '%s' is too large", info.name);
    }
    if (index == 0) bench->batch = info.rank > 0 ? array->dims[0] : 1;
    array->data = grid_alloc((size_t)count, 1, 8);
    if (array->data == NULL)
        return fail(err, EK_ERR_NOMEM, "input '%s' of %lld elements does not fit the memory that is left", info.name,
                    (long long)count);
    if (info.dtype == EK_F32) fill(array->data, count);
    return EK_OK;
}

static ek_status open_session(model_bench *bench, contender *c, int profile, ek_error *err) {
    ek_session_options options = ek_session_options_default();
    options.threads = (int)option_int(bench->args, "threads");
    options.precision = precision_asked(bench->args);
    options.profile = profile;
    ek_status status = ek_session_create(c->model, &options, &c->session, err);
    for (int i = 0; status == EK_OK && i < WARM_UPS; i++)
        status = ek_session_run(c->session, bench->inputs, bench->input_count, err);
    return status;
}

static ek_status prepare(model_bench *bench, const char *path, ek_error *err) {
    contender *plain = &bench->contenders[0], *folded = &bench->contenders[1];
    ek_edit_report *report = NULL;
    plain->label = "as it is";
    folded->label = "folded";
    ek_status status = model_open(path, &plain->model, err);
    if (status != EK_OK) return status;
    bench->input_count = ek_model_input_count(plain->model);
    if (bench->input_count > MOST_INPUTS)
        return fail(err, EK_ERR_UNSUPPORTED, "%s has %zu inputs; at most %d can be made", path, bench->input_count,
                    (int)MOST_INPUTS);
    for (size_t i = 0; status == EK_OK && i < bench->input_count; i++) status = make_input(bench, i, err);
    if (status == EK_OK) status = ek_fold(plain->model, &folded->model, &report, err);
    if (status != EK_OK) return status;
    bench->count = 1;
    for (size_t i = 0; i < ek_edit_report_count(report); i++)
        if (ek_edit_report_row(report, i)->changed) bench->count = 2;
    ek_edit_report_destroy(report);
    for (int i = 0; status == EK_OK && i < bench->count; i++)
        status = open_session(bench, &bench->contenders[i], 0, err);
    return status;
}

typedef struct turn {
    const model_bench *bench;
    contender *c;
} turn;

static ek_status run_once(void *context, ek_error *err) {
    const turn *t = context;
    return ek_session_run(t->c->session, t->bench->inputs, t->bench->input_count, err);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int by_time(const void *a, const void *b) {
    double x = ((const ek_profile_row *)a)->forward, y = ((const ek_profile_row *)b)->forward;
    return (x < y) - (x > y);
}

static void summarize(contender *c, int rounds) {
    double sorted[MOST_ROUNDS];
    memcpy(sorted, c->seconds, (size_t)rounds * sizeof *sorted);
    qsort(sorted, (size_t)rounds, sizeof *sorted, by_size);
    c->low = sorted[(rounds - 1) * 5 / 100];
    c->median = sorted[(rounds - 1) / 2];
    c->high = sorted[rounds - 1 - (rounds - 1) * 5 / 100];
}

/* Timing every operator costs a little, so it is done in runs of its own. */
static ek_status profile(model_bench *bench, contender *c, ek_error *err) {
    ek_session_destroy(c->session);
    c->session = NULL;
    ek_status status = open_session(bench, c, 1, err);
    for (int i = 0; status == EK_OK && i < bench->rounds; i++)
        status = ek_session_run(c->session, bench->inputs, bench->input_count, err);
    if (status != EK_OK) return status;
    size_t count = ek_session_profile(c->session, c->rows, MOST_ROWS);
    c->row_count = count < MOST_ROWS ? count : MOST_ROWS;
    for (size_t i = 0; i < c->row_count; i++) c->rows[i].forward /= bench->rounds + WARM_UPS;
    qsort(c->rows, c->row_count, sizeof *c->rows, by_time);
    return EK_OK;
}

static ek_status measure(model_bench *bench, ek_error *err) {
    const ek_round_options options = {.rounds = bench->rounds, .seconds = shortest_round, .stopped = interrupt_wanted};
    ek_contender contenders[2];
    turn turns[2];
    for (int i = 0; i < bench->count; i++) {
        turns[i] = (turn){bench, &bench->contenders[i]};
        contenders[i] = (ek_contender){.run = run_once, .context = &turns[i], .seconds = turns[i].c->seconds};
    }
    ek_status status = ek_bench_rounds(contenders, bench->count, &options, NULL, err);
    for (int i = 0; status == EK_OK && i < bench->count; i++) {
        summarize(&bench->contenders[i], bench->rounds);
        status = profile(bench, &bench->contenders[i], err);
    }
    return status;
}

static double total(const contender *c) {
    double sum = 0;
    for (size_t i = 0; i < c->row_count; i++) sum += c->rows[i].forward;
    return sum;
}

static void write_text(const model_bench *bench) {
    print("batch %lld, %d rounds, alternating\n\n", (long long)bench->batch, bench->rounds);
    print("%-10s %6s %11s  %-19s %11s\n", "", "nodes", "median ms", "[5 %, 95 %]", "examples/s");
    for (int i = 0; i < bench->count; i++) {
        const contender *c = &bench->contenders[i];
        char range[48];
        snprintf(range, sizeof range, "[%.3g, %.3g]", 1e3 * c->low, 1e3 * c->high);
        print("%-10s %6zu %11.3g  %-19s %11.4g\n", c->label, ek_model_node_count(c->model), 1e3 * c->median, range,
              (double)bench->batch / c->median);
    }
    if (bench->count == 2)
        print("folding makes it %.2f times as fast\n", bench->contenders[0].median / bench->contenders[1].median);
    for (int i = 0; i < bench->count; i++) {
        const contender *c = &bench->contenders[i];
        print("\n%-24s %9s %7s   %s\n", "operator", "ms", "share", c->label);
        for (size_t r = 0; r < c->row_count; r++)
            print("%-24s %9.3f %6.1f%%\n", c->rows[r].op_type, 1e3 * c->rows[r].forward,
                  100 * c->rows[r].forward / total(c));
        ek_memory_report memory = ek_session_memory(c->session);
        if (!tool_voice.quiet) memory_lines(stdout, &memory);
    }
    print("\nat most %.1f MiB of the process were in memory\n", (double)memory_peak() / (1 << 20));
}

static void write_json(const model_bench *bench) {
    eki_json json;
    eki_json_start(&json, stdout, 2);
    eki_json_object(&json, NULL);
    eki_json_int(&json, "batch", bench->batch);
    eki_json_int(&json, "rounds", bench->rounds);
    eki_json_int(&json, "threads", option_int(bench->args, "threads"));
    eki_json_array(&json, "models");
    for (int i = 0; i < bench->count; i++) {
        const contender *c = &bench->contenders[i];
        eki_json_object(&json, NULL);
        eki_json_text(&json, "model", c->label);
        eki_json_int(&json, "nodes", (int64_t)ek_model_node_count(c->model));
        eki_json_real(&json, "seconds", c->median);
        eki_json_real(&json, "seconds_low", c->low);
        eki_json_real(&json, "seconds_high", c->high);
        eki_json_real(&json, "examples_per_second", (double)bench->batch / c->median);
        eki_json_array(&json, "operators");
        for (size_t r = 0; r < c->row_count; r++) {
            eki_json_object(&json, NULL);
            eki_json_text(&json, "operator", c->rows[r].op_type);
            eki_json_real(&json, "seconds", c->rows[r].forward);
            eki_json_close(&json);
        }
        eki_json_close(&json);
        ek_memory_report memory = ek_session_memory(c->session);
        memory_json(&json, &memory);
        eki_json_close(&json);
    }
    eki_json_close(&json);
    eki_json_int(&json, "peak_resident", memory_peak());
    eki_json_finish(&json);
}

static void release(model_bench *bench) {
    for (int i = 1; i >= 0; i--) { /* the folded model borrows from the first */
        ek_session_destroy(bench->contenders[i].session);
        ek_model_destroy(bench->contenders[i].model);
    }
    for (size_t i = 0; i < MOST_INPUTS; i++) free(bench->inputs[i].data);
    free(bench);
}

int bench_model(const arguments *args) {
    ek_error err = {0};
    model_bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL) {
        fail(&err, EK_ERR_NOMEM, "out of memory");
        return report(&err);
    }
    bench->args = args;
    bench->rounds = (int)option_int(args, "rounds");
    ek_status status = prepare(bench, args->operands[1], &err);
    if (status == EK_OK) status = measure(bench, &err);
    if (status == EK_OK) {
        if (option_flag(args, "json"))
            write_json(bench);
        else
            write_text(bench);
    }
    release(bench);
    return status == EK_OK ? EXIT_DONE : report_input(&err);
}
