# SPDX-License-Identifier: Apache-2.0
# The three INTERFACE libraries that users link, and their installation.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
include(TesseraDependencies)

add_library(tessera INTERFACE)
add_library(tessera::tessera ALIAS tessera)
target_compile_features(tessera INTERFACE cxx_std_20)
target_include_directories(tessera INTERFACE
  "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")

# Vector kernels of the host. Debian's xsimd 8.1 exports a link dependency on xtl that it does not need, so only its
# include directory is taken.
add_library(tessera_host INTERFACE)
add_library(tessera::host ALIAS tessera_host)
set_target_properties(tessera_host PROPERTIES EXPORT_NAME host)
target_link_libraries(tessera_host INTERFACE tessera)

# File formats, tokenizer, networks.
add_library(tessera_network INTERFACE)
add_library(tessera::network ALIAS tessera_network)
set_target_properties(tessera_network PROPERTIES EXPORT_NAME network)
target_link_libraries(tessera_network INTERFACE tessera)

# Third parties are named, not resolved: the package config resolves them again on the user's machine.
target_link_libraries(tessera_host INTERFACE $<TARGET_NAME_IF_EXISTS:tessera_xsimd>)
target_link_libraries(tessera_network INTERFACE $<TARGET_NAME_IF_EXISTS:Eigen3::Eigen>
  $<TARGET_NAME_IF_EXISTS:nlohmann_json::nlohmann_json> $<TARGET_NAME_IF_EXISTS:ZLIB::ZLIB>
  $<TARGET_NAME_IF_EXISTS:tessera_utf8proc>)

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/tessera" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp")
install(TARGETS tessera tessera_host tessera_network EXPORT tesseraTargets)
set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/tessera")
install(EXPORT tesseraTargets NAMESPACE tessera:: DESTINATION "${package_dir}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/tesseraConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/tesseraConfig.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/tesseraConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/tesseraConfig.cmake" "${PROJECT_BINARY_DIR}/tesseraConfigVersion.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/TesseraDependencies.cmake" "${CMAKE_CURRENT_LIST_DIR}/TesseraMempool.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/toolchain-rv32-gcc.cmake" "${CMAKE_CURRENT_LIST_DIR}/toolchain-rv32-clang.cmake"
  DESTINATION "${package_dir}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/runtime" DESTINATION "${package_dir}")
export(EXPORT tesseraTargets NAMESPACE tessera:: FILE "${PROJECT_BINARY_DIR}/tesseraTargets.cmake")
configure_file("${CMAKE_CURRENT_LIST_DIR}/TesseraDependencies.cmake"
  "${PROJECT_BINARY_DIR}/TesseraDependencies.cmake" COPYONLY)
# The runtime of MemPool programs is sources: it stays where it is.
file(WRITE "${PROJECT_BINARY_DIR}/TesseraMempool.cmake" "include(\"${CMAKE_CURRENT_LIST_DIR}/TesseraMempool.cmake\")\n")
