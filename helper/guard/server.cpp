#include "guard/server.hpp"

#include "guard/message_text.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

namespace snapfix::guard {

void Server::start() {
  std::thread([this] { serve(false); }).detach();
  std::thread([this] { serve_big_files(); }).detach();
}

void Server::serve(bool is_helper) {
  bool gone = false;
  while (!gone) {
    ++m_waiting;
    const auto notification = m_listener.receive(gone);
    const bool others_wait = --m_waiting > 0;
    if (notification) {
      handle({*notification, Clock::now()}, Judge::Lane::quick);
      ++m_handled;
    }
    if (is_helper && others_wait) {
      --m_helpers;
      return;
    }
  }
  // Whoever calls now gets ENOSYS; the process ends when the last one is gone.
}

/// As many as there are: a program may have many threads stuck, each in a page that never comes.
void Server::help_if_stuck() {
  const std::uint64_t handled = m_handled;
  if (m_waiting == 0 && handled == m_handled_before) {
    try {
      for (int i = m_helpers; i >= 0; --i) {
        std::thread([this] { serve(true); }).detach();
        ++m_helpers;
      }
    } catch (const std::system_error&) { // no more threads to be had: those that are go on
    }
  }
  m_handled_before = handled;
}

void Server::serve_big_files() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(m_mutex);
      m_has_big_jobs.wait(lock, [&] { return !m_big_jobs.empty(); });
      job = m_big_jobs.front();
      m_big_jobs.pop_front();
    }
    handle(job, Judge::Lane::big);
    const std::lock_guard lock(m_mutex);
    if (m_big_jobs.empty()) {
      m_judge.forget_big_files();
    }
  }
}

void Server::handle(const Job& job, Judge::Lane lane) {
  const std::uint64_t id = job.notification.id;
  try {
    const Call* call = find_call(job.notification.data.arch, job.notification.data.nr);
    if (call == nullptr) { // the filter reports none that it does not know
      m_listener.answer(id, -1, ENOSYS);
      return;
    }
    const Verdict verdict = judge(job, *call, lane);
    switch (verdict.kind()) {
    case Verdict::Kind::let_go:
      m_listener.proceed(id);
      break;
    case Verdict::Kind::refused:
      m_listener.answer(id, -1, verdict.error_number());
      break;
    case Verdict::Kind::answered:
      break;
    case Verdict::Kind::postponed: {
      const std::lock_guard lock(m_mutex);
      m_big_jobs.push_back(job);
      m_has_big_jobs.notify_one();
      return;
    }
    }
    m_judge.trees().count_call(*call, Clock::now() - job.came);
  } catch (const std::exception&) { // out of memory: the object stays whole
    m_listener.answer(id, -1, ENOMEM);
  }
}

Verdict Server::judge(const Job& job, const Call& call, Judge::Lane lane) {
  ReportedCall reported(job.notification, call);
  return open_door(reported) ? Verdict::answered() : m_judge.judge(reported, lane);
}

Report Server::report() {
  return m_judge.report_of(m_judge.own_run());
}

/// A `snapfix run` in the command asks for the guard: it gets a channel. False: it is another call.
bool Server::open_door(ReportedCall& call) {
  if (call.action() != Action::open_how) {
    return false;
  }
  const auto path = call.path();
  if (!path || *path != k_door) {
    return false;
  }
  auto pair = Channel::make_pair();
  const int number = m_listener.give_descriptor(call.id(), pair.theirs.fd(), true);
  if (number >= 0) {
    std::thread([this, channel = std::move(pair.ours),
                 run = os::process_of(call.caller().thread()).value_or(call.caller().thread())] {
      talk(channel, run);
    }).detach();
  }
  m_listener.answer(call.id(), number, number < 0 ? ENOTDIR : 0);
  return true;
}

/// With a `snapfix run` in the command: its snapshot is protected too, from here on, and while it
/// goes on its source from what it runs.
void Server::talk(const Channel& channel, pid_t run) {
  std::optional<Judge::Run> added;
  try {
    while (const auto message = channel.receive()) {
      if (message->kind == Message::Kind::protect && !added) {
        added.emplace(m_judge.add(protection_from(message->text), run));
        channel.send(Message::Kind::protect);
      } else if (message->kind == Message::Kind::report && added) {
        channel.send(Message::Kind::report, text_of(m_judge.report_of(*added)));
      }
    }
  } catch (const std::exception&) { // somebody at the door who is none of ours
  }
  if (added) {
    m_judge.end(*added);
  }
}

} // namespace snapfix::guard
