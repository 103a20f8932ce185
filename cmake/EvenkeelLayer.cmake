# ek_layer(NAME [dependencies...]): src/NAME as the object library ek_NAME.
# ek_library(NAME layers...): a library made of layers.

set(EK_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith
    -Wcast-qual -Wwrite-strings -Wvla -Wundef)
if(EK_WERROR)
  list(APPEND EK_WARNINGS -Werror)
endif()

find_package(Threads) # the engine needs them, the norm library does not
if(EK_OPENMP)
  find_package(OpenMP COMPONENTS C)
endif()

# Settings of every piece of our own C: the same floating-point meaning everywhere (no contraction; nobody reads the errno
# or the exception flags of mathematics, so that roots and divisions can be vectors), strict warnings.
# Includes are found in include/ and in the ROOTS, folders of the project: src unless said otherwise.
function(ek_compile_settings target)
  cmake_parse_arguments(T "" "" "ROOTS" ${ARGN})
  if(NOT T_ROOTS)
    set(T_ROOTS src)
  endif()
  list(TRANSFORM T_ROOTS PREPEND ${PROJECT_SOURCE_DIR}/)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include ${T_ROOTS})
  target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L)
  target_compile_options(${target} PRIVATE -ffp-contract=off -fno-math-errno -fno-trapping-math ${EK_WARNINGS})
  if(EK_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${EK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${EK_SANITIZE})
    if(EK_SANITIZE MATCHES "thread" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
      # The fence after streaming stores is unknown to the sanitizer, which may then report too much, never too little.
      target_compile_options(${target} PRIVATE -Wno-tsan)
    endif()
  endif()
endfunction()

function(ek_layer name)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c ${PROJECT_SOURCE_DIR}/src/${name}/op/*.c
       ${PROJECT_SOURCE_DIR}/src/${name}/variants/*.c)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "wasm") # neither files nor limits, which the norm library does not need
    list(FILTER sources EXCLUDE REGEX "base/(file|writer|temporary|large|limit|headroom)\\.c$")
  endif()
  add_library(ek_${name} OBJECT ${sources})
  ek_room(${name} ek_${name})
  ek_compile_settings(ek_${name})
  if(OpenMP_C_FOUND)
    target_link_libraries(ek_${name} PRIVATE OpenMP::OpenMP_C)
  endif()
  if(ARGN)
    target_link_libraries(ek_${name} PRIVATE ${ARGN})
  endif()
endfunction()

# ek_room(ROOM TARGET): the objects of TARGET are that room's, in rooms.txt of the build folder, for scripts/check_layers.sh.
file(WRITE ${PROJECT_BINARY_DIR}/rooms.in "")
function(ek_room room target)
  file(APPEND ${PROJECT_BINARY_DIR}/rooms.in "${room} $<JOIN:$<TARGET_OBJECTS:${target}>,\n${room} >\n")
endfunction()

# ek_objects(OUT layers...): generator expressions of the objects of the layers ("kernel" = all instruction sets and data types).
function(ek_objects out)
  set(objects)
  foreach(layer ${ARGN})
    if(layer STREQUAL kernel)
      foreach(kernels ${EK_KERNEL_LIBRARIES})
        list(APPEND objects $<TARGET_OBJECTS:${kernels}>)
      endforeach()
    else()
      list(APPEND objects $<TARGET_OBJECTS:ek_${layer}>)
    endif()
  endforeach()
  set(${out} ${objects} PARENT_SCOPE)
endfunction()

# Settings that the static and the shared form of a library have in common. What the default thread pool needs is
# linked by name after installation, so that a consumer needs no FindOpenMP.
function(ek_library_settings target)
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                              $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC m)
  if(OpenMP_C_FOUND)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:OpenMP::OpenMP_C>)
    foreach(library ${OpenMP_C_LIB_NAMES})
      target_link_libraries(${target} PRIVATE $<INSTALL_INTERFACE:${library}>)
    endforeach()
  endif()
  if(EK_SANITIZE)
    target_link_options(${target} PUBLIC -fsanitize=${EK_SANITIZE})
  endif()
endfunction()

# NAME is the static library, which programs of this build link; NAME_shared the shared one, which exports what is
# marked EK_API and begins with ek_, as symbols of version EVENKEEL_0.1.
function(ek_library name)
  ek_objects(objects ${ARGN})
  add_library(${name} STATIC ${objects})
  ek_library_settings(${name})
  if(EK_SHARED AND NOT EK_SANITIZE)
    set(map ${PROJECT_SOURCE_DIR}/cmake/evenkeel.map)
    add_library(${name}_shared SHARED ${objects})
    ek_library_settings(${name}_shared)
    set_target_properties(${name}_shared PROPERTIES OUTPUT_NAME ${name} VERSION ${PROJECT_VERSION}
                          SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${map})
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
      target_link_options(${name}_shared PRIVATE LINKER:--version-script=${map} LINKER:--no-undefined)
    endif()
  endif()
endfunction()
