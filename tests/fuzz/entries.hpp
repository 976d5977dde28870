// The parsers that read what anybody may send, each as a libFuzzer entry: any bytes, and neither a
// crash nor a hang nor a broken promise. libfuzzer_entry.cpp gives one of them to the fuzzer,
// replay_test.cpp gives the corpus to all of them, so that they cannot rot.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rollbackd::fuzz {

int access_log(std::uint8_t const* data, std::size_t size);
int alerts(std::uint8_t const* data, std::size_t size);
int condition(std::uint8_t const* data, std::size_t size);
int dns(std::uint8_t const* data, std::size_t size);
int hands(std::uint8_t const* data, std::size_t size);
int host(std::uint8_t const* data, std::size_t size);
int http_answer(std::uint8_t const* data, std::size_t size);
int log(std::uint8_t const* data, std::size_t size);
int journal(std::uint8_t const* data, std::size_t size);
int policy(std::uint8_t const* data, std::size_t size);
int policy_tests(std::uint8_t const* data, std::size_t size);
int push(std::uint8_t const* data, std::size_t size);
int redis(std::uint8_t const* data, std::size_t size);
int request(std::uint8_t const* data, std::size_t size);
int routes(std::uint8_t const* data, std::size_t size);
int runbook(std::uint8_t const* data, std::size_t size);
int scrape(std::uint8_t const* data, std::size_t size);
int sql(std::uint8_t const* data, std::size_t size);

}  // namespace rollbackd::fuzz
