/* fuzz_files.c: whatever a file beside the model says, there is a data set, an image, a state, or an error: images of
 * all kinds, masks, tables, npy, IDX plain and in gzip, training states.
 *
 * The first byte of an input says what it is; the rest is the file. Checksums are put right in three of four (mend.h).
 */
#include "../data/data_files.h"
#include "../train/train_fixture.h"
#include "base/random.h"
#include "data/image.h"
#include "driver.h"
#include "mend.h"

#include <evenkeel/data.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE, TABLE, NPY, IDX, IDX_GZIP, STATE, COLUMNS, MASK, KINDS, ROOM = 1 << 20, SIDE = 5 };

static ek_error err;
static unsigned long read_ones, tried;

static bool failed(ek_status status, const char *what) {
    tried++;
    if (fuzz_failed(status, what, &err)) return true;
    read_ones++;
    return false;
}

/* ---- what is read ---- */

static void read_set(const char *spec) {
    const ek_dataset_options resized = {.struct_size = sizeof resized, .height = 4, .width = 4};
    float mean[EK_MAX_CHANNELS], deviation[EK_MAX_CHANNELS];
    ek_dataset *set;
    for (int i = 0; i < 2; i++) {
        if (failed(ek_dataset_open(spec, EK_SPLIT_TRAIN, i == 0 ? NULL : &resized, &set, &err), spec)) continue;
        (void)failed(ek_dataset_measure(set, 0, mean, deviation, &err), "measure");
        ek_dataset_close(set);
    }
}

static void read_image(const uint8_t *data, size_t size) {
    const eki_encoded file = {.path = "x", .data = data, .size = size};
    eki_image image = {.pixels = NULL};
    if (!failed(eki_image_decode(&file, &image, &err), "image")) eki_image_free(&image);
}

static void read_table(const uint8_t *data, size_t size) {
    put_file("table/train.csv", data, size);
    read_set(at("table/train.csv"));
}

/* Columns that are named, for every use. */
static void read_columns(const uint8_t *data, size_t size) {
    static const char *const lists[] = {"y", "y,a1", "labels", "mask", NULL};
    put_file("table/columns.csv", data, size);
    for (int use = EK_COLUMN_CLASS; use <= EK_COLUMN_LABEL; use++) {
        for (int i = 0; i < 5; i++) {
            const ek_column_array columns[] = {
                {.name = "target", .columns = lists[i], .use = (ek_column_use)use},
                {.name = "x", .columns = use % 2 == 0 ? "a*" : "*", .dtype = i % 2 == 0 ? EK_F32 : EK_I64}};
            const ek_dataset_options o = {.struct_size = sizeof o,
                                          .columns = columns,
                                          .column_count = (size_t)(1 + (use + i) % 2),
                                          .columns_only = i > 2};
            ek_dataset *set, *part;
            if (failed(ek_dataset_open(at("table/columns.csv"), EK_SPLIT_TRAIN, &o, &set, &err), "columns")) continue;
            if (!failed(ek_dataset_divide(set, 0.5, 1, &part, &err), "divide")) ek_dataset_close(part);
            ek_dataset_close(set);
        }
    }
}

/* By itself, and with the image that it may belong to. */
static void read_mask(const uint8_t *data, size_t size) {
    const eki_encoded file = {.path = "x", .data = data, .size = size};
    eki_image mask = {.pixels = NULL};
    if (!failed(eki_image_decode_mask(&file, &mask, &err), "mask")) eki_image_free(&mask);
    put_file("set/masks/a.png", data, size);
    read_set(at("set"));
}

static void read_npy(const uint8_t *data, size_t size) {
    char spec[2100];
    ek_npy array;
    put_file("x.npy", data, size);
    if (!failed(ek_npy_read(at("x.npy"), &array, &err), "npy")) ek_npy_free(&array);
    (void)snprintf(spec, sizeof spec, "%s,%s", at("x.npy"), at("y.npy"));
    read_set(spec);
    (void)snprintf(spec, sizeof spec, "%s,%s", at("y.npy"), at("x.npy"));
    read_set(spec);
}

static void read_idx(const uint8_t *data, size_t size) {
    put_file("idx/train-images-idx3-ubyte", data, size);
    read_set(at("idx"));
}

static void read_idx_gzip(const uint8_t *data, size_t size) {
    put_gzip("gz/train-images-idx3-ubyte.gz", data, size);
    read_set(at("gz"));
}

static void read_state(const uint8_t *data, size_t size) {
    ek_checkpoint checkpoint;
    put_file("m.onnx.state", data, size);
    if (failed(ek_checkpoint_load(at("m.onnx"), &checkpoint, &err), "state")) return;
    ek_train_options options = ek_train_options_default();
    ek_trainer *trainer;
    options.total_steps = 2;
    if (!failed(ek_trainer_create(checkpoint.model, &options, &trainer, &err), "trainer")) {
        (void)failed(ek_trainer_restore(trainer, &checkpoint, &err), "restore");
        ek_trainer_destroy(trainer);
    }
    ek_checkpoint_free(&checkpoint);
    ek_model_destroy(checkpoint.model);
}

/* ---- the files that are not changed, and seeds ---- */

static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 0};
static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};
static const char table[] = "path,label,split\npictures/a.png,cat,train\n\"pictures/a.png\",\"d\"\"og\",test\n";

static const char columns[] = "path,a1,a2,y,labels,mask,split\n"
                              "pictures/a.png,1,2.5,0,cat|dog,pictures/a.png,train\n"
                              "pictures/a.png,-3,4e2,1,,pictures/b.png,train\n\n"
                              "pictures/a.png,0,0,true,\"cat\",pictures/a.png,val\n";

static void save_state(void) {
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, 4, 0);
    ek_train_options options = ek_train_options_default();
    const ek_position position = {.flags = "--lr 0.1"};
    ek_trainer *trainer;
    options.total_steps = 2;
    if (ek_trainer_create(model, &options, &trainer, &err) != EK_OK ||
        ek_trainer_save(trainer, at("m.onnx"), &position, &err) != EK_OK)
        fuzz_stop("state", &err);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
}

static void clean(void) { (void)folder_teardown(NULL); }

/* Once; the folder goes when the program ends. */
static void set_up(void) {
    static bool done;
    static uint8_t pixels[SIDE * SIDE * 3];
    if (done) return;
    done = true;
    (void)setenv("TMPDIR", "/dev/shm", 1);
    (void)folder_setup(NULL);
    (void)atexit(clean);
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 7);
    picture gray = {.width = SIDE, .height = SIDE, .channels = 1, .bits = 8, .pixels = pixels};
    picture palette = {.width = SIDE, .height = SIDE, .channels = 1, .bits = 4, .palette = 1, .interlaced = 1};
    static const uint8_t indices[SIDE * SIDE] = {1, 2, 3};
    palette.pixels = indices;
    put_png("table/pictures/a.png", &gray);
    put_png("table/pictures/b.png", &gray);
    put_png("set/images/a.png", &gray);
    put_png("s/gray.png", &gray);
    put_png("s/palette.png", &palette);
    put_jpeg("s/rgb.jpg", SIDE, SIDE, 3, pixels);
    put_webp("s/rgb.webp", SIDE, SIDE, 3, pixels);
    put_file("idx/train-labels-idx1-ubyte", labels, sizeof labels);
    put_file("gz/train-labels-idx1-ubyte", labels, sizeof labels);
    if (ek_npy_write(at("s/x.npy"), EK_F32, 3, (const int64_t[]){2, 1, 2}, images, &err) != EK_OK ||
        ek_npy_write(at("y.npy"), EK_U8, 1, (const int64_t[]){2}, labels + 8, &err) != EK_OK)
        fuzz_stop("npy", &err);
    save_state();
}

static void seed(uint8_t kind, const void *data, size_t size, fuzz_each *each, void *context) {
    uint8_t *whole = malloc(size + 1);
    if (whole == NULL) return;
    whole[0] = kind;
    memcpy(whole + 1, data, size);
    each(context, whole, size + 1);
    free(whole);
}

static void seed_file(uint8_t kind, const char *name, fuzz_each *each, void *context) {
    size_t size;
    unsigned char *data = get_file(name, &size);
    seed(kind, data, size, each, context);
    free(data);
}

static void seeds(fuzz_each *each, void *context) {
    static const char *const pictures[] = {"s/gray.png", "s/palette.png", "s/rgb.jpg", "s/rgb.webp"};
    static const uint8_t bmp[] = {'B', 'M', 70, 0, 0,  0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 2, 0,
                                  0,   0,   1,  0, 24, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0,
                                  0,   0,   0,  0, 0,  0, 1, 2, 3, 4, 5,  6, 0, 0, 7,  8, 9, 1, 2, 3, 0, 0};
    set_up();
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) seed_file(IMAGE, pictures[i], each, context);
    seed(IMAGE, bmp, sizeof bmp, each, context);
    seed(TABLE, table, sizeof table - 1, each, context);
    seed(COLUMNS, columns, sizeof columns - 1, each, context);
    seed_file(MASK, "s/gray.png", each, context);
    seed_file(MASK, "s/palette.png", each, context);
    seed_file(NPY, "s/x.npy", each, context);
    seed(IDX, images, sizeof images, each, context);
    seed(IDX_GZIP, images, sizeof images, each, context);
    seed_file(STATE, "m.onnx.state", each, context);
}

static void run(const uint8_t *data, size_t size) {
    static void (*const reads[KINDS])(const uint8_t *, size_t) = {read_image,    read_table, read_npy,     read_idx,
                                                                  read_idx_gzip, read_state, read_columns, read_mask};
    set_up();
    if (size == 0) return;
    memset(&err, 0, sizeof err);
    int kind = data[0] % 16 % KINDS;
    uint8_t *copy = malloc(size); /* of this size, so that the address sanitizer sees its end */
    if (copy == NULL) return;
    memcpy(copy, data + 1, size - 1);
    if ((kind == IMAGE || kind == MASK) && data[0] < 192) mend_png(copy, size - 1);
    if (kind == STATE && data[0] < 192) mend_state(copy, size - 1);
    reads[kind](copy, size - 1);
    free(copy);
}

/* A few bytes become others, or the end is lost. */
static size_t mutate(uint8_t *data, size_t size, size_t room, uint64_t number) {
    static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff};
    eki_random random = eki_random_stream(number, "files", 0, 0);
    (void)room;
    if (size < 2) return 0;
    for (uint64_t i = 0; i < 1 + number % 3; i++) {
        uint64_t where = 1 + eki_random_below(random, 3 * i, size - 1), what = eki_random_below(random, 3 * i + 1, 10);
        data[where] = what < 5 ? odd[what] : (uint8_t)eki_random_u32(random, 3 * i + 2);
    }
    return number % 16 == 0 ? size - size / 8 : size;
}

static bool came_far(void) {
    printf("%lu readings, %lu succeeded\n", tried, read_ones);
    return read_ones > 100 && tried > read_ones;
}

const fuzz_target fuzz_here = {.name = "fuzz_files",
                               .corpus = "corpus-files",
                               .changes = 60,
                               .run = run,
                               .seeds = seeds,
                               .mutate = mutate,
                               .came_far = came_far};
