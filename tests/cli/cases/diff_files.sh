# What files say is told with its place; --semantic tells what the engine reads. Files that are the same end with 0.
cases=$CLI_TESTS/../../../shared/cases
if [ ! -d "$cases" ]; then echo "skipped: $cases is not here"; exit 0; fi
expect 1 evenkeel diff "$cases/function_a.onnx" "$cases/function_b.onnx" > a
contains a "attribute      local.BNRelu: t: epsilon: 0.00100000005 -> 0.100000001"
expect 1 evenkeel diff "$cases/function_a.onnx" "$cases/function_b.onnx" --json > b
contains b '"place": "local.BNRelu"'
contains b '"compared": "files"'
expect 1 evenkeel diff "$cases/order_a.onnx" "$cases/order_b.onnx" > c
contains c "order          output: y,t -> t,y"
evenkeel diff "$cases/order_a.onnx" "$cases/order_b.onnx" --semantic --json > d
contains d '"compared": "models"'
contains d '"equal": true'
for file in "$cases"/*.onnx; do evenkeel diff "$file" "$file" > e; contains e equal; done
