#pragma once

#include "os/lock.hpp"
#include "snapshot/root.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::snapshot {

// A ticket is what passes between a run that has its work done elsewhere, by a launcher, and the
// job that does it: a folder in `.snapfix/tickets/`. It is worth something as long as its lock is
// held, which is the submitter's. What is told in it is text to this layer.

/// A task of the job: a process that has taken up the ticket.
struct TicketTask {
  std::string host;
  std::optional<std::string> result; ///< nothing: it is at work, or was killed
};

/// A ticket that we have made. It is removed with this.
class Ticket {
public:
  /// For the snapshot of that folder. `base`, if not empty, stays while the ticket does. Removes
  /// those whose submitters are gone. Throws os::Error.
  Ticket(const Root& root, const std::string& folder, const std::string& base,
         std::string_view job);
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket();

  /// Its name, of characters that a shell leaves alone.
  const std::string& name() const noexcept { return m_name; }

  std::vector<TicketTask> tasks() const;

private:
  const Root* m_root;
  std::string m_name;
  std::optional<os::Lock> m_lock;
};

/// A ticket that was taken up, in the job.
class TakenTicket {
public:
  /// Throws os::Error where nobody waits for the job any more.
  TakenTicket(const Root& root, std::string name);

  const std::string& job() const noexcept { return m_job; }
  /// Whether its submitter is still there.
  bool is_wanted() const;
  /// The results of others that have taken it up.
  std::vector<std::string> results() const;
  /// Throws os::Error.
  void leave(std::string_view result) const;

private:
  const Root* m_root;
  std::string m_name;
  std::string m_task;
  std::string m_job;
};

/// Whether the submitter of that ticket is there. Throws os::Error where that cannot be seen.
bool is_ticket_held(const Root& root, const std::string& name);

/// The bases that jobs want which may not have begun.
std::vector<os::Hash> bases_of_tickets(const Root& root);

/// Removes the tickets whose submitters are gone.
void clear_tickets(const Root& root);

} // namespace snapfix::snapshot
