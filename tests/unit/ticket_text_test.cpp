#include "job/ticket_text.hpp"
#include "os/error.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace job = snapfix::job;

namespace {

job::RunOptions options() {
  job::RunOptions out;
  out.name = "t";
  out.create.selection.source = "/s";
  out.command = {"sh", "-c", "true", "end"};
  out.finish.emplace().verdict.skip_return_code = 77;
  out.group = {"", 3};
  out.from_ticket.emplace().variables = {"A=b", "end"};
  return out;
}

job::RunResult result() {
  job::RunResult out;
  out.end.exit_code = 7;
  out.finishing.emplace();
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(ticket_text)

BOOST_AUTO_TEST_CASE(what_is_whole_is_read) {
  const auto read = job::run_options_from(job::text_of(options()));
  BOOST_TEST(read.command == options().command);
  BOOST_TEST(read.group->tasks == 3U);
  BOOST_TEST(*read.finish->verdict.skip_return_code == 77);
  BOOST_TEST(job::run_result_from(job::text_of(result())).end.exit_code == 7);
}

BOOST_AUTO_TEST_CASE(what_is_cut_anywhere_is_an_error) {
  const auto job = job::text_of(options());
  for (std::size_t length = 0; length + 1 < job.size(); ++length) { // the last is a NUL
    BOOST_CHECK_THROW(job::run_options_from(job.substr(0, length)), snapfix::os::Error);
  }
  const auto end = job::text_of(result());
  for (std::size_t length = 0; length + 1 < end.size(); ++length) {
    BOOST_CHECK_THROW(job::run_result_from(end.substr(0, length)), snapfix::os::Error);
  }
}

BOOST_AUTO_TEST_SUITE_END()
