#include "lint/words.hpp"

#include <algorithm>
#include <initializer_list>

namespace snapfix::lint {
namespace {

bool contains_any(std::string_view text, std::initializer_list<std::string_view> of) {
  return std::ranges::any_of(of, [&](std::string_view part) { return contains(text, part); });
}

} // namespace

bool is_resolving(std::string_view subcommand) {
  return is_in(" run sync export tree audit check ", subcommand);
}

bool takes_value(std::string_view option) {
  return is_in(
      " --cache-dir --project --directory --config-file --color --allow-insecure-host "
      "--trusted-host --python-preference --python-fetch --preview-features --preview-feature "
      "--extra --no-extra --group --no-group --only-group --no-editable-package --env-file --with "
      "-w --with-editable --with-requirements --package --python -p --max-recursion-depth "
      "--python-platform --python-version --index --default-index --index-url -i "
      "--extra-index-url --find-links -f --upgrade-package -P --upgrade-group "
      "--reinstall-package --index-strategy --keyring-provider --resolution --prerelease "
      "--fork-strategy --config-setting --config-settings -C --config-settings-package "
      "--no-build-isolation-package --exclude-newer --exclude-newer-package --link-mode "
      "--no-sources-package --no-build-package --no-binary-package --refresh-package "
      "--torch-backend --no-install-package --only-install-package --no-emit-package "
      "--only-emit-package --prune --output-file -o --format ",
      option);
}

bool changes_resolution(std::string_view option, std::string_view value) {
  std::string name = lower(option);
  std::ranges::replace(name, '_', '-');
  const std::string_view bare = name.starts_with("--")    ? std::string_view(name).substr(2)
                                : name.starts_with("uv-") ? std::string_view(name).substr(3)
                                                          : std::string_view();
  if (is_in(" resolution prerelease fork-strategy ", bare)) {
    return !is_in(" highest if-necessary-or-explicit requires-python ", value);
  }
  return is_in(" no-sources no-sources-package no-index exclude-newer exclude-newer-package ",
               bare);
}

bool is_prefix(std::string_view name) {
  return is_in(" env sudo doas exec nohup command builtin time nice ionice timeout gtimeout stdbuf "
               "setsid xargs chronic caffeinate numactl taskset flock xvfb-run coproc ",
               name);
}

bool is_prose_command(std::string_view name) {
  constexpr std::string_view k_parts =
      " echo print log info warn error err die fail msg message note notice usage help debug "
      "success hint banner header section title step say grep ";
  // A part of the name tells: log_info, print_usage, warning.
  const std::string low = lower(name);
  for (std::size_t begin = 0; begin < low.size();) {
    const std::size_t end = std::min(low.find_first_of("_-.", begin), low.size());
    std::string_view part = std::string_view(low).substr(begin, end - begin);
    for (const std::string_view suffix : {"", "f", "s", "ing"}) {
      if (part.ends_with(suffix) && is_in(k_parts, part.substr(0, part.size() - suffix.size()))) {
        return true;
      }
    }
    begin = end + 1;
  }
  return is_in(
      " git sed awk rg egrep fgrep cat which type hash : pip pip3 apt apk apt-get brew dnf "
      "yum pipx npm choco pacman mise cargo true false cowsay tput case "
      "winget scoop jq gh exit return uvx [ [[ test for select read cd source . ",
      name);
}

bool is_shell(std::string_view name) {
  return is_in(" bash sh zsh dash ksh su ", name);
}

bool begins_script(std::string_view name) {
  return is_prefix(name) || is_in(" cd set export source . bash sh pushd mkdir ", name);
}

bool is_of_prose(std::string_view word) {
  return is_in(" failed is was not does did command and or for with found to the exited has from "
               "will can in should output commands when on error ",
               word);
}

Role role_of(std::string_view key) {
  const std::string low = lower(key);
  if (contains_any(low, {"description", "prompt"}) ||
      is_in(" desc name title help message summary if comment body text label id uses key path ",
            low)) {
    return Role::prose;
  }
  if (contains_any(low, {"command", "script"}) || low.ends_with("cmd") ||
      is_in(" run cmds entry entrypoint bash pwsh sh install test build pre_install post_install "
            "pre_build post_build before_install exec ",
            low)) {
    return Role::command;
  }
  return Role::other;
}

bool starts_command(std::string_view function) {
  return is_in(" run call check_call check_output popen system getoutput getstatusoutput "
               "create_subprocess_exec create_subprocess_shell execv execve execvp execvpe execlp "
               "spawnv spawnvp run_always run_install ",
               function);
}

bool may_start_command(std::string_view function) {
  return contains_any(function, {"run", "call", "exec", "popen", "system", "shell", "spawn",
                                 "getoutput", "check_output", "command", "cmd", "bash"}) &&
         !contains_any(function, {"assert", "runtimeerror", "print", "warn", "log", "argument"});
}

bool names_command(std::string_view name) {
  return contains_any(name, {"cmd", "command", "exec", "script", "argv", "entry"});
}

} // namespace snapfix::lint
