# Whether a program can be linked that needs no library of the system it runs on: of all that the helper takes, and of
# the C library, there must be archives.
include(CheckCXXSourceCompiles)

function(snapshot_fixtures_check_static_link out)
  set(CMAKE_REQUIRED_LINK_OPTIONS -static)
  set(CMAKE_REQUIRED_LIBRARIES Boost::filesystem Boost::program_options LibYAML::yaml Threads::Threads)
  set(CMAKE_REQUIRED_QUIET TRUE)
  check_cxx_source_compiles("
    #include <boost/filesystem.hpp>
    #include <boost/program_options.hpp>
    #include <thread>
    #include <yaml.h>
    int main() {
      std::thread([] {}).join();
      yaml_parser_t parser;
      yaml_parser_initialize(&parser);
      boost::program_options::options_description options(\"x\");
      return boost::filesystem::exists(boost::filesystem::current_path()) ? 0 : 1;
    }" ${out})
  set(${out} "${${out}}" PARENT_SCOPE)
endfunction()
