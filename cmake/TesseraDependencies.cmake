# SPDX-License-Identifier: Apache-2.0
# Finds the third parties of tessera::host and tessera::network and links them; used by the build tree and by the
# installed package. A component whose third parties are missing says so when it is asked for, not before.

# xsimd: only its include directory (Debian's 8.1 target links xtl needlessly).
find_package(xsimd QUIET)
if(xsimd_FOUND)
  get_target_property(TESSERA_XSIMD_INCLUDE_DIR xsimd INTERFACE_INCLUDE_DIRECTORIES)
endif()
find_package(Eigen3 QUIET NO_MODULE)
find_package(nlohmann_json QUIET)
find_package(ZLIB QUIET)
find_path(TESSERA_UTF8PROC_INCLUDE_DIR utf8proc.h)
find_library(TESSERA_UTF8PROC_LIBRARY utf8proc)
mark_as_advanced(TESSERA_UTF8PROC_INCLUDE_DIR TESSERA_UTF8PROC_LIBRARY)

set(TESSERA_MISSING_host "")
if(NOT xsimd_FOUND)
  set(TESSERA_MISSING_host "xsimd (Debian: libxsimd-dev)")
endif()
set(TESSERA_MISSING_network "")
foreach(entry "Eigen3_FOUND|Eigen (Debian: libeigen3-dev)" "nlohmann_json_FOUND|nlohmann-json (Debian: nlohmann-json3-dev)"
    "ZLIB_FOUND|zlib (Debian: zlib1g-dev)" "TESSERA_UTF8PROC_INCLUDE_DIR|utf8proc (Debian: libutf8proc-dev)" "TESSERA_UTF8PROC_LIBRARY|utf8proc's library (Debian: libutf8proc-dev)")
  string(REPLACE "|" ";" entry "${entry}")
  list(GET entry 0 found)
  list(GET entry 1 sentence)
  if(NOT ${found})
    list(APPEND TESSERA_MISSING_network "${sentence}")
  endif()
endforeach()

# Imported targets so that an installed tessera::host never carries this machine's paths.
if(NOT TESSERA_MISSING_host AND NOT TARGET tessera_xsimd)
  add_library(tessera_xsimd INTERFACE IMPORTED GLOBAL)
  target_include_directories(tessera_xsimd SYSTEM INTERFACE ${TESSERA_XSIMD_INCLUDE_DIR})
endif()
if(NOT TESSERA_MISSING_network AND NOT TARGET tessera_utf8proc)
  add_library(tessera_utf8proc INTERFACE IMPORTED GLOBAL)
  target_include_directories(tessera_utf8proc SYSTEM INTERFACE ${TESSERA_UTF8PROC_INCLUDE_DIR})
  target_link_libraries(tessera_utf8proc INTERFACE ${TESSERA_UTF8PROC_LIBRARY})
endif()
