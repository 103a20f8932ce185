# The norm kernels: src/kernel/*.c compiled once per instruction set and data type, from one source,
# with the same bits as result.
# A new instruction set is one row here, one simd/simd_<isa>.h and one row in src/cpu/dispatch.c. A new data type is
# one name here, its loads and stores in src/kernel/data.h and one entry in dispatch.c.
include(CheckCCompilerFlag)

file(GLOB EK_KERNEL_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/kernel/*.c)
set(EK_ISAS generic)
set(EK_ISA_FLAGS_generic "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND EK_ISAS avx2 avx512)
  set(EK_ISA_FLAGS_avx2 -mavx2 -mf16c)
  set(EK_ISA_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
  list(APPEND EK_ISAS neon) # part of every AArch64, so no flags
  set(EK_ISA_FLAGS_neon "")
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "wasm")
  list(APPEND EK_ISAS wasm)
  set(EK_ISA_FLAGS_wasm -msimd128)
endif()

# Sanitized loops of a hundred inlined lanes take minutes to optimize.
set(EK_KERNEL_OPTIMIZE -O3)
if(EK_SANITIZE)
  set(EK_KERNEL_OPTIMIZE -O1)
endif()
set(EK_DATA_TYPES f32 bf16 f16)
set(EK_KERNEL_LIBRARIES "")
foreach(isa ${EK_ISAS})
  file(GLOB by_hand CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/kernel/hand/${isa}/*.c)
  foreach(data ${EK_DATA_TYPES})
    set(name ek_kernel_${isa}_${data})
    add_library(${name} OBJECT ${EK_KERNEL_SOURCES} ${by_hand})
    ek_room(kernel ${name})
    ek_compile_settings(${name})
    target_compile_definitions(${name} PRIVATE EK_ISA=${isa} EK_ISA_${isa}=1 EK_DATA=${data} EK_DATA_${data}=1)
    target_compile_options(${name} PRIVATE ${EK_ISA_FLAGS_${isa}} ${EK_KERNEL_OPTIMIZE} -fno-math-errno -fno-trapping-math)
    list(APPEND EK_KERNEL_LIBRARIES ${name})
  endforeach()
endforeach()
