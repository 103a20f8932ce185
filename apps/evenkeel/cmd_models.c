/* cmd_models.c: `evenkeel models`: the built-in architectures; with a name, its tensors. */
#include "command.h"
#include "image_facts.h"
#include "inputs.h"
#include "message.h"
#include "norms.h"
#include "print.h"
#include "report/json_out.h"

#include <string.h>

static const option models_options[] = {
    {.name = "classes",
     .type = OPT_INT,
     .argument = "N",
     .fallback = "10",
     .minimum = 2,
     .maximum = 1000000,
     .group = "Model",
     .help = "classes to tell apart"},
    OPTION_NORM,
    OPTIONS_COMMON,
    OPTION_END,
};

static void list_json(void) {
    eki_json json;
    eki_json_start(&json, stdout, 2);
    eki_json_object(&json, NULL);
    eki_json_array(&json, "models");
    for (size_t i = 0; i < ek_architecture_count(); i++) {
        const ek_architecture *a = ek_architecture_get(i);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "name", a->name);
        eki_json_text(&json, "summary", a->summary);
        eki_json_int(&json, "channels", a->channels);
        eki_json_int(&json, "height", a->height);
        eki_json_int(&json, "width", a->width);
        eki_json_close(&json);
    }
    eki_json_finish(&json);
}

static void list_text(void) {
    print("%-16s %-10s %s\n", "name", "meant for", "");
    for (size_t i = 0; i < ek_architecture_count(); i++) {
        const ek_architecture *a = ek_architecture_get(i);
        char size[40];
        snprintf(size, sizeof size, "%dx%dx%d", a->channels, a->height, a->width);
        print("%-16s %-10s %s\n", a->name, size, a->summary);
    }
    note("Next: evenkeel models NAME");
}

static void put_tensor(eki_json *json, ek_tensor_info info) {
    eki_json_object(json, NULL);
    eki_json_text(json, "name", info.name);
    eki_json_text(json, "dtype", dtype_name(info.dtype));
    eki_json_array(json, "shape");
    for (int d = 0; d < info.rank; d++) {
        if (info.dims[d] < 0)
            eki_json_null(json, NULL);
        else
            eki_json_int(json, NULL, info.dims[d]);
    }
    eki_json_close(json);
    eki_json_close(json);
}

static void show_json(const char *name, const char *summary, const ek_model *model) {
    eki_json json;
    eki_json_start(&json, stdout, 2);
    eki_json_object(&json, NULL);
    eki_json_text(&json, "name", name);
    eki_json_text(&json, "summary", summary);
    eki_json_int(&json, "opset", ek_model_opset(model));
    eki_json_int(&json, "nodes", (int64_t)ek_model_node_count(model));
    eki_json_int(&json, "norms", (int64_t)ek_model_norm_count(model));
    eki_json_int(&json, "values", model_values(model));
    images_put(&json, model);
    eki_json_array(&json, "inputs");
    for (size_t i = 0; i < ek_model_input_count(model); i++) put_tensor(&json, ek_model_input(model, i));
    eki_json_close(&json);
    eki_json_array(&json, "outputs");
    for (size_t i = 0; i < ek_model_output_count(model); i++) put_tensor(&json, ek_model_output(model, i));
    eki_json_close(&json);
    eki_json_array(&json, "tensors");
    for (size_t i = 0; i < ek_model_tensor_count(model); i++) put_tensor(&json, ek_model_tensor(model, i));
    eki_json_close(&json);
    eki_json_array(&json, "graph");
    for (size_t i = 0; i < ek_model_node_count(model); i++) {
        ek_node_info node = ek_model_node(model, i);
        eki_json_object(&json, NULL);
        eki_json_text(&json, "op", node.op_type);
        eki_json_text(&json, "name", node.name);
        eki_json_text(&json, "output", node.output);
        eki_json_close(&json);
    }
    eki_json_finish(&json);
}

static void show_tensor(const char *kind, ek_tensor_info info) {
    char dims[160];
    dims_text(info.rank, info.dims, dims, sizeof dims);
    print("%-8s %-32s %-5s %s\n", kind, info.name, dtype_name(info.dtype), dims);
}

static void show_text(const char *name, const char *summary, const ek_model *model) {
    print("%s: %s\n", name, summary);
    print("opset %lld, %zu nodes, %zu norms, %lld values\n\n", (long long)ek_model_opset(model),
          ek_model_node_count(model), ek_model_norm_count(model), (long long)model_values(model));
    images_show(model, 8);
    for (size_t i = 0; i < ek_model_input_count(model); i++) show_tensor("input", ek_model_input(model, i));
    for (size_t i = 0; i < ek_model_tensor_count(model); i++) show_tensor("tensor", ek_model_tensor(model, i));
    for (size_t i = 0; i < ek_model_output_count(model); i++) show_tensor("output", ek_model_output(model, i));
    print("\n");
    for (size_t i = 0; i < ek_model_node_count(model); i++) {
        ek_node_info node = ek_model_node(model, i);
        print("node     %-32s %s%s%s\n", node.output, node.op_type, node.name[0] ? " " : "", node.name);
    }
    note("Next: evenkeel train --model %s --data SPEC -o model.onnx", quoted(name));
}

const ek_architecture *architecture_find(const char *name, ek_error *err) {
    const char *names[64];
    size_t n = 0;
    for (; n < ek_architecture_count() && n < 64; n++) {
        names[n] = ek_architecture_get(n)->name;
        if (strcmp(names[n], name) == 0) return ek_architecture_get(n);
    }
    const char *near = suggest(name, names, n);
    fail(err, EK_ERR_ARG, "no built-in model '%s'%s%s%s 'evenkeel models' lists them, and a file ends in .onnx", name,
         near ? "; did you mean '" : ";", near ? near : "", near ? "'?" : "");
    return NULL;
}

static ek_status open_model(const arguments *args, ek_model **model, const char **summary, ek_error *err) {
    const char *name = args->operands[0];
    if (model_is_file(name)) {
        *summary = "a file";
        return model_open(name, model, err);
    }
    const ek_architecture *a = architecture_find(name, err);
    if (a == NULL) return err->status;
    ek_build_options build = ek_build_options_default(a->name);
    *summary = a->summary;
    build.channels = a->channels;
    build.height = a->height;
    build.width = a->width;
    build.classes = (int)option_int(args, "classes");
    ek_status status = norm_parse(option_text(args, "norm"), &build, err);
    return status == EK_OK ? ek_model_build(&build, model, err) : status;
}

static int run_models(const arguments *args) {
    if (args->operand_count == 0) {
        if (option_flag(args, "json"))
            list_json();
        else
            list_text();
        return EXIT_DONE;
    }
    ek_error err = {0};
    ek_model *model = NULL;
    const char *name = args->operands[0], *summary = "";
    if (open_model(args, &model, &summary, &err) != EK_OK) return report(&err);
    if (option_flag(args, "json"))
        show_json(name, summary, model);
    else
        show_text(name, summary, model);
    ek_model_destroy(model);
    return EXIT_DONE;
}

const command command_models = {
    .name = "models",
    .summary = "List the built-in models, or show the tensors and nodes of a model",
    .operands = "[NAME|FILE.onnx]",
    .maximum = 1,
    .example = "evenkeel models\nevenkeel models cnn6 --norm group:8\nevenkeel models m.onnx",
    .description = "",
    .next = "evenkeel train --model cnn6 --data builtin:strokes -o digits.onnx",
    .options = models_options,
    .run = run_models,
};
