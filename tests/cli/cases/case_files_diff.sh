# Files that differ in a function's body alone, or in the order of the outputs, differ; and the place is named.
case_files
expect 1 evenkeel diff "$files/function_a.onnx" "$files/function_b.onnx" > listed
contains listed "local.BNRelu"
contains listed "epsilon"
expect 1 evenkeel diff "$files/order_a.onnx" "$files/order_b.onnx" > listed
contains listed "output: y,t -> t,y"
expect 0 evenkeel diff "$files/order_a.onnx" "$files/order_a.onnx" > listed
