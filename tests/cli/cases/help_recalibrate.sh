evenkeel recalibrate --help
