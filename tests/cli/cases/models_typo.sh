evenkeel models cnn5
