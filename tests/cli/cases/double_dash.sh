# After -- a word is an operand, even with dashes.
evenkeel eval --data builtin:strokes:20 -- --json
