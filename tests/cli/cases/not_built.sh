# Known words for which this build has nothing are refused, and are in no help.
expect 3 evenkeel train --data builtin:strokes:100 -o m.onnx --norm renorm 2> c; contains c "no batch renorm"
evenkeel train --help > help
lacks help renorm
missing m.onnx
