evenkeel help trian
