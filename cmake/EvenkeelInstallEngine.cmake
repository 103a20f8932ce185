# Installation of the engine: libevenkeel, all headers, the program, its man pages and its completion for bash, zsh and fish.
list(REMOVE_ITEM EK_HEADERS ${EK_NORM_HEADERS})
install(FILES ${EK_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/evenkeel COMPONENT engine)
ek_pkgconfig(evenkeel engine)
install(TARGETS evenkeel ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT engine)
if(TARGET evenkeel_shared)
  set_target_properties(evenkeel_shared PROPERTIES EXPORT_NAME evenkeel)
  install(TARGETS evenkeel_shared EXPORT evenkeel_engine
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT engine NAMELINK_COMPONENT engine
          RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT engine)
  install(EXPORT evenkeel_engine NAMESPACE evenkeel:: FILE evenkeel_engineTargets.cmake
          DESTINATION ${EK_CONFIG_DIR} COMPONENT engine)
endif()

install(TARGETS evenkeel_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT engine)
if(NOT CMAKE_CROSSCOMPILING)
  # commands.h lists the commands; the program itself writes the pages.
  file(STRINGS ${PROJECT_SOURCE_DIR}/apps/evenkeel/commands.h rows REGEX "ROW[(][a-z]+[)]")
  string(REGEX MATCHALL "ROW[(][a-z]+[)]" commands "${rows}")
  set(manual ${PROJECT_BINARY_DIR}/package/man)
  set(write "mkdir -p ${manual} && $<TARGET_FILE:evenkeel_tool> help --man >${manual}/evenkeel.1")
  foreach(command ${commands})
    string(REGEX REPLACE "ROW[(]([a-z]+)[)]" "\\1" command ${command})
    string(APPEND write " && $<TARGET_FILE:evenkeel_tool> help --man ${command} >${manual}/evenkeel-${command}.1")
  endforeach()
  foreach(shell bash zsh fish)
    string(APPEND write " && $<TARGET_FILE:evenkeel_tool> completion ${shell} >${manual}/evenkeel.${shell}")
  endforeach()
  add_custom_command(OUTPUT ${manual}/evenkeel.1 COMMAND sh -c "${write}" DEPENDS evenkeel_tool VERBATIM)
  add_custom_target(evenkeel_man ALL DEPENDS ${manual}/evenkeel.1)
  install(DIRECTORY ${manual}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT engine FILES_MATCHING PATTERN "*.1")
  install(FILES ${manual}/evenkeel.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
          RENAME evenkeel COMPONENT engine)
  install(FILES ${manual}/evenkeel.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _evenkeel
          COMPONENT engine)
  install(FILES ${manual}/evenkeel.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT engine)
endif()
