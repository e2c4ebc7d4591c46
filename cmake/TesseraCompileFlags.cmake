# SPDX-License-Identifier: Apache-2.0
# Tests that call the compiler themselves (headers alone, code that must not compile) read their flags from a response
# file, which g++ and clang++ both understand, so that they compile headers exactly as the project does.

# tessera_compile_flags(file): writes the flags of code that links tessera::host and tessera::network.
function(tessera_compile_flags file)
  set(dirs "$<TARGET_PROPERTY:tessera_host,INTERFACE_INCLUDE_DIRECTORIES>")
  string(APPEND dirs ";$<TARGET_PROPERTY:tessera_network,INTERFACE_INCLUDE_DIRECTORIES>")
  # Third parties come after the system's own directories: `-isystem /usr/include` would break the C++ library. The
  # project's headers are taken out of that list, because a directory named twice counts as a system one, silently.
  string(REGEX REPLACE "([][+.*()^$?|\\])" "\\\\\\1" own "${PROJECT_SOURCE_DIR}/include")
  set(third_parties "$<REMOVE_DUPLICATES:$<FILTER:${dirs},EXCLUDE,^${own}$>>")
  set(lines -std=c++20 -Wall -Wextra -Wconversion -Wpedantic ${TESSERA_HOST_ARCH_FLAGS}
    "-I\"${PROJECT_SOURCE_DIR}/include\"")
  if(TESSERA_WERROR)
    list(APPEND lines -Werror)
  endif()
  list(JOIN lines "\n" lines)
  file(GENERATE OUTPUT "${file}"
    CONTENT "${lines}\n$<$<BOOL:${third_parties}>:-idirafter\"$<JOIN:${third_parties},\"\n-idirafter\">\"\n>")
endfunction()
