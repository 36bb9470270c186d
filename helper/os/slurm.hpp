#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace snapfix::os {

/// Whether `id` is that of a Slurm job: `42`, `42_3` (a task of an array), `42+1` (a part of a
/// heterogeneous job), each also with `;<cluster>` behind it.
bool is_slurm_job(std::string_view id);

enum class JobState {
  alive, ///< it waits, runs, is suspended, or is just ending
  gone,
  unknown ///< Slurm cannot be asked
};

/// What `squeue` says of the job; for an array or a heterogeneous job without a part, whether any
/// of it is alive. Asked once a process; after one `unknown`, which is told, of none again.
JobState state_of_slurm_job(const std::string& id);

/// The name of the cluster that `squeue` asks for an id without one; empty if Slurm does not tell.
const std::string& slurm_cluster();

/// Whether this process runs in that job, and no other task of it may live. `cluster`, if it is
/// known, is that of an id without one.
bool is_in_slurm_job(std::string_view id, std::string_view cluster);

/// Whether Slurm sets the variable of that name in a job's environment, where it means that job.
bool is_slurm_variable(std::string_view name);

/// The jobs that a program names which submits some: each line that is nothing but an id, as
/// `sbatch --parsable` prints it, or `Submitted batch job 42`.
std::vector<std::string> slurm_jobs_in(std::string_view output);

} // namespace snapfix::os
