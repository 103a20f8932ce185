/* image_facts.h: what a file says of its images: size, mean, deviation, classes. */
#ifndef EK_TOOL_IMAGE_FACTS_H
#define EK_TOOL_IMAGE_FACTS_H

#include "report/json_out.h"

#include <evenkeel/model.h>

enum { CLASS_ROOM = 512 };

/* The name of a class, or its number where the file has no name for it; `text` is where it stands. */
const char *class_text(const ek_model *model, const ek_model_images *images, int index, char text[CLASS_ROOM]);

/* Lines "images ..." and "classes ...", their names `width` wide, where the file says so. */
void images_show(const ek_model *model, int width);
void images_put(eki_json *json, const ek_model *model); /* an object "images" */

#endif
