evenkeel models
