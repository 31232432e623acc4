# The kinds of target there are: a layer, a test, a fuzz target; and two kinds of source.

# pitot_layer(<name> USES <targets…>)
# One static library per layer. USES is the whole of what the layer may include;
# sources are added by the CMakeLists.txt of the layer and of its folders.
function(pitot_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES")
  add_library(pitot_${name} STATIC)
  target_include_directories(pitot_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_features(pitot_${name} PUBLIC cxx_std_23)
  target_link_libraries(pitot_${name} PRIVATE pitot_flags pitot_steering PUBLIC ${arg_USES})
endfunction()

# pitot_seldom(<target> <sources…>)
# Adds the sources of what runs at the start, at the stop, once in a flush, or when somebody
# asks. In what is shipped they are made small instead of fast: an idle agent is mostly pages
# of its program (tests/bench/footprint.py).
function(pitot_seldom target)
  target_sources(${target} PRIVATE ${ARGN})
  set_property(SOURCE ${ARGN} TARGET_DIRECTORY ${target} APPEND PROPERTY
    COMPILE_OPTIONS $<$<CONFIG:Release>:-Os>)
endfunction()

# pitot_test(<name> SOURCES … USES … [LABELS …])
# One doctest binary, registered with ctest under its own name.
#
# The label `threads` is for tests of code that runs on several threads: the tsan preset
# builds and runs these, and no others.
#
# Tests run in the root of the project, and PITOT_SOURCE_DIR is "." so that the compiler
# cache serves every clone: files of tests/data are found from there.
function(pitot_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES;LABELS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE pitot_flags pitot_doctest_main ${arg_USES})
  target_compile_definitions(${name} PRIVATE PITOT_SOURCE_DIR=".")
  add_test(NAME ${name} COMMAND ${name})
  pitot_test_properties(${name})
  if(arg_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}")
  endif()
  if("threads" IN_LIST arg_LABELS)
    add_dependencies(threads_tests ${name})
  endif()
endfunction()

# pitot_fuzz(<name> SOURCES … USES … CORPUS <folder>)
# A libFuzzer target: SOURCES define LLVMFuzzerTestOneInput. The test <name>_corpus (label
# corpus) puts each file of the corpus through it once, in every build. With PITOT_FUZZ it is a
# fuzzer as well, which ctest runs for FUZZ_SECONDS (label fuzz) from a copy of the corpus.
function(pitot_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;USES")
  cmake_path(ABSOLUTE_PATH arg_CORPUS)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE pitot_flags pitot_steering ${arg_USES})
  if(PITOT_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set(run_one ${PROJECT_SOURCE_DIR}/tests/fuzz/run-one $<TARGET_FILE:${name}> ${arg_CORPUS})
    add_test(NAME ${name} COMMAND ${run_one})
    pitot_test_properties(${name})
    set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 14400)
    add_test(NAME ${name}_corpus COMMAND ${run_one} --replay)
    add_dependencies(fuzzers ${name})
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/fuzz_replay_main.cpp)
    add_test(NAME ${name}_corpus COMMAND ${name} ${arg_CORPUS})
  endif()
  pitot_test_properties(${name}_corpus)
  set_tests_properties(${name}_corpus PROPERTIES LABELS corpus)
endfunction()

# What holds for every test. A sanitizer's finding ends the test that has it.
function(pitot_test_properties name)
  string(JOIN ":" asan detect_stack_use_after_return=1 strict_string_checks=1
    check_initialization_order=1)
  set_tests_properties(${name} PROPERTIES
    TIMEOUT 300
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_property(TEST ${name} PROPERTY ENVIRONMENT
    ASAN_OPTIONS=${asan}
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1)
endfunction()

# Targets that are built together, by one name: the tests that the tsan preset runs, and
# what the fuzz preset is for.
add_custom_target(threads_tests)
add_custom_target(fuzzers)
