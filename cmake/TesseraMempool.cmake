# SPDX-License-Identifier: Apache-2.0
# Programs for MemPool: bare-metal RV32 executables with Tessera's runtime, for use with one of the toolchain files
# toolchain-rv32-gcc.cmake and toolchain-rv32-clang.cmake.
#
#   tessera_add_mempool_executable(hello SOURCES hello.cpp CONFIG minpool)
#   add_test(NAME hello COMMAND hello)        # runs on the instruction-level model, see TESSERA_SIM

set(TESSERA_SIM "" CACHE FILEPATH
  "The command-line tool tessera, built for this machine; its `sim` runs MemPool programs")

# tessera_mempool_config(name GROUPS n TILES_PER_GROUP n [CORE_TILES_PER_GROUP n] CORES_PER_TILE n
#                        SEQUENTIAL bytes STACK bytes L1 bytes L2 bytes [XPULPIMG])
# Makes a configuration known by name. SEQUENTIAL is per tile, STACK per core; both, as L1 and L2, as in the simulator's
# description of the same name. Tiles beyond CORE_TILES_PER_GROUP of a group hold no cores.
function(tessera_mempool_config name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "XPULPIMG"
    "GROUPS;TILES_PER_GROUP;CORE_TILES_PER_GROUP;CORES_PER_TILE;SEQUENTIAL;STACK;L1;L2" "")
  if(NOT DEFINED arg_CORE_TILES_PER_GROUP)
    set(arg_CORE_TILES_PER_GROUP ${arg_TILES_PER_GROUP})
  endif()
  foreach(key GROUPS TILES_PER_GROUP CORE_TILES_PER_GROUP CORES_PER_TILE SEQUENTIAL STACK L1 L2)
    if(NOT arg_${key} MATCHES "^[0-9]+$")
      message(FATAL_ERROR "tessera_mempool_config(${name}): ${key} must be a number")
    endif()
    set_property(GLOBAL PROPERTY tessera_mempool_${name}_${key} ${arg_${key}})
  endforeach()
  set_property(GLOBAL PROPERTY tessera_mempool_${name}_XPULPIMG ${arg_XPULPIMG})
  set_property(GLOBAL APPEND PROPERTY tessera_mempool_configs ${name})
endfunction()

get_property(known GLOBAL PROPERTY tessera_mempool_configs)
if(NOT known)
  tessera_mempool_config(minpool GROUPS 4 TILES_PER_GROUP 1 CORES_PER_TILE 4 SEQUENTIAL 2048 STACK 512
    L1 65536 L2 4194304 XPULPIMG)
  tessera_mempool_config(mempool GROUPS 4 TILES_PER_GROUP 16 CORES_PER_TILE 4 SEQUENTIAL 2048 STACK 512
    L1 1048576 L2 4194304 XPULPIMG)
  tessera_mempool_config(terapool GROUPS 4 TILES_PER_GROUP 32 CORES_PER_TILE 8 SEQUENTIAL 4096 STACK 512
    L1 4194304 L2 16777216 XPULPIMG)
  # The last four tiles of a group hold an accelerator. Its cores come without Xpulpimg.
  tessera_mempool_config(mempool_ita GROUPS 4 TILES_PER_GROUP 16 CORE_TILES_PER_GROUP 12 CORES_PER_TILE 4
    SEQUENTIAL 4096 STACK 1024 L1 1048576 L2 4194304)
endif()

# The runtime for one configuration, as a target; made when first asked for. An object library, because archivers of the
# host do not index foreign objects; the linker drops what a program does not use.
function(tessera_mempool_runtime config result)
  set(target tessera_runtime_${config})
  set(${result} ${target} PARENT_SCOPE)
  if(TARGET ${target})
    return()
  endif()
  get_property(known GLOBAL PROPERTY tessera_mempool_configs)
  if(NOT config IN_LIST known)
    list(JOIN known ", " known)
    message(FATAL_ERROR "MemPool has no configuration ${config}; known are ${known}")
  endif()

  # The runtime's sources lie beside this file's folder in the project, and in it where it is installed.
  set(sources "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../runtime")
  if(NOT EXISTS "${sources}/start.cpp")
    set(sources "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/runtime")
  endif()

  set(TESSERA_CONFIG ${config})
  foreach(entry GROUPS:GROUPS TILES_PER_GROUP:TILES_PER_GROUP CORE_TILES_PER_GROUP:CORE_TILES_PER_GROUP
      CORES_PER_TILE:CORES_PER_TILE SEQUENTIAL:SEQUENTIAL_BYTES STACK:STACK_BYTES L1:L1_BYTES L2:L2_BYTES)
    string(REPLACE ":" ";" entry ${entry})
    list(GET entry 0 key)
    list(GET entry 1 name)
    get_property(TESSERA_${name} GLOBAL PROPERTY tessera_mempool_${config}_${key})
  endforeach()
  math(EXPR TESSERA_SEQUENTIAL_TOTAL "${TESSERA_GROUPS} * ${TESSERA_TILES_PER_GROUP} * ${TESSERA_SEQUENTIAL_BYTES}")
  get_property(xpulpimg GLOBAL PROPERTY tessera_mempool_${config}_XPULPIMG)

  set(folder "${CMAKE_BINARY_DIR}/tessera_runtime/${config}")
  configure_file("${sources}/cluster.hpp.in" "${folder}/include/tessera/runtime/cluster.hpp" @ONLY)
  configure_file("${sources}/mempool.ld.in" "${folder}/mempool.ld" @ONLY)

  add_library(${target} OBJECT "${sources}/start.cpp" "${sources}/memory.cpp" "${sources}/arithmetic.cpp")
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC "${folder}/include" "${sources}/include")
  target_compile_definitions(${target} PUBLIC TESSERA_XPULPIMG=$<BOOL:${xpulpimg}>
    PRIVATE TESSERA_RUNTIME_CONFIG="${config}")
  target_compile_options(${target} PUBLIC -ffunction-sections -fdata-sections -fno-threadsafe-statics
    -Wframe-larger-than=${TESSERA_STACK_BYTES}
    # A loop that copies must not become a call of itself.
    PRIVATE -fno-builtin $<$<CXX_COMPILER_ID:GNU>:-fno-tree-loop-distribute-patterns>)
  if(COMMAND tessera_development)
    tessera_development(${target})
  endif()
  set_target_properties(${target} PROPERTIES TESSERA_LINKER_SCRIPT "${folder}/mempool.ld")
endfunction()

# tessera_add_mempool_executable(name SOURCES file... CONFIG name)
# An executable <name>.elf for all cores of the configuration: Tessera's headers, the runtime, its linker script. The
# file carries the name of its configuration, and tests that name the target run it on the model of that configuration.
function(tessera_add_mempool_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CONFIG" "SOURCES")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES OR NOT arg_CONFIG)
    message(FATAL_ERROR "usage: tessera_add_mempool_executable(name SOURCES file... CONFIG name)")
  endif()
  if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv32")
    message(FATAL_ERROR "tessera_add_mempool_executable(${name}) needs a toolchain file, toolchain-rv32-*.cmake")
  endif()
  tessera_mempool_runtime(${arg_CONFIG} runtime)
  get_target_property(script ${runtime} TESSERA_LINKER_SCRIPT)

  # Without the tool a program can be built, and a test that runs it says what is missing.
  set(tool "${TESSERA_SIM}")
  if(NOT tool)
    set(tool "(TESSERA_SIM, the path of a tessera tool, is not set)")
  endif()

  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE tessera::tessera ${runtime})
  target_link_options(${name} PRIVATE -nostdlib -static "-T${script}" -Wl,--gc-sections -Wl,--fatal-warnings
    -Wl,--build-id=none)
  set_target_properties(${name} PROPERTIES SUFFIX .elf LINK_DEPENDS "${script}"
    CROSSCOMPILING_EMULATOR "${tool};sim;--config;${arg_CONFIG}")
endfunction()
