# The laboratory of the study's page (apps/web): natively as ek_web, and as a WebAssembly module that the page carries,
# packed and in letters, in EK_LIVE_MODULE. Without clang, lld, wasi-libc and libclang-rt-14-dev-wasm32 (Debian's names), gzip
# and base64, or with EK_LIVE off, the file is empty, and the page says that its live part is missing.
set(EK_LIVE_DEFAULT ON)
if(EK_SANITIZE)
  set(EK_LIVE_DEFAULT OFF) # what the page carries is not sanitized
endif()
option(EK_LIVE "Put the laboratory into the study's page, where the tools for WebAssembly are" ${EK_LIVE_DEFAULT})

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/web/live_*.c)
ek_app(web ${sources})

# A program is linked; what it takes must all be there.
function(ek_live_tools found)
  set(${found} OFF PARENT_SCOPE)
  foreach(tool clang wasm-ld gzip base64)
    string(MAKE_C_IDENTIFIER EK_PROGRAM_${tool} variable)
    find_program(${variable} ${tool})
    mark_as_advanced(${variable})
    if(NOT ${variable})
      return()
    endif()
  endforeach()
  set(trial ${CMAKE_BINARY_DIR}/live/trial)
  file(WRITE ${trial}.c "#include <stdlib.h>\nint main(void) { return malloc(1) == NULL; }\n")
  execute_process(
    COMMAND ${EK_PROGRAM_clang} --target=wasm32-wasi --sysroot=/usr -nostdlibinc -isystem /usr/include/wasm32-wasi -msimd128
            ${trial}.c -o ${trial}.wasm
    RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(status EQUAL 0)
    set(${found} ON PARENT_SCOPE)
  endif()
endfunction()

set(EK_LIVE_MODULE ${CMAKE_BINARY_DIR}/live/module.txt)
set(tools OFF)
if(EK_LIVE)
  ek_live_tools(tools)
endif()
if(tools)
  set(folder ${CMAKE_BINARY_DIR}/live/build)
  file(GLOB_RECURSE needs CONFIGURE_DEPENDS
       ${PROJECT_SOURCE_DIR}/src/base/*.[ch] ${PROJECT_SOURCE_DIR}/src/cpu/*.[ch] ${PROJECT_SOURCE_DIR}/src/kernel/*.[ch]
       ${PROJECT_SOURCE_DIR}/src/norm/*.[ch] ${PROJECT_SOURCE_DIR}/src/norm/*.def ${PROJECT_SOURCE_DIR}/src/kernel/*.def
       ${PROJECT_SOURCE_DIR}/apps/web/live*.[ch] ${PROJECT_SOURCE_DIR}/include/*.h)
  add_custom_command(
    OUTPUT ${EK_LIVE_MODULE}
    COMMAND ${CMAKE_COMMAND} --log-level=WARNING -S ${PROJECT_SOURCE_DIR} -B ${folder} -G ${CMAKE_GENERATOR}
            --toolchain ${PROJECT_SOURCE_DIR}/cmake/wasm32-wasi.cmake -DCMAKE_BUILD_TYPE=Release -DEK_ENGINE=OFF
            -DEK_SHARED=OFF -DEK_TESTS=OFF
    COMMAND ${CMAKE_COMMAND} --build ${folder} --target evenkeel_live
    COMMAND sh -c "gzip -9nc '${folder}/evenkeel_live.wasm' | base64 -w 0 >'${EK_LIVE_MODULE}'"
    DEPENDS ${needs} ${CMAKE_CURRENT_LIST_DIR}/EvenkeelWeb.cmake ${CMAKE_CURRENT_LIST_DIR}/wasm32-wasi.cmake
    COMMENT "Building the laboratory for WebAssembly" VERBATIM)
else()
  file(WRITE ${EK_LIVE_MODULE} "")
endif()
