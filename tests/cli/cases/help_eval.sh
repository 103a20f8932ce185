evenkeel eval --help
