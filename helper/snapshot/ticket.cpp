#include "snapshot/ticket.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
#include "os/remove_tree.hpp"
#include "os/time_text.hpp"
#include "snapshot/own_folder.hpp"

#include <utility>

namespace snapfix::snapshot {
namespace {

constexpr const char* k_tickets = "tickets";
constexpr const char* k_job = "job";
constexpr const char* k_base = "base";
constexpr std::string_view k_task = "task.";
constexpr std::string_view k_result = "result.";
constexpr std::uint32_t k_closed = 0600; ///< an environment may hold secrets

std::string lock_of(const std::string& ticket) {
  return "ticket." + ticket;
}

/// What no other process has, on whatever host.
std::string unique_word() {
  const auto now = os::now();
  return os::hash_of(os::format("{} {} {} {}", os::this_machine(), os::this_process(), now.seconds,
                                now.nanoseconds))
      .short_hex();
}

/// Opened anew each time, so that a network file system shows what another host has put there.
std::optional<os::Dir> open_ticket(const Root& root, const std::string& name) {
  const auto tickets = root.find_inner(k_tickets);
  return tickets ? tickets->try_open_child(name.c_str()) : std::nullopt;
}

std::vector<os::DirEntry> all_tickets(const Root& root) {
  const auto tickets = root.find_inner(k_tickets);
  return tickets ? tickets->entries() : std::vector<os::DirEntry>();
}

void remove_ticket(const Root& root, const std::string& name, const os::Lock& held) {
  os::remove_tree(root.make_inner(k_tickets), name.c_str());
  held.remove_file(root.locks(), lock_of(name));
}

} // namespace

Ticket::Ticket(const Root& root, const std::string& folder, const std::string& base,
               std::string_view job)
    : m_root(&root), m_name(folder + "." + unique_word()) {
  clear_tickets(root);
  m_lock = os::Lock::acquire(root.locks(), lock_of(m_name), "snapfix run, waiting for " + folder);
  const auto dir = ensure_ours(root.make_inner(k_tickets), m_name.c_str());
  os::replace_file(dir, k_base, base, k_closed);
  os::replace_file(dir, k_job, job, k_closed);
}

Ticket::~Ticket() {
  if (m_lock) {
    try {
      remove_ticket(*m_root, m_name, *m_lock);
    } catch (const os::Error&) { // the next one that is made clears it
    }
  }
}

std::vector<TicketTask> Ticket::tasks() const {
  std::vector<TicketTask> out;
  if (const auto dir = open_ticket(*m_root, m_name)) {
    for (const auto& entry : dir->entries()) {
      if (entry.name.starts_with(k_task)) {
        const auto result = std::string(k_result) + entry.name.substr(k_task.size());
        out.push_back({os::read_small_file(*dir, entry.name.c_str()).value_or("?"),
                       os::read_small_file(*dir, result.c_str())});
      }
    }
  }
  return out;
}

namespace {

os::Dir require_ticket(const Root& root, const std::string& name) {
  auto dir = open_ticket(root, name);
  if (!dir) {
    throw os::Error(os::format("there is no ticket {} in {}", os::quoted(name), root.path()),
                    "the run that submitted it is gone, or it is another root's");
  }
  return std::move(*dir);
}

} // namespace

TakenTicket::TakenTicket(const Root& root, std::string name)
    : m_root(&root), m_name(std::move(name)), m_task(unique_word()) {
  const auto dir = require_ticket(root, m_name);
  auto job = is_wanted() ? os::read_small_file(dir, k_job) : std::nullopt;
  if (!job) {
    throw os::Error(os::format("nobody waits for this job any more (ticket {})", m_name),
                    "the run that submitted it is gone: nothing is done");
  }
  m_job = std::move(*job);
  os::replace_file(dir, (std::string(k_task) + m_task).c_str(), os::host_name(), k_closed);
}

bool TakenTicket::is_wanted() const {
  return is_ticket_held(*m_root, m_name);
}

std::vector<std::string> TakenTicket::results() const {
  std::vector<std::string> out;
  const auto dir = open_ticket(*m_root, m_name);
  for (const auto& entry : dir ? dir->entries() : std::vector<os::DirEntry>()) {
    if (entry.name.starts_with(k_result)) {
      out.push_back(os::read_small_file(*dir, entry.name.c_str()).value_or(""));
    }
  }
  return out;
}

void TakenTicket::leave(std::string_view result) const {
  const auto dir = require_ticket(*m_root, m_name);
  os::replace_file(dir, (std::string(k_result) + m_task).c_str(), result, k_closed);
}

bool is_ticket_held(const Root& root, const std::string& name) {
  return os::Lock::is_held(root.locks(), lock_of(name));
}

std::vector<os::Hash> bases_of_tickets(const Root& root) {
  std::vector<os::Hash> out;
  for (const auto& entry : all_tickets(root)) {
    const auto dir = open_ticket(root, entry.name);
    const auto text = dir ? os::read_small_file(*dir, k_base) : std::nullopt;
    if (const auto base = os::Hash::from_hex(text.value_or(""))) {
      out.push_back(*base);
    }
  }
  return out;
}

void clear_tickets(const Root& root) {
  for (const auto& entry : all_tickets(root)) {
    if (const auto lock =
            os::Lock::try_acquire(root.locks(), lock_of(entry.name), "snapfix, clearing up")) {
      remove_ticket(root, entry.name, *lock);
    }
  }
}

} // namespace snapfix::snapshot
