/* checkpoint.c: FILE.onnx and FILE.onnx.state as one consistent pair.
 *
 * Two renames are not one atomic step, so the state is written as a redo log: it embeds the bytes of the model that
 * belongs to it, that model's size and CRC, and those of the model file it is about to replace. A save
 *
 *     1. writes the new model beside the old one, and syncs it
 *     2. writes the new state beside the old one, syncs it and renames it over   <- the save takes effect here
 *     3. renames the model over
 *
 * Killed before 2, old model and old state are there untouched. After 2 the new state is complete by itself: the model
 * file is still the replaced one (or absent, at a first save), which the load recognises and takes the embedded model.
 * After 3 the files match. Each rename is made durable before the next begins, so that a power cut leaves the same
 * cases. A model file that is neither the state's own nor the one it replaced was put there by someone else, and is
 * refused rather than guessed at.
 */
#include "train/ranks.h"
#include "train/trainer.h"

#include "dnnl/adapter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/threads.h"

static ek_status state_path(const char *path, char **out, ek_error *err) {
    size_t room = strlen(path) + sizeof ".state";
    *out = eki_alloc(eki_sized(room));
    if (*out == NULL) return eki_fail_nomem(err, room);
    (void)snprintf(*out, room, "%s.state", path);
    return EK_OK;
}

/* Size and CRC of a file; exists = false when there is none. */
static ek_status identify(const char *path, eki_identity *identity, ek_error *err) {
    struct stat info;
    eki_map map;
    *identity = (eki_identity){0};
    if (stat(path, &info) != 0 && errno == ENOENT) return EK_OK;
    EKI_TRY(eki_map_open(path, &map, err));
    *identity = (eki_identity){.exists = true, .crc = eki_crc32c(0, map.data, map.size), .size = map.size};
    eki_map_close(&map);
    return EK_OK;
}

static bool same(const eki_identity *a, const eki_identity *b) {
    if (a->exists != b->exists) return false;
    return !a->exists || (a->crc == b->crc && a->size == b->size);
}

static ek_status write_state(const ek_trainer *trainer, const ek_position *position, const char *path,
                             const eki_identity *model, const eki_identity *previous, ek_error *err) {
    char *name;
    eki_writer *writer;
    EKI_TRY(state_path(path, &name, err));
    ek_status status = eki_writer_open(name, &writer, err);
    free(name);
    if (status != EK_OK) return status;
    status = eki_state_write(trainer, position, model, previous, writer, err);
    if (status != EK_OK) {
        eki_writer_discard(writer);
        return status;
    }
    return eki_writer_commit(writer, err);
}

ek_status ek_trainer_save(const ek_trainer *trainer, const char *path, const ek_position *position, ek_error *err) {
    EKI_GIVEN(trainer, err);
    EKI_GIVEN(path, err);
    EKI_TRY(eki_ranks_meet(trainer->ranks, trainer, err));
    return eki_ranks_writes(trainer->ranks) ? ek_trainer_save_alone(trainer, path, position, err) : EK_OK;
}

ek_status ek_trainer_save_alone(const ek_trainer *trainer, const char *path, const ek_position *position,
                                ek_error *err) {
    EKI_GIVEN(trainer, err);
    EKI_GIVEN(path, err);
    const ek_position start = {.flags = ""};
    eki_identity previous, model = {.exists = true};
    eki_writer *writer;
    EKI_TRY(identify(path, &previous, err));
    EKI_TRY(eki_writer_open(path, &writer, err));
    ek_status status = eki_model_write(trainer->model, NULL, writer, err);
    if (status == EK_OK) status = eki_writer_sync(writer, err);
    model.crc = eki_writer_crc(writer);
    model.size = eki_writer_size(writer);
    if (status == EK_OK) {
        status = write_state(trainer, position != NULL ? position : &start, path, &model, &previous, err);
    }
    if (status != EK_OK) {
        eki_writer_discard(writer);
        return status;
    }
    return eki_writer_commit(writer, err);
}

ek_status ek_trainer_save_model(const ek_trainer *trainer, const char *path, ek_error *err) {
    EKI_GIVEN(trainer, err);
    EKI_GIVEN(path, err);
    eki_writer *writer;
    if (!eki_ranks_writes(trainer->ranks)) return EK_OK;
    EKI_TRY(eki_writer_open(path, &writer, err));
    ek_status status = eki_model_write(trainer->model, NULL, writer, err);
    if (status == EK_OK) return eki_writer_commit(writer, err);
    eki_writer_discard(writer);
    return status;
}

static ek_status load_pair(const char *path, const eki_state *state, ek_model **model, ek_error *err) {
    eki_identity found;
    EKI_TRY(identify(path, &found, err));
    if (same(&found, &state->model)) return ek_model_load(path, model, err);
    if (same(&found, &state->previous) || !found.exists) {
        return eki_model_load_bytes(state->bytes, (size_t)state->model.size, path, model, err);
    }
    return eki_fail(err, EK_ERR_FORMAT,
                    "%s: is not the model that %s.state was saved with (CRC-32C %08x of %llu bytes, the state's model "
                    "has %08x of %llu); put that model back, or delete the state to train this one afresh",
                    path, path, (unsigned)found.crc, (unsigned long long)found.size, (unsigned)state->model.crc,
                    (unsigned long long)state->model.size);
}

ek_status ek_checkpoint_load(const char *path, ek_checkpoint *checkpoint, ek_error *err) {
    EKI_GIVEN(path, err);
    EKI_GIVEN(checkpoint, err);
    char *name;
    struct stat info;
    eki_state *state = NULL;
    *checkpoint = (ek_checkpoint){.position = {.flags = ""}};
    EKI_TRY(state_path(path, &name, err));
    ek_status status = EK_OK;
    if (stat(name, &info) != 0 && errno == ENOENT) {
        status =
            eki_fail(err, EK_ERR_IO,
                     "%s: there is no such file; training is resumed from a model and its state, a model alone can "
                     "only be trained afresh",
                     name);
    }
    if (status == EK_OK) status = eki_state_read(name, &state, err);
    if (status == EK_OK) status = load_pair(path, state, &checkpoint->model, err);
    free(name);
    if (status != EK_OK) {
        eki_state_free(state);
        return status;
    }
    eki_map_close(&state->map); /* the file may be replaced from here on; slots are copies */
    state->bytes = NULL;
    checkpoint->state = state;
    checkpoint->position = state->position;
    memcpy(checkpoint->environment, state->environment, sizeof checkpoint->environment);
    return EK_OK;
}

void ek_checkpoint_free(ek_checkpoint *checkpoint) {
    if (checkpoint == NULL) return;
    eki_state_free(checkpoint->state);
    checkpoint->state = NULL;
    checkpoint->position.flags = "";
    checkpoint->position.history = NULL;
}
