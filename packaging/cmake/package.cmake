# The Debian package, by CPack: packaging/make-deb, or `cpack -G DEB` in a build whose
# prefix is /usr. What is in it is said in install.cmake; scripts are in packaging/deb/.
set(PITOT_MAINTAINER "pitot maintainers <maintainers@pitot.example>" CACHE STRING
  "Who answers for the package: a name and an address, as policy wants them")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pitot)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${PITOT_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "StatsD and DogStatsD aggregation agent")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "pitot takes metric lines of StatsD and DogStatsD clients over UDP, TCP and Unix
sockets, aggregates them without locks, and delivers every interval to
Prometheus, a Pushgateway, InfluxDB, VictoriaMetrics, Elasticsearch or
OpenSearch, with every line accounted for.")

# Paths beginning with '/' (/etc) go below the staging folder, not into this machine.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
# Whatever umask the builder has.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(deb ${PROJECT_SOURCE_DIR}/packaging/deb)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# Those that the binary is linked to, with the versions whose symbols it uses.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The authorities of TLS, unless the configuration names others.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${deb}/conffiles ${deb}/postinst ${deb}/prerm ${deb}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# Policy 12.7: both changelogs, compressed; ours is CHANGELOG.md, Debian's says which
# release was packaged. Its date is SOURCE_DATE_EPOCH's, as that of the manual pages.
set(documents ${PROJECT_BINARY_DIR}/documents)
set(DEBIAN_VERSION ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
string(TIMESTAMP DEBIAN_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${deb}/changelog.Debian.in ${documents}/changelog.Debian @ONLY)
configure_file(CHANGELOG.md ${documents}/changelog COPYONLY)
foreach(changelog IN ITEMS changelog changelog.Debian)
  add_custom_command(
    OUTPUT ${documents}/${changelog}.gz
    COMMAND gzip -9nfk ${documents}/${changelog}
    DEPENDS ${documents}/${changelog}
    VERBATIM)
  install(FILES ${documents}/${changelog}.gz DESTINATION ${doc_dir})
endforeach()
add_custom_target(changelogs ALL
  DEPENDS ${documents}/changelog.gz ${documents}/changelog.Debian.gz)
install(FILES ${deb}/lintian-overrides RENAME pitot
  DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides)

include(CPack)
