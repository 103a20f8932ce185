/* image_facts.c: what a file says of its images, as `models` and `inspect` show it. */
#include "image_facts.h"
#include "message.h"
#include "print.h"

enum { SHOWN_CLASSES = 8 };

const char *class_text(const ek_model *model, const ek_model_images *images, int index, char text[CLASS_ROOM]) {
    if (index >= images->classes || ek_model_class_name(model, index, text, CLASS_ROOM) == 0)
        snprintf(text, CLASS_ROOM, "%d", index);
    return text;
}

/* A key that cannot be read is said, and does not keep a file from being looked at. */
static ek_model_images describe(const ek_model *model) {
    ek_model_images images;
    ek_error err = {0};
    if (ek_model_describe_images(model, &images, &err) != EK_OK) warn("%s", err.text);
    return images;
}

static void show_numbers(const char *what, const float *values, int count) {
    for (int i = 0; i < count; i++) print("%s%.6g", i ? "," : what, (double)values[i]);
}

static void show_extent(int extent, const char *end) {
    if (extent > 0)
        print("%d%s", extent, end);
    else
        print("?%s", end);
}

void images_show(const ek_model *model, int width) {
    ek_model_images images = describe(model);
    if (images.moments > 0 || ek_model_metadata(model, "evenkeel.size") != NULL) {
        print("%-*s ", width, "images");
        show_extent(images.channels, "x");
        show_extent(images.height, "x");
        show_extent(images.width, "");
        show_numbers(", mean ", images.mean, images.moments);
        show_numbers(", deviation ", images.std, images.moments);
        print("\n");
    }
    const char *inside = ek_model_metadata(model, "evenkeel.preprocess");
    if (inside != NULL)
        print("%-*s %s: the file takes these and prepares them itself; here is the model behind that\n", width,
              "pixels", inside);
    if (images.classes == 0) return;
    char name[CLASS_ROOM];
    print("%-*s %d: ", width, "classes", images.classes);
    for (int i = 0; i < images.classes && i < SHOWN_CLASSES; i++)
        print("%s%s", i ? ", " : "", class_text(model, &images, i, name));
    print("%s\n", images.classes > SHOWN_CLASSES ? ", ..." : "");
}

static void put_numbers(eki_json *json, const char *key, const float *values, int count) {
    if (count == 0) {
        eki_json_null(json, key);
        return;
    }
    eki_json_array(json, key);
    for (int i = 0; i < count; i++) eki_json_float(json, NULL, values[i]);
    eki_json_close(json);
}

static void put_extent(eki_json *json, const char *key, int extent) {
    if (extent > 0)
        eki_json_int(json, key, extent);
    else
        eki_json_null(json, key);
}

void images_put(eki_json *json, const ek_model *model) {
    ek_model_images images = describe(model);
    char name[CLASS_ROOM];
    eki_json_object(json, "images");
    put_extent(json, "channels", images.channels);
    put_extent(json, "height", images.height);
    put_extent(json, "width", images.width);
    put_numbers(json, "mean", images.mean, images.moments);
    put_numbers(json, "std", images.std, images.moments);
    if (images.classes == 0)
        eki_json_null(json, "classes");
    else
        eki_json_array(json, "classes");
    for (int i = 0; i < images.classes; i++) eki_json_text(json, NULL, class_text(model, &images, i, name));
    if (images.classes > 0) eki_json_close(json);
    eki_json_close(json);
}
