/* state_read.c: reading FILE.onnx.state, which may hold anything.
 *
 * Every length is checked against what is left of the file before it is used, every section against its CRC and the
 * whole against the closing record, so that a flipped bit or a cut anywhere gives an error that names the place.
 */
#include "train/trainer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct state_reader {
    const char *path;
    const unsigned char *data;
    size_t size, at;
    uint32_t sections;
    uint64_t slots, averages; /* promised by their records */
    bool has_position, has_pair, has_model, ended;
    eki_state *state;
    ek_error *err;
} state_reader;

static const char remedy[] = "the state is damaged: resume from an older copy, or start from the model alone";

static ek_status fail_cut(const state_reader *r, const char *what, uint64_t wanted) {
    return eki_fail(r->err, EK_ERR_FORMAT,
                    "%s: ends too early: at byte %zu %s of %" PRIu64 " bytes begins, but the file has %zu bytes; %s",
                    r->path, r->at, what, wanted, r->size, remedy);
}

static ek_status fail_section(const state_reader *r, const char *tag, const char *what) {
    return eki_fail(r->err, EK_ERR_FORMAT, "%s: section %.4s before byte %zu: %s; %s", r->path, tag, r->at, what,
                    remedy);
}

static ek_status read_header(state_reader *r) {
    uint32_t version;
    if (r->size < EKI_STATE_HEADER) return fail_cut(r, "a header", EKI_STATE_HEADER);
    if (memcmp(r->data, EKI_STATE_MAGIC, 8) != 0) {
        return eki_fail(r->err, EK_ERR_FORMAT, "%s: is not a training state of Evenkeel (its first bytes differ)",
                        r->path);
    }
    memcpy(&version, r->data + 8, sizeof version);
    if (version != EKI_STATE_VERSION) {
        return eki_fail(r->err, EK_ERR_UNSUPPORTED,
                        "%s: is a training state of version %" PRIu32 ", this program reads version %d", r->path,
                        version, EKI_STATE_VERSION);
    }
    r->at = EKI_STATE_HEADER;
    return EK_OK;
}

static char *copy_text(const unsigned char *data, size_t size) {
    char *text = eki_alloc(eki_sized(size + 1));
    if (text == NULL) return NULL;
    if (size > 0) memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

static ek_status read_position(state_reader *r, const unsigned char *data, size_t size) {
    eki_position_record record;
    if (size != sizeof record) return fail_section(r, "POSN", "has the wrong size");
    memcpy(&record, data, sizeof record);
    bool valid = record.epoch >= 0 && record.batch >= 0 && record.step >= 0 && record.seen >= 0 &&
                 record.optimizer <= EK_ADAMW && record.arrays <= 2;
    if (!valid || r->has_position) return fail_section(r, "POSN", "holds impossible numbers");
    eki_state *state = r->state;
    state->position.epoch = record.epoch;
    state->position.batch = record.batch;
    state->position.correct = record.correct;
    state->position.seen = record.seen;
    state->position.loss_sum = record.loss_sum;
    state->step = record.step;
    state->skipped = record.skipped;
    state->optimizer = (int)record.optimizer;
    state->arrays = (int)record.arrays;
    r->slots = record.slots;
    r->has_position = true;
    return EK_OK;
}

static ek_status read_pair(state_reader *r, const unsigned char *data, size_t size) {
    eki_pair_record record;
    if (size != sizeof record || r->has_pair) return fail_section(r, "PAIR", "has the wrong size, or comes twice");
    memcpy(&record, data, sizeof record);
    r->state->model = (eki_identity){.exists = true, .crc = record.crc, .size = record.size};
    r->state->previous =
        (eki_identity){.exists = record.has_previous != 0, .crc = record.previous_crc, .size = record.previous_size};
    r->has_pair = true;
    return EK_OK;
}

/* A list of slots that grows, up to what was promised. */
typedef struct slot_list {
    const char *tag;
    eki_slot **slots;
    size_t *count;
    uint64_t promised;
    int arrays;
} slot_list;

static ek_status read_slot(state_reader *r, const slot_list *list, const unsigned char *data, size_t size) {
    eki_slot_record record;
    if (size < sizeof record) return fail_section(r, list->tag, "has the wrong size");
    memcpy(&record, data, sizeof record);
    size_t left = size - sizeof record, bytes;
    bool valid = r->has_position && (int)record.arrays == list->arrays && record.name_bytes <= left &&
                 record.count <= SIZE_MAX / sizeof(float) && *list->count < list->promised &&
                 eki_mul_size((size_t)record.count * sizeof(float), record.arrays, &bytes) &&
                 bytes == left - record.name_bytes;
    if (!valid) return fail_section(r, list->tag, "does not have the size that it states");
    eki_slot *grown = eki_realloc(*list->slots, eki_size_of(*list->count + 1, sizeof *grown));
    if (grown == NULL) return eki_fail_nomem(r->err, (*list->count + 1) * sizeof *grown);
    *list->slots = grown;
    eki_slot *slot = &grown[(*list->count)++];
    *slot = (eki_slot){.count = (size_t)record.count, .arrays = (int)record.arrays};
    slot->name = copy_text(data + sizeof record, record.name_bytes);
    if (slot->name == NULL) return eki_fail_nomem(r->err, record.name_bytes);
    const unsigned char *values = data + sizeof record + record.name_bytes;
    eki_size one = eki_size_of(slot->count, sizeof(float));
    for (int i = 0; i < slot->arrays; i++) {
        slot->data[i] = eki_alloc(one);
        if (slot->data[i] == NULL) return eki_fail_nomem(r->err, one.bytes);
        if (one.bytes > 0) memcpy(slot->data[i], values + (size_t)i * one.bytes, one.bytes);
    }
    return EK_OK;
}

static ek_status read_average(state_reader *r, const unsigned char *data, size_t size) {
    eki_average_record record;
    if (size != sizeof record || r->state->average != EK_AVERAGE_NONE)
        return fail_section(r, "AVER", "has the wrong size, or comes twice");
    memcpy(&record, data, sizeof record);
    bool valid =
        record.steps >= 0 && record.zero == 0 && (record.kind == EK_AVERAGE_EMA || record.kind == EK_AVERAGE_SWA);
    if (!valid) return fail_section(r, "AVER", "holds impossible numbers");
    r->state->average = (int)record.kind;
    r->state->averaged = record.steps;
    r->averages = record.parameters;
    return EK_OK;
}

static ek_status read_end(state_reader *r, const unsigned char *data, size_t size) {
    eki_end_record record;
    if (size != sizeof record) return fail_section(r, "END!", "has the wrong size");
    memcpy(&record, data, sizeof record);
    size_t before = (size_t)(data - r->data) - EKI_SECTION_HEADER;
    if (record.crc != eki_crc32c(0, r->data, before) || record.sections != r->sections - 1) {
        return fail_section(r, "END!", "does not fit what comes before it");
    }
    if (r->at != r->size) return fail_section(r, "END!", "is followed by more bytes");
    r->ended = true;
    return EK_OK;
}

static ek_status read_payload(state_reader *r, const char *tag, const unsigned char *data, size_t size) {
    eki_state *state = r->state;
    if (memcmp(tag, "POSN", 4) == 0) return read_position(r, data, size);
    if (memcmp(tag, "PAIR", 4) == 0) return read_pair(r, data, size);
    const slot_list slots = {"SLOT", &state->slots, &state->n_slots, r->slots, state->arrays};
    const slot_list averages = {"AVRG", &state->averages, &state->n_averages, r->averages, 1};
    if (memcmp(tag, "SLOT", 4) == 0) return read_slot(r, &slots, data, size);
    if (memcmp(tag, "AVER", 4) == 0) return read_average(r, data, size);
    if (memcmp(tag, "AVRG", 4) == 0) return read_slot(r, &averages, data, size);
    if (memcmp(tag, "END!", 4) == 0) return read_end(r, data, size);
    if (memcmp(tag, "FLAG", 4) == 0 && state->flags == NULL) {
        state->flags = copy_text(data, size);
        return state->flags == NULL ? eki_fail_nomem(r->err, size) : EK_OK;
    }
    if (memcmp(tag, "HIST", 4) == 0 && state->history == NULL && size > 0 && memchr(data, 0, size) == NULL) {
        state->history = copy_text(data, size);
        return state->history == NULL ? eki_fail_nomem(r->err, size) : EK_OK;
    }
    if (memcmp(tag, "ENVI", 4) == 0 && size < sizeof state->environment) {
        if (size > 0) memcpy(state->environment, data, size);
        return EK_OK;
    }
    if (memcmp(tag, "MODL", 4) == 0 && r->has_pair && size == state->model.size && !r->has_model) {
        state->bytes = data;
        r->has_model = true;
        return EK_OK;
    }
    return fail_section(r, tag, "is not one that this program knows, or is out of place");
}

static ek_status read_section(state_reader *r) {
    eki_section_header header;
    if (r->size - r->at < sizeof header) return fail_cut(r, "a section header", sizeof header);
    memcpy(&header, r->data + r->at, sizeof header);
    if (eki_crc32c(0, &header, sizeof header - sizeof header.header_crc) != header.header_crc) {
        return eki_fail(r->err, EK_ERR_FORMAT, "%s: the section header at byte %zu has a wrong checksum; %s", r->path,
                        r->at, remedy);
    }
    r->at += sizeof header;
    if (header.size > r->size - r->at) return fail_cut(r, "a section", header.size);
    const unsigned char *payload = r->data + r->at;
    r->at += (size_t)header.size;
    r->sections++;
    if (eki_crc32c(0, payload, (size_t)header.size) != header.payload_crc) {
        return fail_section(r, header.tag, "has a wrong checksum");
    }
    return read_payload(r, header.tag, payload, (size_t)header.size);
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(const eki_slot *const *)a)->name, (*(const eki_slot *const *)b)->name);
}

/* A name that comes twice could be restored either way. Sorted, so that many slots cost little. */
static ek_status check_names(const state_reader *r, const char *tag, const eki_slot *slots, size_t count) {
    if (count < 2) return EK_OK;
    const eki_slot **sorted = eki_alloc(eki_size_of(count, sizeof *sorted));
    if (sorted == NULL) return eki_fail_nomem(r->err, count * sizeof *sorted);
    for (size_t i = 0; i < count; i++) sorted[i] = &slots[i];
    qsort(sorted, count, sizeof *sorted, by_name);
    ek_status status = EK_OK;
    for (size_t i = 1; i < count && status == EK_OK; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) != 0) continue;
        status = fail_section(r, tag, "holds the optimizer's state of a parameter that another one holds too");
    }
    free(sorted);
    return status;
}

static ek_status read_all(state_reader *r) {
    EKI_TRY(read_header(r));
    while (!r->ended) EKI_TRY(read_section(r));
    if (!r->has_position || !r->has_pair || !r->has_model || r->state->n_slots != r->slots ||
        r->state->n_averages != r->averages) {
        return fail_section(r, "END!", "comes although a section is missing");
    }
    EKI_TRY(check_names(r, "SLOT", r->state->slots, r->state->n_slots));
    EKI_TRY(check_names(r, "AVRG", r->state->averages, r->state->n_averages));
    if (r->state->flags == NULL && (r->state->flags = copy_text(r->data, 0)) == NULL) return eki_fail_nomem(r->err, 1);
    r->state->position.flags = r->state->flags;
    r->state->position.history = r->state->history;
    return EK_OK;
}

ek_status eki_state_read(const char *path, eki_state **out, ek_error *err) {
    *out = NULL;
    eki_state *state = eki_calloc(1, sizeof *state);
    if (state == NULL) return eki_fail_nomem(err, sizeof *state);
    ek_status status = eki_map_open(path, &state->map, err);
    if (status == EK_OK) {
        state_reader r = {.path = path, .data = state->map.data, .size = state->map.size, .state = state, .err = err};
        status = read_all(&r);
    }
    if (status != EK_OK) {
        eki_state_free(state);
        return status;
    }
    *out = state;
    return EK_OK;
}

static void free_slots(eki_slot *slots, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(slots[i].name);
        eki_free(slots[i].data[0]);
        eki_free(slots[i].data[1]);
    }
    free(slots);
}

void eki_state_free(eki_state *state) {
    if (state == NULL) return;
    free_slots(state->slots, state->n_slots);
    free_slots(state->averages, state->n_averages);
    free(state->flags);
    free(state->history);
    eki_map_close(&state->map);
    free(state);
}
