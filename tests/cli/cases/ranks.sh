# What `evenkeel train` says of ranks without an MPI: alone it is rank 0 of 1; under a launcher it needs the module.
expect 2 evenkeel train --data builtin:strokes:100 -o m.onnx --sync-group 2 2> a; contains a "for --sync-norm"
expect 2 evenkeel train --data builtin:strokes:100 -o m.onnx --timeout 0 2> b; contains b "timeout"
export OMPI_COMM_WORLD_SIZE=2 EVENKEEL_MPI=/nonexistent.so
expect 3 evenkeel train --data builtin:strokes:100 -o m.onnx 2> c
unset OMPI_COMM_WORLD_SIZE EVENKEEL_MPI
contains c "EVENKEEL_MPI=/nonexistent.so"
missing m.onnx
evenkeel train --data builtin:strokes:100 --steps 1 --sync-norm -o m.onnx > d
contains d accuracy
