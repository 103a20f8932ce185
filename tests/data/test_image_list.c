/* test_image_list.c: images at any depth, in order, and what was left out. */
#include "data_files.h"

#include <evenkeel/image.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static ek_image_list *list_good(const char *const *paths, size_t count) {
    ek_image_list *list = NULL;
    ek_error err = {EK_OK, ""};
    if (ek_image_list_make(paths, count, &list, &err) != EK_OK) fail_msg("%s", err.text);
    return list;
}

static void expect_paths(const ek_image_list *list, const char *const *names, size_t count) {
    assert_int_equal(ek_image_list_count(list), count);
    for (size_t i = 0; i < count; i++) assert_string_equal(ek_image_list_path(list, i), at(names[i]));
}

static const ek_skipped *find_skipped(const ek_image_list *list, const char *kind) {
    const ek_skipped *all;
    size_t count = ek_image_list_skipped(list, &all);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].kind, kind) == 0) return &all[i];
    }
    fail_msg("nothing was skipped as '%s'", kind);
    return NULL;
}

static void test_names(void **state) {
    (void)state;
    static const char *const order[] = {"f/A.PNG",   "f/b.JPEG", "f/b/c/d/e.webp", "f/b/c/x.jfif",
                                        "f/b/y.JPE", "f/c.Jpg",  "f/d.bmp",        "f/e.DIB"};
    for (size_t i = 0; i < 8; i++) put_text(order[i], "");
    static const char *const others[] = {"f/a.gif",        "f/b/b.GIF",   "f/c.tif",      "f/d.heic",        "f/readme",
                                         "f/b/labels.csv", "f/.DS_Store", "f/.git/x.png", "f/__MACOSX/y.png"};
    for (size_t i = 0; i < 9; i++) put_text(others[i], "");
    const char *folder = at("f/");
    ek_image_list *list = list_good(&folder, 1);
    expect_paths(list, order, 8);
    assert_int_equal(find_skipped(list, ".gif")->count, 2);
    assert_string_equal(find_skipped(list, ".gif")->remedy, "not read; mogrify -format png *.gif converts them");
    assert_int_equal(find_skipped(list, ".tif")->count, 1);
    assert_string_equal(find_skipped(list, ".heic")->first, at("f/d.heic"));
    assert_int_equal(find_skipped(list, "hidden")->count, 3);
    assert_int_equal(find_skipped(list, "not called like an image")->count, 2);
    const ek_skipped *all;
    assert_int_equal(ek_image_list_skipped(list, &all), 5);
    ek_image_list_free(list);
}

static void test_paths(void **state) {
    (void)state;
    put_text("f/1.png", "");
    put_text("f/2.png", "");
    put_text("other.txt", "");
    const char *const paths[] = {at("other.txt"), at("f"), at("f/1.png")};
    ek_image_list *list = list_good(paths, 3);
    static const char *const order[] = {"other.txt", "f/1.png", "f/2.png", "f/1.png"};
    expect_paths(list, order, 4);
    ek_image_list_free(list);
    const char *missing = at("nothing");
    ek_error err = {EK_OK, ""};
    assert_int_equal(ek_image_list_make(&missing, 1, &list, &err), EK_ERR_IO);
    assert_null(list);
    assert_text(&err, "nothing");
    list = list_good(NULL, 0);
    assert_int_equal(ek_image_list_count(list), 0);
    ek_image_list_free(list);
}

static void test_links(void **state) {
    (void)state;
    put_text("f/a/1.png", "");
    put_text("g/2.png", "");
    assert_int_equal(symlink(at("f"), at("f/a/loop")), 0);
    assert_int_equal(symlink(at("g"), at("f/more")), 0);
    assert_int_equal(symlink(at("g/2.png"), at("f/link.png")), 0);
    const char *folder = at("f");
    ek_image_list *list = list_good(&folder, 1);
    static const char *const order[] = {"f/a/1.png", "f/link.png", "f/more/2.png"};
    expect_paths(list, order, 3);
    assert_int_equal(find_skipped(list, "a link back to a folder above")->count, 1);
    ek_image_list_free(list);
}

static void test_deep(void **state) {
    (void)state;
    char name[256] = "f";
    for (int i = 0; i < 70; i++) strcat(name, "/d");
    make_folder(name);
    const char *folder = at("f");
    ek_image_list *list = NULL;
    ek_error err = {EK_OK, ""};
    assert_int_equal(ek_image_list_make(&folder, 1, &list, &err), EK_ERR_LIMIT);
    assert_text(&err, "64 deep");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_names), TEST(test_paths), TEST(test_links), TEST(test_deep)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
