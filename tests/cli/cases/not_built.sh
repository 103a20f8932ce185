# Known words for which this build has nothing are refused, and are in no help.
expect 3 evenkeel train --data builtin:strokes:100 -o m.onnx --sync-norm 2> a; contains a "no MPI"
expect 3 evenkeel train --data builtin:strokes:100 -o m.onnx --sync-group 2 2> b; contains b "no MPI"
expect 3 evenkeel train --data builtin:strokes:100 -o m.onnx --norm renorm 2> c; contains c "no batch renorm"
evenkeel train --help > help
lacks help sync-
lacks help renorm
missing m.onnx
