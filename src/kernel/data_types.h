/* data_types.h: the types of elements that kernels exist for: name, enumerator (EKI_ in eki_data, EK_ in ek_dtype) and
 * bytes of an element; `with` is passed on. CMake reads the names here. */
#ifndef EKI_DATA_TYPES_H
#define EKI_DATA_TYPES_H

#define EKI_EACH_DATA_TYPE(ROW, with)                                                                                  \
    ROW(with, f32, F32, 4)                                                                                             \
    ROW(with, bf16, BF16, 2)                                                                                           \
    ROW(with, f16, F16, 2)

#endif
