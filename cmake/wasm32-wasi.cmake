# Toolchain file: builds for WebAssembly with Debian's clang, lld, wasi-libc and libclang-rt-14-dev-wasm32, and runs the
# tests under node (scripts/wasm.sh). To CMake it is a machine without an operating system.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang)
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_SYSROOT /usr)
set(CMAKE_C_FLAGS_INIT "-nostdlibinc -isystem /usr/include/wasm32-wasi -Wno-unused-command-line-argument") # not the headers of this machine
set(CMAKE_EXECUTABLE_SUFFIX_C .wasm)
# A megabyte of stack below everything else: what goes beyond it is a trap.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-z,stack-size=1048576 -Wl,--stack-first")
set(CMAKE_CROSSCOMPILING_EMULATOR node ${CMAKE_CURRENT_LIST_DIR}/../tests/wasm/run.mjs)
