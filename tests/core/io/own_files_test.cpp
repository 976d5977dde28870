#include "core/io/own_files.hpp"

#include "tests/catch.hpp"

#include <fcntl.h>
#include <future>
#include <thread>

using namespace rollbackd;

TEST_CASE(
    "what a thread with files of its own opens is in nobody else's table, and what it kept works"
) {
    int ends[2]{};
    REQUIRE(::pipe(ends) == 0);
    Fd const in(ends[0]), out(ends[1]);
    std::promise<int> opened;
    std::promise<void> seen;
    std::thread apart([&] {
        auto const kept = own_files(ends[1]);
        Fd const file(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
        bool const told = ::write(kept.get(), "1", 1) == 1;
        opened.set_value(told ? file.get() : -1);
        seen.get_future().wait();
    });
    int const number = opened.get_future().get();
    auto const name = "/proc/self/fd/" + std::to_string(number);
    std::string target(100, '\0');
    auto const length = ::readlink(name.c_str(), target.data(), target.size());
    target.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
#ifndef __SANITIZE_THREAD__
    CHECK_FALSE(target.ends_with("/status"));
#endif
    seen.set_value();
    apart.join();
    char byte = 0;
    CHECK(::read(in.get(), &byte, 1) == 1);
    CHECK(::fcntl(out.get(), F_GETFD) >= 0);  // the thread closed its own alone
}
