// Every command's function, by the file that holds it. The table in commands.cpp names them.
#pragma once

#include "cli/command.hpp"

namespace rollbackd::cli {

// overview.cpp
Outcome<Exit> status(Context&, Arguments const&);
Outcome<Exit> services(Context&, Arguments const&);
Outcome<Exit> versions(Context&, Arguments const&);
// incidents.cpp
Outcome<Exit> incidents(Context&, Arguments const&);
Outcome<Exit> show(Context&, Arguments const&);
Outcome<Exit> explain(Context&, Arguments const&);
Outcome<Exit> report(Context&, Arguments const&);
// decisions.cpp
Outcome<Exit> approve(Context&, Arguments const&);
Outcome<Exit> reject(Context&, Arguments const&);
Outcome<Exit> ack(Context&, Arguments const&);
Outcome<Exit> resolve(Context&, Arguments const&);
Outcome<Exit> abort_run(Context&, Arguments const&);
Outcome<Exit> verdict(Context&, Arguments const&);
// confirm.cpp
Outcome<Exit> confirm(Context&, Arguments const&);
// operate.cpp
Outcome<Exit> raise(Context&, Arguments const&);
Outcome<Exit> run(Context&, Arguments const&);
Outcome<Exit> pause(Context&, Arguments const&);
Outcome<Exit> resume(Context&, Arguments const&);
Outcome<Exit> silence(Context&, Arguments const&);
Outcome<Exit> silences(Context&, Arguments const&);
Outcome<Exit> reload(Context&, Arguments const&);
// releases.cpp
Outcome<Exit> deploy(Context&, Arguments const&);
Outcome<Exit> gate(Context&, Arguments const&);
Outcome<Exit> release(Context&, Arguments const&);
// watch.cpp
Outcome<Exit> watch(Context&, Arguments const&);
// offline.cpp
Outcome<Exit> check(Context&, Arguments const&);
Outcome<Exit> runbook(Context&, Arguments const&);
Outcome<Exit> journal_verify(Context&, Arguments const&);
// init.cpp
Outcome<Exit> init(Context&, Arguments const&);
// token.cpp
Outcome<Exit> token_new(Context&, Arguments const&);
// drill.cpp
Outcome<Exit> drill(Context&, Arguments const&);
// test.cpp
Outcome<Exit> test_policy(Context&, Arguments const&);
// backtest.cpp
Outcome<Exit> backtest(Context&, Arguments const&);
// completion.cpp
Outcome<Exit> completion(Context&, Arguments const&);
// import.cpp
Outcome<Exit> import_runbook(Context&, Arguments const&);

}  // namespace rollbackd::cli
