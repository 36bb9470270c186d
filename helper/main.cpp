#include "cli/cli.hpp"

int main(int argc, char** argv) {
  return snapfix::cli::run(argc > 1 ? std::vector<std::string>(argv + 1, argv + argc)
                                    : std::vector<std::string>());
}
