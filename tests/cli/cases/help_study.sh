evenkeel study --help
