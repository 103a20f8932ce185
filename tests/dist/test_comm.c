/* test_comm.c: exchanges between ranks, and what a spoiled one ends in. Ranks are threads here; over_mpi.sh does the
 * same over MPI. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static ek_status concatenate(void *context, const void *left, size_t left_bytes, const void *right, size_t right_bytes,
                             void *into, size_t *bytes, ek_error *err) {
    (void)context;
    (void)err;
    memcpy(into, left, left_bytes);
    memcpy((char *)into + left_bytes, right, right_bytes);
    *bytes = left_bytes + right_bytes;
    return EK_OK;
}

/* Rank r has r + 1 bytes of 'a' + r; joined they come in the order of ranks, whatever the number of ranks. */
static void join_body(world_rank *self) {
    char mine[WORLD_MAX], expected[WORLD_MAX * WORLD_MAX];
    size_t bytes, count = 0;
    eki_exchange *x;
    eki_label label = eki_label_make(EKI_KIND_DATA, "letters", 1, -1, 0);
    memset(mine, 'a' + self->rank, sizeof mine);
    self->status = eki_join_start(self->comm, eki_comm_world(self->comm), 0, &label, mine, (size_t)self->rank + 1,
                                  concatenate, NULL, &x, &self->err);
    if (self->status == EK_OK) self->status = eki_exchange_wait(x, &self->err);
    if (self->status != EK_OK) return;
    const char *all = eki_join_result(x, &bytes);
    for (int r = 0; r < self->size; r++) {
        memset(expected + count, 'a' + r, (size_t)r + 1);
        count += (size_t)r + 1;
    }
    if (bytes != count || memcmp(all, expected, count) != 0) self->status = EK_ERR_CHECK;
    eki_exchange_free(x);
}

static void joins_in_order_of_ranks(void **state) {
    (void)state;
    for (int size = 1; size <= 17; size++) {
        world_rank ranks[WORLD_MAX];
        world_run(size, NULL, join_body, NULL, ranks);
        for (int r = 0; r < size; r++) assert_int_equal(ranks[r].status, EK_OK);
    }
}

enum { MOST = 70000 };
typedef struct sums {
    size_t count;
    float result[9][MOST];
} sums;

static float value_of(int rank, size_t i) { return (float)(rank + 1) * 0.37f + (float)(i % 1009) * 1e-3f; }

static void sum_body(world_rank *self) {
    sums *s = self->context;
    float *mine = s->result[self->rank];
    eki_exchange *x;
    eki_label label = eki_label_make(EKI_KIND_GRADIENT, "bucket 0", 3, (int64_t)s->count, EK_F32);
    for (size_t i = 0; i < s->count; i++) mine[i] = value_of(self->rank, i);
    self->status = eki_sum_start(self->comm, eki_comm_world(self->comm), 1, &label, mine, s->count, &x, &self->err);
    if (self->status == EK_OK) self->status = eki_exchange_wait(x, &self->err);
    if (self->status == EK_OK) eki_exchange_free(x);
}

static void sums_are_right_and_equal_everywhere(void **state) {
    (void)state;
    static const size_t counts[] = {1, 17, 1000, MOST};
    sums *s = malloc(sizeof *s);
    size_t packet = eki_packet_bytes;
    eki_packet_bytes = 60000; /* so that a message takes several packets, as one beyond 2^31 bytes does */
    for (int size = 2; size <= 9; size++) {
        for (size_t c = 0; c < 4; c++) {
            world_rank ranks[WORLD_MAX];
            s->count = counts[c];
            world_run(size, NULL, sum_body, s, ranks);
            for (int r = 0; r < size; r++) {
                assert_int_equal(ranks[r].status, EK_OK);
                assert_memory_equal(s->result[r], s->result[0], s->count * sizeof(float));
            }
            for (size_t i = 0; i < s->count; i += 97) {
                double sum = 0;
                for (int r = 0; r < size; r++) sum += (double)value_of(r, i);
                assert_true(s->result[0][i] > sum * (1 - 1e-6) && s->result[0][i] < sum * (1 + 1e-6));
            }
        }
    }
    eki_packet_bytes = packet;
    free(s);
}

static void others_body(world_rank *self) {
    char data[20000];
    int root = self->size / 2;
    void *all = NULL;
    size_t bytes;
    eki_label label = eki_label_make(EKI_KIND_DATA, "letter", 2, -1, 0);
    for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(self->rank == root ? (int)(i % 120) : -1);
    self->status = eki_broadcast(self->comm, 0, &label, root, data, sizeof data, &self->err);
    for (size_t i = 0; i < sizeof data && self->status == EK_OK; i++) {
        if (data[i] != (char)(i % 120)) self->status = EK_ERR_CHECK;
    }
    int rank = self->rank;
    if (self->status == EK_OK) {
        self->status = eki_all_gather(self->comm, 0, &label, &rank, sizeof rank, &all, &bytes, &self->err);
    }
    for (int r = 0; r < self->size && self->status == EK_OK; r++) {
        if (bytes != (size_t)self->size * sizeof rank || ((int *)all)[r] != r) self->status = EK_ERR_CHECK;
    }
    free(all);
    int next = (rank + 1) % self->size, before = (rank - 1 + self->size) % self->size, got = -1;
    if (self->status == EK_OK && rank % 2 == 0 && next != 0) {
        self->status = eki_send(self->comm, 0, &label, next, &rank, sizeof rank, &self->err);
    } else if (self->status == EK_OK && rank % 2 == 1) {
        self->status = eki_receive(self->comm, 0, &label, before, &got, sizeof got, &self->err);
        if (self->status == EK_OK && got != before) self->status = EK_ERR_CHECK;
    }
    if (self->status == EK_OK) self->status = ek_comm_agree(self->comm, "size", &self->size, sizeof(int), &self->err);
}

static void broadcast_gather_send_receive(void **state) {
    (void)state;
    for (int size = 2; size <= 9; size++) {
        world_rank ranks[WORLD_MAX];
        world_run(size, NULL, others_body, NULL, ranks);
        for (int r = 0; r < size; r++) assert_int_equal(ranks[r].status, EK_OK);
    }
}

/* ---- What goes wrong: every rank must get EK_ERR_DIST and a text that says who, where and when ---- */

typedef struct odd_one {
    int rank, steps;
    eki_label label;
    int skips; /* the odd rank leaves out its last step */
} odd_one;

static void steps_body(world_rank *self) {
    const odd_one *odd = self->context;
    bool is_odd = odd->rank == self->rank;
    for (int step = 1; step <= odd->steps && self->status == EK_OK; step++) {
        eki_label label = eki_label_make(EKI_KIND_NORM, "stage1/bn2", step, 64, EK_F32);
        float values[64] = {1};
        eki_exchange *x;
        if (is_odd && step == odd->steps) {
            if (odd->skips) label = eki_label_make(EKI_KIND_END, "training", step - 1, -1, 0);
            if (odd->label.kind != 0) label = odd->label;
        }
        self->status = eki_sum_start(self->comm, eki_comm_world(self->comm), 0, &label, values, 64, &x, &self->err);
        if (self->status == EK_OK) self->status = eki_exchange_wait(x, &self->err);
        if (self->status == EK_OK) eki_exchange_free(x);
    }
}

static void expect_all(int size, const world_options *options, odd_one *odd, const char *const *words, int except) {
    world_rank ranks[WORLD_MAX];
    world_run(size, options, steps_body, odd, ranks);
    for (int r = 0; r < size; r++) {
        if (r == except) continue;
        if (ranks[r].status != EK_ERR_DIST)
            print_error("rank %d of %d: %s\n", r, size, ek_status_name(ranks[r].status));
        assert_int_equal(ranks[r].status, EK_ERR_DIST);
        for (int w = 0; words[w] != NULL; w++) {
            if (strstr(ranks[r].err.text, words[w]) == NULL)
                print_error("no '%s' in: %s\n", words[w], ranks[r].err.text);
            assert_non_null(strstr(ranks[r].err.text, words[w]));
        }
    }
}

static void mismatches_are_named_on_every_rank(void **state) {
    (void)state;
    static const char *const layer[] = {"rank 1", "'stage1/bn3'", "'stage1/bn2'", "step 3", NULL};
    static const char *const channels[] = {"rank 1", "32 channels", "64 channels", "step 3", NULL};
    static const char *const step[] = {"rank 1", "step 2", "step 3", "stage1/bn2", NULL};
    static const char *const ended[] = {"rank 1", "the end of", "step 3", "stage1/bn2", NULL};
    static const char *const dtype[] = {"rank 1", "another element type", "step 3", NULL};
    for (int size = 2; size <= 5; size++) {
        odd_one odd = {.rank = 1, .steps = 3};
        odd.label = eki_label_make(EKI_KIND_NORM, "stage1/bn3", 3, 64, EK_F32);
        expect_all(size, NULL, &odd, layer, -1);
        odd.label = eki_label_make(EKI_KIND_NORM, "stage1/bn2", 3, 32, EK_F32);
        expect_all(size, NULL, &odd, channels, -1);
        odd.label = eki_label_make(EKI_KIND_NORM, "stage1/bn2", 2, 64, EK_F32);
        expect_all(size, NULL, &odd, step, -1);
        odd.label = eki_label_make(EKI_KIND_NORM, "stage1/bn2", 3, 64, EK_F16);
        expect_all(size, NULL, &odd, dtype, -1);
        odd.label.kind = 0;
        odd.skips = 1;
        expect_all(size, NULL, &odd, ended, -1);
    }
}

static void faults_end_within_the_deadline(void **state) {
    (void)state;
    static const char *const gone[] = {"rank 1", "stage1/bn2", "step", "0.4 s", NULL};
    static const char *const lost[] = {"stage1/bn2", "step", NULL};
    static const char *const spoiled[] = {"rank 1", "stage1/bn2", NULL};
    for (int size = 2; size <= 5; size++) {
        odd_one odd = {.rank = -1, .steps = 4};
        world_options o = {.timeout = 0.4, .faulty = 1};
        o.fault = (eki_fault){.kind = EKI_FAULT_DIE, .nth = 2};
        expect_all(size, &o, &odd, gone, 1);
        o.fault = (eki_fault){.kind = EKI_FAULT_DROP, .nth = 1};
        expect_all(size, &o, &odd, lost, -1);
        o.fault = (eki_fault){.kind = EKI_FAULT_SHORT, .nth = 1};
        expect_all(size, &o, &odd, spoiled, -1);
        o.fault = (eki_fault){.kind = EKI_FAULT_CORRUPT, .nth = 1, .offset = 16}; /* of the step in the label */
        expect_all(size, &o, &odd, spoiled, -1);
    }
}

/* A rank that is late, but not too late, changes nothing. */
static void a_delay_is_waited_for(void **state) {
    (void)state;
    odd_one odd = {.rank = -1, .steps = 4};
    world_options o = {.timeout = 5, .faulty = 1, .fault = {.kind = EKI_FAULT_DELAY, .nth = 1, .milliseconds = 150}};
    world_rank ranks[WORLD_MAX];
    world_run(3, &o, steps_body, &odd, ranks);
    for (int r = 0; r < 3; r++) assert_int_equal(ranks[r].status, EK_OK);
    o.timeout = 0.1;
    o.fault.milliseconds = 3000;
    world_run(3, &o, steps_body, &odd, ranks);
    for (int r = 0; r < 3; r++) assert_int_equal(ranks[r].status, EK_ERR_DIST);
}

static void agree_body(world_rank *self) {
    int value = self->rank == 2 ? 5 : 4;
    self->status = ek_comm_agree(self->comm, "model", &value, sizeof value, &self->err);
}

static void disagreement_names_the_rank(void **state) {
    (void)state;
    world_rank ranks[WORLD_MAX];
    world_run(4, NULL, agree_body, NULL, ranks);
    for (int r = 0; r < 4; r++) {
        assert_int_equal(ranks[r].status, EK_ERR_DIST);
        assert_non_null(strstr(ranks[r].err.text, "rank 2 has another model"));
    }
}

static void alone_needs_nobody(void **state) {
    (void)state;
    ek_comm *comm;
    ek_error err;
    ek_comm_options o = ek_comm_options_default();
    assert_int_equal(ek_comm_open(NULL, &comm, &err), EK_OK);
    assert_int_equal(ek_comm_size(comm), 1);
    assert_string_equal(ek_comm_name(comm), "self");
    assert_int_equal(ek_comm_agree(comm, "model", "x", 1, &err), EK_OK);
    ek_comm_close(comm, EK_OK, 0);
    o.timeout = 0;
    assert_int_equal(ek_comm_open(&o, &comm, &err), EK_ERR_ARG);
    assert_non_null(strstr(err.text, "timeout is 0"));
}

static void group_body(world_rank *self) {
    eki_group g = eki_comm_neighbours(self->comm, 3);
    int rank = self->rank;
    bool right = g.first == rank / 3 * 3 && g.size == (rank == 6 ? 1 : 3) && g.rank == rank % 3;
    float sum = 1;
    eki_exchange *x;
    eki_label label = eki_label_make(EKI_KIND_NORM, "grouped", 1, 1, EK_F32);
    self->status = right ? eki_sum_start(self->comm, g, 0, &label, &sum, 1, &x, &self->err) : EK_ERR_CHECK;
    if (self->status == EK_OK) self->status = eki_exchange_wait(x, &self->err);
    if (self->status != EK_OK) return;
    if (sum != (float)g.size) self->status = EK_ERR_CHECK;
    eki_exchange_free(x);
}

static void groups_of_neighbours(void **state) {
    (void)state;
    world_rank ranks[WORLD_MAX];
    world_run(7, NULL, group_body, NULL, ranks);
    for (int r = 0; r < 7; r++) assert_int_equal(ranks[r].status, EK_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_in_order_of_ranks),        cmocka_unit_test(sums_are_right_and_equal_everywhere),
        cmocka_unit_test(broadcast_gather_send_receive),  cmocka_unit_test(mismatches_are_named_on_every_rank),
        cmocka_unit_test(faults_end_within_the_deadline), cmocka_unit_test(a_delay_is_waited_for),
        cmocka_unit_test(disagreement_names_the_rank),    cmocka_unit_test(alone_needs_nobody),
        cmocka_unit_test(groups_of_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
