# Finds libyaml, whose Debian package has no CMake config: target LibYAML::yaml, the archive where
# SNAPSHOT_FIXTURES_STATIC asks for it and there is one.
find_path(LIBYAML_INCLUDE_DIR yaml.h)
if(SNAPSHOT_FIXTURES_STATIC)
  find_library(LIBYAML_LIBRARY NAMES libyaml.a yaml)
else()
  find_library(LIBYAML_LIBRARY yaml)
endif()
mark_as_advanced(LIBYAML_INCLUDE_DIR LIBYAML_LIBRARY)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibYAML REQUIRED_VARS LIBYAML_LIBRARY LIBYAML_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install libyaml with its headers (Debian: libyaml-dev, Fedora: libyaml-devel)")
if(LibYAML_FOUND AND NOT TARGET LibYAML::yaml)
  add_library(LibYAML::yaml UNKNOWN IMPORTED)
  set_target_properties(LibYAML::yaml PROPERTIES
    IMPORTED_LOCATION "${LIBYAML_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${LIBYAML_INCLUDE_DIR}")
endif()
