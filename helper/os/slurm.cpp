#include "os/slurm.hpp"

#include "os/environment.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/split.hpp"
#include "os/subprocess.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace snapfix::os {
namespace {

constexpr std::string_view k_digits = "0123456789";

/// Takes a number from the beginning of `text`; false if there is none.
bool take_number(std::string_view& text) {
  const auto end = std::min(text.find_first_not_of(k_digits), text.size());
  text.remove_prefix(end);
  return end != 0;
}

/// Of a controller that is down, squeue itself gives up later.
constexpr int k_patience_seconds = 10;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view k_blanks = " \t\r\n";
  const auto begin = std::min(text.find_first_not_of(k_blanks), text.size());
  return text.substr(begin, text.find_last_not_of(k_blanks) + 1 - begin);
}

/// An id without a cluster is one of the cluster here, whatever SLURM_CLUSTERS says.
Environment environment_to_ask() {
  auto out = Environment::current();
  out.unset("SLURM_CLUSTERS");
  return out;
}

JobState ask_squeue(const std::string& id) {
  const auto parts = split(id, ';');
  std::vector<std::string> command{"squeue", "-h", "-o", "%i", "-j", parts[0]};
  if (parts.size() == 2) {
    command.insert(command.end(), {"-M", parts[1]});
  }
  std::string why;
  try {
    const auto said = ask_program(command, environment_to_ask(), k_patience_seconds);
    for (const auto& text : split(said.out, '\n')) { // -M may put a line of its own before them
      const auto line = trimmed(text);
      if (said.exit_code == 0 && !line.empty() && k_digits.find(line[0]) != std::string::npos) {
        return JobState::alive;
      }
    }
    // A job that has ended is known for some minutes more, then its id is invalid.
    if ((said.exit_code == 0 && trimmed(said.err).empty()) ||
        said.err.find("Invalid job id") != std::string::npos) {
      return JobState::gone;
    }
    why = trimmed(said.err).empty()
              ? os::format("squeue ended with {} and said nothing", said.exit_code)
              : said.err.substr(0, said.err.find('\n'));
  } catch (const Error& error) {
    why = error.what();
  }
  note(os::format("Slurm cannot be asked, so what its jobs hold stays held: {}", why));
  return JobState::unknown;
}

} // namespace

bool is_slurm_job(std::string_view id) {
  const bool has_job = take_number(id);
  if (!id.empty() && (id[0] == '_' || id[0] == '+')) {
    id.remove_prefix(1);
    if (!take_number(id)) {
      return false;
    }
  }
  const auto is_of_a_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return has_job && (id.empty() || (id.size() > 1 && id[0] == ';' &&
                                    std::all_of(id.begin() + 1, id.end(), is_of_a_name)));
}

JobState state_of_slurm_job(const std::string& id) {
  static std::map<std::string, JobState> known;
  static bool answers = true;
  const auto [entry, is_new] = known.try_emplace(id, JobState::unknown);
  if (is_new && answers) {
    entry->second = ask_squeue(id);
    answers = entry->second != JobState::unknown;
  }
  return entry->second;
}

const std::string& slurm_cluster() {
  static const std::string k_cluster = [] {
    try {
      const auto said =
          ask_program({"scontrol", "show", "config"}, environment_to_ask(), k_patience_seconds);
      for (const auto& line : split(said.out, '\n')) {
        if (line.starts_with("ClusterName ") && line.find('=') != std::string::npos) {
          return std::string(trimmed(line.substr(line.find('=') + 1)));
        }
      }
    } catch (const Error&) { // as if it had said nothing
    }
    return std::string();
  }();
  return k_cluster;
}

bool is_in_slurm_job(std::string_view id, std::string_view cluster) {
  const auto environment = Environment::current();
  const auto value = [&](const char* name) { return environment.get(name).value_or(""); };
  const auto array = value("SLURM_ARRAY_JOB_ID");
  const auto ours =
      array.empty() ? value("SLURM_JOB_ID") : array + "_" + value("SLURM_ARRAY_TASK_ID");
  const auto here = value("SLURM_CLUSTER_NAME");
  const auto end = std::min(id.find(';'), id.size());
  const auto of = end == id.size() ? cluster : id.substr(end + 1);
  return !ours.empty() && id.substr(0, end) == ours && (of.empty() || here.empty() || of == here);
}

bool is_slurm_variable(std::string_view name) {
  return name != "SLURM_CONF" &&
         (name.starts_with("SLURM_") || name.starts_with("SLURMD_") || name.starts_with("SRUN_"));
}

std::vector<std::string> slurm_jobs_in(std::string_view output) {
  constexpr std::string_view k_words = "Submitted batch job ";
  std::vector<std::string> out;
  for (const auto& text : split(output, '\n')) {
    std::string_view line = trimmed(text);
    if (line.starts_with(k_words)) {
      line.remove_prefix(k_words.size());
      const auto on_cluster = line.find(" on cluster ");
      out.push_back(
          on_cluster == std::string_view::npos
              ? std::string(line)
              : os::format("{};{}", line.substr(0, on_cluster), line.substr(on_cluster + 12)));
    } else {
      out.emplace_back(line);
    }
  }
  std::erase_if(out, [](const std::string& id) { return !is_slurm_job(id); });
  return out;
}

} // namespace snapfix::os
