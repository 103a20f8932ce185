# Installation, in two components: `norm` (libevenkeel_norm, static and shared, with its headers) and `engine` (the
# rest: libevenkeel, the program with its man pages). `cmake --install BUILD --prefix DIR [--component norm]`.
# For consumers: evenkeelConfig.cmake (evenkeel::norm, evenkeel::evenkeel), evenkeel-norm.pc and evenkeel.pc.
include(CMakePackageConfigHelpers)
option(EK_INSTALL "Install the libraries" ${EK_TOP_LEVEL})
if(NOT EK_INSTALL)
  return()
endif()

set(EK_CONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/evenkeel)
# scripts/vendor.sh reads this list.
set(EK_NORM_HEADERS cpu moments norm parallel parts status sync version)
file(GLOB EK_HEADERS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/evenkeel/*.h)

# ek_install(LIBRARY COMPONENT EXPORT_NAME): its static and shared forms, as targets of evenkeelCOMPONENTTargets.cmake.
# With both there, EXPORT_NAME is the shared one and EXPORT_NAME_static the other.
function(ek_install library component name)
  set(targets ${library})
  set_target_properties(${library} PROPERTIES EXPORT_NAME ${name})
  if(TARGET ${library}_shared)
    list(APPEND targets ${library}_shared)
    set_target_properties(${library}_shared PROPERTIES EXPORT_NAME ${name})
    set_target_properties(${library} PROPERTIES EXPORT_NAME ${name}_static)
  endif()
  install(TARGETS ${targets} EXPORT evenkeel_${component}
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component} NAMELINK_COMPONENT ${component}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component}
          RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
  install(EXPORT evenkeel_${component} NAMESPACE evenkeel:: FILE evenkeel_${component}Targets.cmake
          DESTINATION ${EK_CONFIG_DIR} COMPONENT ${component})
endfunction()

# ek_pkgconfig(FILE COMPONENT): FILE.pc, whose prefix is found from where it lies, so that the tree may be moved.
function(ek_pkgconfig file component)
  file(RELATIVE_PATH EK_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/package/${file}.pc.in ${PROJECT_BINARY_DIR}/package/${file}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/${file}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
          COMPONENT ${component})
endfunction()

set(EK_PC_PRIVATE -lm)
foreach(library ${OpenMP_C_LIB_NAMES})
  string(APPEND EK_PC_PRIVATE " -l${library}")
endforeach()

ek_install(evenkeel_norm norm norm)
ek_pkgconfig(evenkeel-norm norm)
list(TRANSFORM EK_NORM_HEADERS REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/include/evenkeel/\\1.h")
install(FILES ${EK_NORM_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/evenkeel COMPONENT norm)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT norm)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/evenkeelConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/package/evenkeelConfig.cmake ${PROJECT_BINARY_DIR}/package/evenkeelConfigVersion.cmake
        DESTINATION ${EK_CONFIG_DIR} COMPONENT norm)

if(EK_ENGINE)
  include(cmake/EvenkeelInstallEngine.cmake)
endif()

# `cmake --build BUILD --target uninstall` removes what `cmake --install BUILD` has put there, by the list that it kept.
if(EK_TOP_LEVEL)
  add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR}
                    -P ${PROJECT_SOURCE_DIR}/cmake/uninstall.cmake VERBATIM)
endif()
