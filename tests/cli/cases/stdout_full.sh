evenkeel models cnn6 > /dev/full
