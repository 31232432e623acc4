# What is installed, and where: `cmake --install build/release`, and the Debian package
# (package.cmake), which is the same with a prefix of /usr.
#
# The prefix is decided when the build is configured, for the unit names the program and the
# configuration by their paths. The release preset has /usr, which makes the configuration
# /etc/pitot/pitot.toml.
include(GNUInstallDirs)

set(PITOT_SYSTEMD_UNIT_DIR lib/systemd/system CACHE STRING
  "Where units go; systemd reads this below /usr and /usr/local")

install(TARGETS pitot RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# The service's configuration is the administrator's from then on: a package keeps it as a
# conffile, and `cmake --install` must not write over it either.
set(config_dir ${CMAKE_INSTALL_FULL_SYSCONFDIR}/pitot)
install(CODE "
  if(NOT EXISTS \"\$ENV{DESTDIR}${config_dir}/pitot.toml\")
    file(INSTALL DESTINATION \"${config_dir}\" TYPE FILE RENAME pitot.toml
      FILES \"${PROJECT_SOURCE_DIR}/conf/service.toml\")
  endif()")
install(DIRECTORY DESTINATION ${config_dir}/conf.d)

foreach(unit IN ITEMS pitot.service pitot.socket)
  file(READ systemd/${unit} text)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS systemd/${unit})
  string(REPLACE "/usr/bin/pitot" "${CMAKE_INSTALL_FULL_BINDIR}/pitot" text "${text}")
  string(REPLACE "/etc/pitot/" "${config_dir}/" text "${text}")
  file(CONFIGURE OUTPUT units/${unit} CONTENT "${text}" @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/units/${unit} DESTINATION ${PITOT_SYSTEMD_UNIT_DIR})
endforeach()

install(FILES ${PITOT_PAGES_DIR}/pitot.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PITOT_PAGES_DIR}/pitot.toml.5.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${PITOT_PAGES_DIR}/pitot.bash RENAME pitot
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${PITOT_PAGES_DIR}/_pitot
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${PITOT_PAGES_DIR}/pitot.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

set(doc_dir ${CMAKE_INSTALL_DATADIR}/doc/pitot)
install(FILES conf/pitot.toml conf/alerts.toml conf/alerts_test.toml
  DESTINATION ${doc_dir}/examples)
install(FILES agent/alerts/LANGUAGE.md RENAME alert-rules.md DESTINATION ${doc_dir})
install(FILES agent/alerts/trial/README.md RENAME alert-tests.md DESTINATION ${doc_dir})
install(FILES packaging/deb/README.Debian packaging/deb/copyright DESTINATION ${doc_dir})
