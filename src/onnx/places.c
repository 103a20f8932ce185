/* places.c: where the data of a tensor will lie that is stored beside the model's file. */
#include "onnx/export.h"

const eki_place *eki_place_of_data(const struct eki_places *places, const eki_tensor *tensor) {
    size_t low = 0, high = places != NULL ? places->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const eki_place *place = &places->items[middle];
        if (place->tensor == tensor) return place;
        if ((uintptr_t)place->tensor < (uintptr_t)tensor) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}
