/* test_images.c: what a file says of its images: from its input, from its metadata, and what is refused. */
#include "model/model.h"

#include "train/train_fixture.h"

#include <string.h>

static ek_model *cnn(void) { return fixture_model("cnn6", EK_NORM_BATCH, 8, 0.0); }

static void set(ek_model *model, const char *key, const char *value) {
    OK(ek_model_set_metadata(model, key, value, err));
}

static void test_nothing(void **state) {
    (void)state;
    ek_model *model = cnn();
    ek_model_images images;
    char name[8] = "x";
    OK(ek_model_describe_images(model, &images, err));
    assert_true(images.height == 8 && images.width == 8 && images.moments == 0 && images.classes == 0);
    assert_int_equal(images.channels, ek_model_input(model, 0).dims[1]);
    assert_true(images.mean[3] == 0 && images.std[0] == 1 && images.std[3] == 1);
    assert_int_equal(ek_model_class_name(model, 0, name, sizeof name), 0);
    assert_string_equal(name, "");
    ek_model_destroy(model);
}

static void test_metadata(void **state) {
    (void)state;
    ek_model *model = cnn();
    ek_model_images images;
    char name[6];
    set(model, "evenkeel.std", "0.25,0.5,1");
    set(model, "evenkeel.size", "48x192");
    set(model, "evenkeel.classes", "cat\na long name\ndog");
    OK(ek_model_describe_images(model, &images, err));
    assert_true(images.height == 8 && images.width == 8); /* the input is fixed: it knows better */
    assert_true(images.moments == 3 && images.mean[0] == 0 && images.std[0] == 0.25F && images.std[2] == 1);
    assert_int_equal(images.classes, 3);
    assert_int_equal(ek_model_class_name(model, 1, name, sizeof name), 11);
    assert_string_equal(name, "a lon");
    assert_int_equal(ek_model_class_name(model, 2, name, sizeof name), 3);
    assert_string_equal(name, "dog");
    assert_int_equal(ek_model_class_name(model, 3, name, sizeof name), 0);
    for (int i = 1; i < 4; i++) model->document->inputs[0]->shape.dims[i] = -1;
    OK(eki_model_rebuild(model, err));
    OK(ek_model_describe_images(model, &images, err));
    assert_true(images.channels == 3 && images.height == 48 && images.width == 192);
    ek_model_destroy(model);
}

static void test_refusals(void **state) {
    (void)state;
    static const char *const bad_numbers[] = {"", "x", "0.1,", "0.1;0.2", "nan", "1,2,3,4,5", "1,2,3,4,", "0.1,0.2,"};
    static const char *const bad_sizes[] = {"", "48", "48x", "x48", "0x5", "5x-1", "48x192x3", "99999x1"};
    ek_model *model = cnn();
    ek_model_images images;
    for (size_t i = 0; i < sizeof bad_numbers / sizeof *bad_numbers; i++) {
        set(model, "evenkeel.mean", bad_numbers[i]);
        FAILS(EK_ERR_FORMAT, "evenkeel.mean = '", ek_model_describe_images(model, &images, err));
    }
    set(model, "evenkeel.mean", "1,2");
    set(model, "evenkeel.std", "1,2,3");
    FAILS(EK_ERR_FORMAT, "'1,2' has 2 numbers, but evenkeel.std = '1,2,3' has 3",
          ek_model_describe_images(model, &images, err));
    set(model, "evenkeel.mean", NULL);
    for (size_t i = 0; i < sizeof bad_sizes / sizeof *bad_sizes; i++) {
        set(model, "evenkeel.size", bad_sizes[i]);
        FAILS(EK_ERR_FORMAT, "evenkeel.size = '", ek_model_describe_images(model, &images, err));
    }
    ek_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing), cmocka_unit_test(test_metadata),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
