// rollbackd --probe: the other end of a signal with `from`. Takes one question on standard input,
// asks from this machine, prints one line, and ends.
#include "daemon/remote_probe.hpp"

#include "core/io/blocking.hpp"
#include "core/io/clock.hpp"
#include "core/io/secrets.hpp"
#include "core/io/stream.hpp"
#include "core/io/task_group.hpp"
#include "triggers/probes/remote.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <iostream>
#include <iterator>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

std::string read_question() {
    std::string question;
    std::istreambuf_iterator<char> byte(std::cin);
    for (; byte != std::istreambuf_iterator<char>() && question.size() < remote_question_max;
         ++byte) {
        question += *byte;
    }
    return question;
}

asio::awaitable<void> ask(
    std::string question, ProbeContext context, std::optional<Result<std::string>>& answer
) {
    answer = co_await answer_remote(std::move(question), context);
}

}  // namespace

int answer_probe() {
    asio::io_context loop(1);
    BlockingPool pool;
    RealClock const clock;
    Secrets secrets;
    std::optional<Result<std::string>> answer;
    std::string surprise = "the probe did not answer";
    {
        Dialer dialer(loop.get_executor());
        HttpClient http(dialer);
        TaskGroup tasks(loop.get_executor(), [&surprise](auto, auto what) { surprise = what; });
        tasks.spawn(
            "probe", ask(read_question(),
                         ProbeContext{dialer, http, pool, pool, pool, secrets, clock}, answer)
        );
        loop.run();
        dialer.stop();
    }
    pool.stop(std::chrono::milliseconds(100));
    if (answer && *answer) {
        std::fputs((*answer)->c_str(), stdout);
        return 0;
    }
    auto const why = answer ? to_string(answer->error()) : surprise;
    std::fprintf(stderr, "rollbackd: %s\n", secrets.redact(why).c_str());
    return 1;
}

}  // namespace rollbackd
