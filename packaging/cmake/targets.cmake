# The three kinds of target there are: a layer, a binary, a test.

# pitot_layer(<name> USES <targets…>)
# One static library per layer. USES is the whole of what the layer may include;
# sources are added by the CMakeLists.txt of the layer and of its folders.
function(pitot_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES")
  add_library(pitot_${name} STATIC)
  target_include_directories(pitot_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_features(pitot_${name} PUBLIC cxx_std_23)
  target_link_libraries(pitot_${name} PRIVATE pitot_flags PUBLIC ${arg_USES})
endfunction()

# pitot_test(<name> SOURCES … USES … [LABELS …])
# One doctest binary, registered with ctest under its own name.
function(pitot_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES;LABELS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE pitot_flags pitot_doctest_main ${arg_USES})
  target_compile_definitions(${name} PRIVATE PITOT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
  if(arg_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}")
  endif()
endfunction()
