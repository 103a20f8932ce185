/* loader_speed.c: for loader.sh: makes a folder of JPEG files with the array of their pixels, and times reading and
 * training.
 *
 *     loader_speed make FOLDER COUNT SIDE
 *         FOLDER/jpeg/CLASS/N.jpg (ten classes), FOLDER/x.npy and FOLDER/y.npy
 *     loader_speed run SPEC SIDE WORKERS KEPT BATCH BATCHES [MODEL]
 *         images a second that batches are made at or, of a built-in model, trained on, with two threads; images become
 *         SIDE x SIDE (0 = as they are); KEPT 1 = decoded images are kept, and all have been, 0 = none is kept
 */
#include <evenkeel/data.h>
#include <evenkeel/train.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <turbojpeg.h>

enum { CLASSES = 10, QUALITY = 90 };

static void stop(const char *what) {
    fprintf(stderr, "loader_speed: %s\n", what);
    exit(1);
}

static void judge(ek_status status, const ek_error *err) {
    if (status != EK_OK) stop(err->text);
}

/* Waves of several lengths and a little noise: about as many bytes as a photograph. */
static void draw(int number, int side, unsigned char *to) {
    unsigned noise = 2654435761u * (unsigned)(number + 1);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            for (int c = 0; c < 3; c++) {
                double value = 128;
                for (int k = 1; k <= 16; k *= 2)
                    value +=
                        50.0 / k * sin(0.02 * k * (x * (1 + number % CLASSES) + y * (1 + number % 7)) + number + c * k);
                noise = noise * 1664525u + 1013904223u;
                value += (double)(noise >> 28) - 8;
                *to++ = (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
            }
}

static void write_jpeg(const char *path, const unsigned char *pixels, int side) {
    unsigned char *data = NULL;
    unsigned long size = 0;
    tjhandle handle = tjInitCompress();
    if (handle == NULL ||
        tjCompress2(handle, pixels, side, 0, side, TJPF_RGB, &data, &size, TJSAMP_420, QUALITY, 0) != 0)
        stop("cannot compress");
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) stop(path);
    tjFree(data);
    tjDestroy(handle);
}

/* What the files hold once they are decoded. */
static void write_array(const char *folder, const char *images) {
    ek_dataset *set;
    ek_error err = {0};
    char path[4096];
    judge(ek_dataset_open(images, EK_SPLIT_TRAIN, NULL, &set, &err), &err);
    ek_dataset_info info = ek_dataset_describe(set);
    size_t values = (size_t)info.channels * (size_t)info.height * (size_t)info.width;
    unsigned char *pixels = malloc((size_t)info.count * values);
    float *image = malloc(values * sizeof *image);
    int32_t *labels = calloc((size_t)info.count, sizeof *labels);
    if (pixels == NULL || image == NULL || labels == NULL) stop("out of memory");
    for (int64_t i = 0; i < info.count; i++) {
        judge(ek_dataset_read(set, i, image, &labels[i], &err), &err);
        for (size_t j = 0; j < values; j++) pixels[(size_t)i * values + j] = (unsigned char)(image[j] * 255.0f + 0.5f);
    }
    snprintf(path, sizeof path, "%s/x.npy", folder);
    judge(ek_npy_write(path, EK_U8, 4, (int64_t[]){info.count, info.channels, info.height, info.width}, pixels, &err),
          &err);
    snprintf(path, sizeof path, "%s/y.npy", folder);
    judge(ek_npy_write(path, EK_I32, 1, &info.count, labels, &err), &err);
    free(pixels);
    free(image);
    free(labels);
    ek_dataset_close(set);
}

static void make(const char *folder, int count, int side) {
    char images[2048], path[4096];
    unsigned char *pixels = malloc((size_t)side * (size_t)side * 3);
    if (pixels == NULL) stop("out of memory");
    mkdir(folder, 0777);
    snprintf(images, sizeof images, "%s/jpeg", folder);
    mkdir(images, 0777);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%d", images, i % CLASSES);
        mkdir(path, 0777);
        snprintf(path, sizeof path, "%s/%d/%06d.jpg", images, i % CLASSES, i);
        draw(i, side, pixels);
        write_jpeg(path, pixels, side);
    }
    free(pixels);
    write_array(folder, images);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ek_dataset *open_set(const char *spec, int side, int kept) {
    ek_dataset *set;
    ek_error err = {0};
    ek_dataset_options o = {.struct_size = sizeof o, .height = side, .width = side, .on_demand = 1};
    struct stat info;
    if (stat(spec, &info) == 0 && S_ISDIR(info.st_mode) && !kept) o.max_bytes = 1;
    judge(ek_dataset_open(spec, EK_SPLIT_TRAIN, &o, &set, &err), &err);
    if (kept) judge(ek_dataset_check(set, NULL, NULL, &err), &err);
    return set;
}

static ek_trainer *make_trainer(const ek_dataset *set, const char *architecture, ek_model **model) {
    ek_trainer *trainer;
    ek_error err = {0};
    ek_dataset_info info = ek_dataset_describe(set);
    ek_build_options build = ek_build_options_default(architecture);
    ek_train_options o = ek_train_options_default();
    build.channels = info.channels;
    build.height = info.height;
    build.width = info.width;
    build.classes = info.classes;
    o.threads = 2;
    o.lr = 0.001;
    o.total_steps = 1 << 20;
    judge(ek_model_build(&build, model, &err), &err);
    judge(ek_trainer_create(*model, &o, &trainer, &err), &err);
    return trainer;
}

/* Images a second over so many batches, behind two that are not timed. `trainer` may be NULL. */
static double pass(ek_loader *loader, ek_trainer *trainer, int batches) {
    ek_batch batch;
    ek_step_result result;
    ek_error err = {0};
    double began = 0;
    int64_t images = 0, epoch = 0;
    judge(ek_loader_start_epoch(loader, 0, 0, &err), &err);
    for (int done = -2; done < batches; done++) {
        if (done == 0) began = now();
        judge(ek_loader_next(loader, &batch, &err), &err);
        if (batch.count == 0) {
            judge(ek_loader_start_epoch(loader, ++epoch, 0, &err), &err);
            judge(ek_loader_next(loader, &batch, &err), &err);
        }
        if (trainer != NULL) judge(ek_trainer_step(trainer, &batch, &result, &err), &err);
        if (done >= 0) images += batch.count;
    }
    return (double)images / (now() - began);
}

static void run(char **word) { /* SPEC SIDE WORKERS KEPT BATCH BATCHES [MODEL] */
    ek_loader *loader;
    ek_model *model = NULL;
    ek_error err = {0};
    ek_dataset *set = open_set(word[0], atoi(word[1]), atoi(word[3]));
    ek_loader_options o = ek_loader_options_default();
    o.shuffle = 1;
    o.workers = atoi(word[2]);
    o.batch = atoi(word[4]);
    judge(ek_loader_create(set, &o, &loader, &err), &err);
    ek_trainer *trainer = word[6] != NULL ? make_trainer(set, word[6], &model) : NULL;
    printf("%.1f\n", pass(loader, trainer, atoi(word[5])));
    ek_loader_destroy(loader);
    ek_trainer_destroy(trainer);
    ek_model_destroy(model);
    ek_dataset_close(set);
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "make") == 0)
        make(argv[2], atoi(argv[3]), atoi(argv[4]));
    else if (argc >= 8 && strcmp(argv[1], "run") == 0)
        run(argv + 2);
    else
        stop("usage: loader_speed make FOLDER COUNT SIDE | run SPEC SIDE WORKERS KEPT BATCH BATCHES [MODEL]");
    return 0;
}
