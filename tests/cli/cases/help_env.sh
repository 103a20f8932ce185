evenkeel env --help
