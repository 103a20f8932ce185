train_tiny --norm batch -o m.onnx > out
expect 2 evenkeel convert m.onnx --dry-run 2> a; contains a "nothing to do"
expect 2 evenkeel convert m.onnx --norm grup:4 --dry-run 2> b; contains b "did you mean group?"
expect 2 evenkeel convert m.onnx --norm group:0 --dry-run 2> c; contains c "--norm: 'group:0'"
expect 2 evenkeel convert m.onnx --norm layer 2> d; contains d "--output is missing"
expect 2 evenkeel convert m.onnx --norm layer --pattern 'x*' --dry-run 2> e; contains e "no norm matches 'x*'"
expect 4 evenkeel convert none.onnx --norm layer --dry-run 2> f; contains f none.onnx
expect 4 evenkeel convert m.onnx --norm layer --data nowhere --dry-run 2> g; contains g nowhere
# A tolerance that is asked for holds for every kind.
expect 1 evenkeel convert m.onnx --norm layer --tolerance 1e-6 -o l.onnx > h 2> i
contains i "nothing was written"
missing l.onnx
evenkeel convert m.onnx --norm batch --dry-run > j
contains j "kept "
contains j "it is one already"
