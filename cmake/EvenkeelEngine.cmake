# The engine: what needs oneDNN (src/dnnl), protobuf-c (src/onnx), zlib, libpng, TurboJPEG and libwebp (src/data).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
pkg_check_modules(TURBOJPEG REQUIRED IMPORTED_TARGET libturbojpeg)
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
find_library(EK_DNNL_LIBRARY NAMES dnnl REQUIRED)
find_path(EK_DNNL_INCLUDE dnnl.h REQUIRED)
find_program(EK_PROTOC_C NAMES protoc-c protoc REQUIRED)
find_path(EK_ONNX_PROTO_DIR onnx/onnx.proto REQUIRED)

# C code for onnx.proto, made at build time.
set(EK_GENERATED ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${EK_GENERATED})
add_custom_command(
  OUTPUT ${EK_GENERATED}/onnx/onnx.pb-c.c ${EK_GENERATED}/onnx/onnx.pb-c.h
  COMMAND ${EK_PROTOC_C} --c_out=${EK_GENERATED} -I${EK_ONNX_PROTO_DIR} ${EK_ONNX_PROTO_DIR}/onnx/onnx.proto
  DEPENDS ${EK_ONNX_PROTO_DIR}/onnx/onnx.proto VERBATIM)
add_library(ek_onnx_proto OBJECT ${EK_GENERATED}/onnx/onnx.pb-c.c)
ek_room(onnx ek_onnx_proto)
target_include_directories(ek_onnx_proto SYSTEM PUBLIC ${EK_GENERATED})
target_link_libraries(ek_onnx_proto PUBLIC PkgConfig::PROTOBUF_C)

ek_layer(ops)
ek_layer(dnnl)
target_include_directories(ek_dnnl SYSTEM PRIVATE ${EK_DNNL_INCLUDE})
ek_layer(graph)
ek_layer(onnx)
target_include_directories(ek_onnx SYSTEM PRIVATE ${EK_GENERATED})
target_link_libraries(ek_onnx PRIVATE PkgConfig::PROTOBUF_C)
add_dependencies(ek_onnx ek_onnx_proto)
ek_layer(diff)
ek_layer(sites)
ek_layer(data ZLIB::ZLIB PNG::PNG PkgConfig::TURBOJPEG PkgConfig::WEBP)
ek_layer(model)
ek_layer(zoo)
ek_layer(surgery)
ek_layer(feed)
ek_layer(dist)
target_compile_definitions(ek_dist PRIVATE
  EK_MODULE_DIR="${CMAKE_INSTALL_FULL_LIBDIR}/evenkeel")
ek_layer(train ZLIB::ZLIB)
ek_layer(doctor)
set(EK_ENGINE_LAYERS base cpu kernel norm ops dnnl graph onnx onnx_proto diff sites data model zoo surgery feed dist train doctor)
set(EK_ENGINE_LIBRARIES ${EK_DNNL_LIBRARY} PkgConfig::PROTOBUF_C ZLIB::ZLIB PNG::PNG PkgConfig::TURBOJPEG
    PkgConfig::WEBP Threads::Threads ${CMAKE_DL_LIBS})

ek_library(evenkeel ${EK_ENGINE_LAYERS})
add_library(evenkeel::evenkeel ALIAS evenkeel)
foreach(target evenkeel evenkeel_shared)
  if(TARGET ${target})
    target_link_libraries(${target} PRIVATE ${EK_ENGINE_LIBRARIES})
  endif()
endforeach()

include(cmake/EvenkeelMpi.cmake)

include(cmake/EvenkeelApps.cmake)
