# What every target of ours is compiled with. Nothing is set globally, so that what is
# found in packaging/cmake/dependencies.cmake never inherits our warnings.

add_library(pitot_flags INTERFACE)
target_compile_features(pitot_flags INTERFACE cxx_std_23)
target_compile_options(pitot_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Werror
  -fstack-protector-strong)

# An expected read without a value, an index out of range: said by the library, at once.
target_compile_definitions(pitot_flags INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)

# __FILE__ and debug information name files from the root of the project: builds of two
# clones are the same bytes, and share one compiler cache.
target_compile_options(pitot_flags INTERFACE -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

# What nobody calls is left out of what is shipped: an eighth of the program, and of the
# memory that it takes when idle.
target_compile_options(pitot_flags INTERFACE
  $<$<CONFIG:Release>:-ffunction-sections> $<$<CONFIG:Release>:-fdata-sections>)
target_link_options(pitot_flags INTERFACE $<$<CONFIG:Release>:-Wl,--gc-sections>)

# Where assertions say that something is not null, GCC believes them. A release build has
# no assertions, and sanitizers rewrite the code: there it warns of what cannot be.
if(NOT PITOT_SANITIZE)
  target_compile_options(pitot_flags INTERFACE $<$<NOT:$<CONFIG:Release>>:-Wnull-dereference>)
endif()

# The stable sorts of libstdc++ 12 use what it has deprecated itself, which clang tells at
# the place where they are called.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(pitot_flags INTERFACE -Wno-deprecated-declarations)
endif()

# GCC 12 sees array bounds and the like in its own library once sanitizers have rewritten
# the code; the other builds keep these warnings.
if(PITOT_SANITIZE)
  target_compile_options(pitot_flags INTERFACE
    -fsanitize=${PITOT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(pitot_flags INTERFACE -fsanitize=${PITOT_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(pitot_flags INTERFACE
      -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow -Wno-tsan)
  endif()
else()
  target_compile_definitions(pitot_flags INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=3>)
  target_link_options(pitot_flags INTERFACE -Wl,-z,relro,-z,now)
endif()

# libFuzzer steers by the branches of what it looks at: the layers and its targets report them,
# tests do not. Only its targets bring its main() (pitot_fuzz).
add_library(pitot_steering INTERFACE)
if(PITOT_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "PITOT_FUZZ needs clang: cmake --preset fuzz")
  endif()
  target_compile_options(pitot_steering INTERFACE -fsanitize=fuzzer-no-link)
endif()

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
