evenkeel train --data builtin:strokes:100
