# Every library comes from Debian 12; packaging/dependencies lists the packages.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)
find_package(doctest QUIET)

# What is shipped has the C++ libraries in it, without what nobody calls: 1.7 MiB less
# memory when idle, and a shorter start (tests/bench/footprint.py). Sanitizers want their
# own libstdc++, and a build for tests links in less time without. OpenSSL and zlib, which
# read what strangers send, stay shared always: Debian patches them without us.
set(is_shipped OFF)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT PITOT_SANITIZE)
  set(is_shipped ON)
endif()
option(PITOT_STATIC_CXX "Link libstdc++, fmt, spdlog and xxHash statically" ${is_shipped})

# pitot_fmt, pitot_spdlog, pitot_xxhash: what our targets link. Objects are the same either
# way, so that choosing the other links anew and compiles nothing.
if(NOT PITOT_STATIC_CXX)
  add_library(pitot_fmt INTERFACE)
  target_link_libraries(pitot_fmt INTERFACE fmt::fmt)
  add_library(pitot_spdlog INTERFACE)
  target_link_libraries(pitot_spdlog INTERFACE spdlog::spdlog)
  set(PITOT_XXHASH ${XXHASH_LIBRARY})
  return()
endif()

foreach(library IN ITEMS fmt spdlog)
  add_library(pitot_${library} STATIC packaging/libraries/${library}.cpp)
  target_compile_features(pitot_${library} PUBLIC cxx_std_23)
  # As our own code (flags.cmake), but for warnings.
  target_compile_options(pitot_${library} PRIVATE
    -fstack-protector-strong -ffunction-sections -fdata-sections
    -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
  target_compile_definitions(pitot_${library}
    PRIVATE $<$<CONFIG:Release>:_FORTIFY_SOURCE=3>
    PUBLIC $<TARGET_PROPERTY:${library}::${library},INTERFACE_COMPILE_DEFINITIONS>)
  target_include_directories(pitot_${library} SYSTEM PUBLIC
    $<TARGET_PROPERTY:${library}::${library},INTERFACE_INCLUDE_DIRECTORIES>)
endforeach()
target_link_libraries(pitot_spdlog PUBLIC pitot_fmt)
find_library(XXHASH_STATIC_LIBRARY NAMES libxxhash.a xxhash REQUIRED)
set(PITOT_XXHASH ${XXHASH_STATIC_LIBRARY})

# Relative relocations, of which a static library brings many, in an eighth of a bit each
# instead of 24 bytes: glibc 2.36 reads them, so a program is run that has some.
include(CheckCXXSourceRuns)
set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,-z,pack-relative-relocs)
set(CMAKE_REQUIRED_FLAGS -fPIE)
check_cxx_source_runs("int a; int* volatile at = &a; int main() { return *at; }"
  PITOT_READS_PACKED_RELOCATIONS)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
unset(CMAKE_REQUIRED_FLAGS)
if(PITOT_READS_PACKED_RELOCATIONS)
  set(PITOT_PACKED_RELOCATIONS -Wl,-z,pack-relative-relocs)
endif()
