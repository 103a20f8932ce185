expect 2 evenkeel env there 2> many
contains many "'there' is one word too many"
evenkeel eval --data builtin:strokes
