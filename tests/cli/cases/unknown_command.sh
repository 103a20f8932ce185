evenkeel trian --data x
