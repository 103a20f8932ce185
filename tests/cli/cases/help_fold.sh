evenkeel fold --help
