/* schema.h: field numbers of onnx.proto, as far as the engine models them. Everything else is kept as bytes. */
#ifndef EKI_ONNX_SCHEMA_H
#define EKI_ONNX_SCHEMA_H

#include <stdint.h>

/* Sets of field numbers below 64. */
#define EKI_FIELD_BIT(number) (UINT64_C(1) << (number))

enum eki_model_field {
    MODEL_IR_VERSION = 1,
    MODEL_PRODUCER_NAME = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_GRAPH = 7,
    MODEL_OPSET_IMPORT = 8,
    MODEL_METADATA_PROPS = 14,
    MODEL_FUNCTIONS = 25
};

enum eki_opset_field { OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
enum eki_entry_field { ENTRY_KEY = 1, ENTRY_VALUE = 2 };

enum eki_graph_field {
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    GRAPH_VALUE_INFO = 13,
    GRAPH_SPARSE_INITIALIZER = 15
};

enum eki_function_field {
    FUNCTION_NAME = 1,
    FUNCTION_INPUT = 4,
    FUNCTION_OUTPUT = 5,
    FUNCTION_NODE = 7,
    FUNCTION_OPSET_IMPORT = 9,
    FUNCTION_DOMAIN = 10,
    FUNCTION_ATTRIBUTE_PROTO = 11,
    FUNCTION_VALUE_INFO = 12,
    FUNCTION_OVERLOAD = 13
};

enum eki_node_field {
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OP_TYPE = 4,
    NODE_ATTRIBUTE = 5,
    NODE_DOMAIN = 7,
    NODE_OVERLOAD = 8
};

enum eki_attr_field {
    ATTR_NAME = 1,
    ATTR_F = 2,
    ATTR_I = 3,
    ATTR_S = 4,
    ATTR_T = 5,
    ATTR_G = 6,
    ATTR_FLOATS = 7,
    ATTR_INTS = 8,
    ATTR_STRINGS = 9,
    ATTR_TENSORS = 10,
    ATTR_GRAPHS = 11,
    ATTR_TP = 14,
    ATTR_TYPE_PROTOS = 15,
    ATTR_TYPE = 20,
    ATTR_REF_ATTR_NAME = 21,
    ATTR_SPARSE_TENSOR = 22,
    ATTR_SPARSE_TENSORS = 23
};

enum eki_tensor_field {
    TENSOR_DIMS = 1,
    TENSOR_DATA_TYPE = 2,
    TENSOR_SEGMENT = 3,
    TENSOR_FLOAT_DATA = 4,
    TENSOR_INT32_DATA = 5,
    TENSOR_STRING_DATA = 6,
    TENSOR_INT64_DATA = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW_DATA = 9,
    TENSOR_DOUBLE_DATA = 10,
    TENSOR_UINT64_DATA = 11,
    TENSOR_EXTERNAL_DATA = 13,
    TENSOR_DATA_LOCATION = 14
};

enum eki_sparse_field { SPARSE_VALUES = 1 };
enum eki_annotation_field { ANNOTATION_TENSOR = 1 };
enum eki_value_info_field { VALUE_INFO_NAME = 1, VALUE_INFO_TYPE = 2 };
enum eki_type_field { TYPE_TENSOR = 1 };
enum eki_type_tensor_field { TYPE_TENSOR_ELEM_TYPE = 1, TYPE_TENSOR_SHAPE = 2 };
enum eki_shape_field { SHAPE_DIM = 1 };
enum eki_dim_field { DIM_VALUE = 1, DIM_PARAM = 2 };

#endif
