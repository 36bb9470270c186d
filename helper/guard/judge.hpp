#pragma once

#include "guard/break_link.hpp"
#include "guard/deputy.hpp"
#include "guard/guarded_trees.hpp"
#include "guard/listener.hpp"
#include "guard/protection.hpp"
#include "guard/report.hpp"
#include "guard/reported_call.hpp"
#include "guard/source_keeper.hpp"
#include "guard/verdict.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>

namespace snapfix::guard {

/// Decides what becomes of reported calls. The file that a call names is made private if it is
/// shared; the kernel is let go on only where it is known not to reach a shared file. To a source
/// that may only be read, what a mount of that kind would say is said. Several threads may ask.
class Judge {
public:
  /// See Deputy for `command` and `waits_killable`.
  Judge(Listener& listener, const Protection& protection, pid_t command, bool waits_killable);

  /// Who asks: one that answers all calls in turn, or one that may take its time.
  enum class Lane { quick, big };
  /// `postponed` only for Lane::quick.
  Verdict judge(ReportedCall& call, Lane lane);
  /// To be called when no postponed call is left.
  void forget_big_files();

  /// A run whose snapshot and source are protected.
  struct Run {
    const GuardedTrees::Tree& files;
    SourceTrees::Tree& source;
  };
  /// `run`: the process whose source this is, see SourceTrees::Tree.
  Run add(const Protection& protection, pid_t run);
  void end(const Run& run) { m_sources.trees().end(run.source); }
  /// What the guard did for it.
  Report report_of(const Run& run);
  const Run& own_run() const noexcept { return m_own; }

  GuardedTrees& trees() noexcept { return m_trees; }
  void clear_staging() const { m_breaker.clear(::getpid()); }

private:
  Verdict unfound(ReportedCall& call, const Failure& failure);
  std::optional<Verdict> settle(ReportedCall& call, const NamedFile& file) const;
  bool has_to_wait(const NamedFile& file);
  int break_link(const NamedFile& file, const Place& place, os::UniqueFd& copy);
  void prepare(const ReportedCall& call, const NamedFile& file);
  Verdict prepare_words(ReportedCall& call, Lane lane);
  std::optional<Verdict> make_private(ReportedCall& call, const NamedFile& file);
  Verdict protect_descriptor(ReportedCall& call, const NamedFile& file);
  std::optional<Verdict> replace_descriptor(const ReportedCall& call, int number,
                                            const Caller::DescriptorState& state,
                                            int private_file) const;
  std::optional<Place> place_of(const Caller& caller, const NamedFile& file,
                                const std::string& path) const;
  os::UniqueFd private_of(ReportedCall& call, const NamedFile& file, int& failed);
  Verdict failed_copy(const ReportedCall& call, int error_number);

  Listener& m_listener;
  LinkBreaker m_breaker;
  Deputy m_deputy;
  GuardedTrees m_trees;
  SourceKeeper m_sources;
  Run m_own;
  std::mutex m_mutex;                     ///< for all below
  std::set<std::uint64_t> m_big_inodes;   ///< being copied, or waiting for it
  std::set<std::uint64_t> m_being_broken; ///< inodes: one at a time
  std::condition_variable m_is_broken;
};

} // namespace snapfix::guard
