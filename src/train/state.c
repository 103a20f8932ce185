/* state.c: writing FILE.onnx.state.
 *
 * A header, then sections, each with its own header and CRC-32C, then a closing section with the CRC of everything
 * before it. One section embeds the bytes of the model file that belongs to the state: see checkpoint.c for why.
 * Layout in docs/training.md.
 */
#include "train/trainer.h"

#include <stdio.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the state file is written as it lies in memory and needs a little-endian machine"
#endif

_Static_assert(sizeof(eki_section_header) == EKI_SECTION_HEADER, "section headers have no padding");
_Static_assert(sizeof(eki_position_record) == 72, "the position record has no padding");
_Static_assert(sizeof(eki_average_record) == 24, "the record of averages has no padding");
_Static_assert(sizeof(eki_pair_record) == 32, "the pair record has no padding");

typedef struct state_writer {
    eki_writer *out;
    uint32_t sections;
    ek_error *err;
} state_writer;

typedef struct field {
    const void *data;
    size_t size;
} field;

static ek_status put_header(state_writer *w, const char tag[5], uint64_t size, uint32_t payload_crc) {
    eki_section_header header = {.payload_crc = payload_crc, .size = size};
    memcpy(header.tag, tag, sizeof header.tag);
    header.header_crc = eki_crc32c(0, &header, sizeof header - sizeof header.header_crc);
    w->sections++;
    return eki_writer_put(w->out, &header, sizeof header, w->err);
}

static ek_status put_section(state_writer *w, const char tag[5], const field *fields, size_t count) {
    uint32_t crc = 0;
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        crc = eki_crc32c(crc, fields[i].data, fields[i].size);
        size += fields[i].size;
    }
    EKI_TRY(put_header(w, tag, size, crc));
    for (size_t i = 0; i < count; i++) EKI_TRY(eki_writer_put(w->out, fields[i].data, fields[i].size, w->err));
    return EK_OK;
}

static ek_status put_slots(state_writer *w, const ek_trainer *trainer, int arrays) {
    for (size_t i = 0; i < trainer->groups.count; i++) {
        const eki_trained *item = &trainer->groups.items[i];
        if (!item->trained) continue;
        eki_slot_record record = {
            .name_bytes = (uint32_t)strlen(item->name), .arrays = (uint32_t)arrays, .count = item->count};
        const field fields[4] = {{&record, sizeof record},
                                 {item->name, record.name_bytes},
                                 {item->first, item->count * sizeof(float)},
                                 {item->second, item->count * sizeof(float)}};
        EKI_TRY(put_section(w, "SLOT", fields, 2 + (size_t)arrays));
    }
    return EK_OK;
}

static ek_status put_averages(state_writer *w, const ek_trainer *trainer) {
    const eki_groups *groups = &trainer->groups;
    eki_average_record all = {.steps = trainer->averaged, .kind = (uint32_t)trainer->options.average};
    if (all.kind == EK_AVERAGE_NONE) return EK_OK;
    for (size_t i = 0; i < groups->count; i++) all.parameters += groups->items[i].average != NULL;
    EKI_TRY(put_section(w, "AVER", &(field){&all, sizeof all}, 1));
    for (size_t i = 0; i < groups->count; i++) {
        const eki_trained *item = &groups->items[i];
        if (item->average == NULL) continue;
        eki_slot_record record = {.name_bytes = (uint32_t)strlen(item->name), .arrays = 1, .count = item->count};
        const field fields[3] = {
            {&record, sizeof record}, {item->name, record.name_bytes}, {item->average, item->count * sizeof(float)}};
        EKI_TRY(put_section(w, "AVRG", fields, 3));
    }
    return EK_OK;
}

/* The model again, straight into the state. It must come out as it did in its own file, whose CRC is already known. */
static ek_status put_model(state_writer *w, const ek_model *model, const eki_identity *identity) {
    EKI_TRY(put_header(w, "MODL", identity->size, identity->crc));
    uint64_t before = eki_writer_size(w->out);
    EKI_TRY(eki_model_write(model, NULL, w->out, w->err));
    if (eki_writer_size(w->out) - before == identity->size) return EK_OK;
    return eki_fail(w->err, EK_ERR_STATE, "the model changed while it was being saved; save between two steps");
}

static ek_status put_end(state_writer *w) {
    eki_end_record end = {.crc = eki_writer_crc(w->out), .sections = w->sections};
    return put_section(w, "END!", &(field){&end, sizeof end}, 1);
}

ek_status eki_state_write(const ek_trainer *trainer, const ek_position *position, const eki_identity *model,
                          const eki_identity *previous, eki_writer *writer, ek_error *err) {
    state_writer w = {.out = writer, .err = err};
    unsigned char header[EKI_STATE_HEADER] = EKI_STATE_MAGIC;
    uint32_t version = EKI_STATE_VERSION;
    int arrays = eki_optimizer_slots(&trainer->options);
    char environment[256];
    const char *flags = position->flags != NULL ? position->flags : "";
    eki_position_record where = {.epoch = position->epoch,
                                 .batch = position->batch,
                                 .correct = position->correct,
                                 .seen = position->seen,
                                 .step = trainer->step,
                                 .skipped = trainer->skipped,
                                 .loss_sum = position->loss_sum,
                                 .optimizer = (uint32_t)trainer->options.optimizer,
                                 .arrays = (uint32_t)arrays};
    eki_pair_record pair = {.size = model->size,
                            .crc = model->crc,
                            .previous_size = previous->size,
                            .previous_crc = previous->crc,
                            .has_previous = previous->exists};
    for (size_t i = 0; i < trainer->groups.count; i++) where.slots += trainer->groups.items[i].trained;
    ek_environment(trainer->options.threads, environment);
    size_t used = strlen(environment);
    (void)snprintf(environment + used, sizeof environment - used, "ranks=%d\n", ek_comm_size(trainer->options.comm));
    memcpy(header + 8, &version, sizeof version);
    EKI_TRY(eki_writer_put(writer, header, sizeof header, err));
    EKI_TRY(put_section(&w, "POSN", &(field){&where, sizeof where}, 1));
    EKI_TRY(put_section(&w, "PAIR", &(field){&pair, sizeof pair}, 1));
    EKI_TRY(put_section(&w, "FLAG", &(field){flags, strlen(flags)}, 1));
    EKI_TRY(put_section(&w, "ENVI", &(field){environment, strlen(environment)}, 1));
    if (position->history != NULL && position->history[0] != '\0')
        EKI_TRY(put_section(&w, "HIST", &(field){position->history, strlen(position->history)}, 1));
    EKI_TRY(put_slots(&w, trainer, arrays));
    EKI_TRY(put_averages(&w, trainer));
    EKI_TRY(put_model(&w, trainer->model, model));
    return put_end(&w);
}
