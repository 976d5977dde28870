#include "tests/actions/steps/support/hands.hpp"
#include "tests/catch.hpp"

#include <unistd.h>

using namespace rollbackd;
using namespace rollbackd::test;

namespace {

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

/// A work tree with three releases of `page` on main, and a bare remote it pushes to.
class Site {
public:
    Site() {
        sh("git init -q --bare -b main remote && git init -q -b main repo && cd repo && "
           "git config user.name t && git config user.email t@example.com && "
           "git remote add origin ../remote",
           dir.path());
        for (auto const* release : {"one", "two", "three"}) commit(release);
        git("push -q -u origin main");
    }

    std::string git(std::string const& rest) const { return sh("git " + rest, repo()); }
    void commit(std::string const& page) const {
        sh("echo " + page + " >page && git add page && git commit -qm " + page, repo());
    }
    std::string head() const { return git("rev-parse HEAD"); }
    std::string page() const { return dir.read("repo/page"); }
    std::string repo() const { return dir.path("repo"); }

    TempDir dir;
};

Step checkout(Site const& site, std::string const& to) {
    auto made = step("git_checkout", JsonObject{{"repo", site.repo()}, {"to", to}});
    made.idempotent = true;
    return made;
}

Step revert(Site const& site, std::string const& commit, std::string const& push = "false") {
    return step(
        "git_revert", JsonObject{{"repo", site.repo()}, {"commit", commit}, {"push", push}}
    );
}

}  // namespace

TEST_CASE("git_checkout brings the work tree to the commit, and again is no harm") {
    Site site;
    Hands hands(site.dir.path("run"));
    auto const second = site.git("rev-parse main~1");
    CHECK_FALSE(hands.preflight(checkout(site, second)));
    CHECK(hands.settle(checkout(site, second)).kind == OutcomeKind::failed);
    auto const outcome = hands.run(checkout(site, second), "r1");
    INFO(outcome.text);
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK(contains(outcome.text, second));
    CHECK(site.page() == "two\n");
    CHECK(site.head() == second);
    CHECK(hands.settle(checkout(site, second)).kind == OutcomeKind::done);
    CHECK(hands.run(checkout(site, second), "r2").kind == OutcomeKind::done);
    CHECK(hands.run(checkout(site, "main"), "r3").kind == OutcomeKind::done);
    CHECK(site.git("symbolic-ref --short HEAD") == "main");
}

TEST_CASE("git_checkout refuses a tree with changes, lists them and touches nothing") {
    Site site;
    Hands hands(site.dir.path("run"));
    site.dir.write("repo/page", "edited by hand\n");
    site.dir.write("repo/untracked", "left alone\n");
    auto const objection = hands.preflight(checkout(site, "main~1"));
    REQUIRE(objection);
    CHECK(contains(*objection, "page"));
    auto const outcome = hands.run(checkout(site, "main~1"));
    CHECK(outcome.kind == OutcomeKind::failed);
    CHECK(contains(outcome.text, "M page"));
    CHECK_FALSE(contains(outcome.text, "untracked"));
    CHECK(site.page() == "edited by hand\n");
}

TEST_CASE("git_checkout overwrites no file that git does not know, ignored or not") {
    for (bool const ignored : {false, true}) {
        CAPTURE(ignored);
        Site site;
        Hands hands(site.dir.path("run"));
        // The first release has the file, the second has it no more, and somebody made one.
        site.git("checkout -q --detach main~1");
        site.dir.write("repo/local.conf", "of the release\n");
        site.git("add -A");
        site.git("commit -qm with-a-file");
        auto const target = site.head();
        site.git("checkout -q main");
        site.dir.write("repo/local.conf", "of this machine\n");
        if (ignored) site.dir.write("repo/.git/info/exclude", "local.conf\n");
        auto const head = site.head();
        auto const objection = hands.preflight(checkout(site, target));
        REQUIRE(objection);
        CHECK(contains(*objection, "local.conf"));
        auto const outcome = hands.run(checkout(site, target));
        CHECK(outcome.kind == OutcomeKind::failed);
        CHECK(contains(outcome.text, "local.conf"));
        CHECK(site.dir.read("repo/local.conf") == "of this machine\n");
        CHECK(site.head() == head);
    }
}

TEST_CASE("git_checkout of what is not there is failed before anything is touched") {
    Site site;
    Hands hands(site.dir.path("run"));
    auto const head = site.head();
    for (auto const* missing :
         {"0123456789012345678901234567890123456789", "no-such-tag", "--help"}) {
        CAPTURE(missing);
        auto const outcome = hands.run(checkout(site, missing), std::string("r") + missing[2]);
        CHECK(outcome.kind == OutcomeKind::failed);
        CHECK(contains(outcome.text, "has no commit"));
    }
    auto elsewhere = checkout(site, "main");
    elsewhere.params["repo"] = site.dir.path();
    CHECK(hands.run(elsewhere, "outside").kind == OutcomeKind::failed);
    sh("mkdir repo/inside", site.dir.path());
    elsewhere.params["repo"] = site.dir.path("repo/inside");
    CHECK(contains(hands.run(elsewhere, "inside").text, "not the top of a work tree"));
    CHECK(site.head() == head);
}

TEST_CASE("git_checkout works in another user's repository and leaves it theirs") {
    if (geteuid() != 0) {
        WARN("SKIPPED_BECAUSE only root can make another user's repository");
        return;
    }
    Site site;
    TempDir run;
    Hands hands(run.path());
    site.dir.write(
        "repo/.git/hooks/post-checkout", "#!/bin/sh\ntouch " + run.path("hooked") + "\n"
    );
    sh("chmod 755 repo/.git/hooks/post-checkout && chown -R nobody:nogroup . && chmod 755 .",
       site.dir.path());
    auto const outcome = hands.run(checkout(site, "main~1"));
    INFO(outcome.text);
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK(site.page() == "two\n");
    CHECK(sh("find . -user root", site.repo()).empty());
    CHECK_FALSE(run.has("hooked"));
}

TEST_CASE("git_checkout in a tree that a group shares leaves the group able to write") {
    Site site;
    Hands hands(site.dir.path("run"));
    sh("chmod 2775 . && git config core.sharedRepository group", site.repo());
    CHECK(hands.run(checkout(site, "main~1")).kind == OutcomeKind::done);
    CHECK(sh("stat -c %A page", site.repo()) == "-rw-rw-r--");
}

TEST_CASE("git_revert undoes a commit and pushes the revert") {
    Site site;
    Hands hands(site.dir.path("run"));
    auto const bad = site.head();
    CHECK(hands.settle(revert(site, bad, "true")).kind == OutcomeKind::failed);
    auto const outcome = hands.run(revert(site, bad, "true"));
    INFO(outcome.text);
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK(site.page() == "two\n");
    CHECK(sh("git rev-parse main", site.dir.path("remote")) == site.head());
    CHECK(hands.settle(revert(site, bad, "true")).kind == OutcomeKind::done);
}

TEST_CASE("git_revert without push leaves the remote alone, and settling sees the difference") {
    Site site;
    Hands hands(site.dir.path("run"));
    auto const bad = site.head();
    CHECK(hands.run(revert(site, bad)).kind == OutcomeKind::done);
    CHECK(sh("git rev-parse main", site.dir.path("remote")) == bad);
    CHECK(hands.settle(revert(site, bad)).kind == OutcomeKind::done);
    CHECK(hands.settle(revert(site, bad, "origin/main")).kind == OutcomeKind::failed);
}

TEST_CASE("git_revert of a merge goes back to its first parent") {
    Site site;
    Hands hands(site.dir.path("run"));
    sh("git checkout -q -b feature && echo new >feature && git add feature && git commit -qm "
       "feature && "
       "git checkout -q main && git merge -q --no-ff -m merged feature",
       site.repo());
    auto const outcome = hands.run(revert(site, site.head()));
    INFO(outcome.text);
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK_FALSE(site.dir.has("repo/feature"));
    CHECK(site.page() == "three\n");
}

TEST_CASE("git_revert of a range is one commit whose tree is that of its beginning") {
    Site site;
    Hands hands(site.dir.path("run"));
    sh("git checkout -q -b feature && echo new >feature && git add feature && git commit -qm "
       "feature && git checkout -q main && git merge -q --no-ff -m merged feature",
       site.repo());
    site.commit("four");
    site.git("push -q");
    auto const good = site.git("rev-parse main~3");  // "two"
    auto const range = good + "..main";
    CHECK_FALSE(hands.preflight(revert(site, range, "true")));
    CHECK(site.git("status --porcelain").empty());
    CHECK(
        hands.settle(revert(site, good + ".." + site.head(), "true")).kind == OutcomeKind::failed
    );
    auto const before = site.head();
    auto const outcome = hands.run(revert(site, good + ".." + before, "true"));
    INFO(outcome.text);
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK(site.git("rev-parse HEAD^{tree}") == site.git("rev-parse " + good + "^{tree}"));
    CHECK(site.git("rev-parse HEAD~1") == before);
    CHECK(sh("git rev-parse main", site.dir.path("remote")) == site.head());
    CHECK(hands.settle(revert(site, good + ".." + before, "true")).kind == OutcomeKind::done);
    // A part of it is no whole.
    CHECK(hands.settle(revert(site, good + "~1.." + before)).kind == OutcomeKind::failed);
}

TEST_CASE("git_revert that was committed and not pushed when the machine died is pushed, no more") {
    Site site;
    Hands hands(site.dir.path("run"));
    auto const bad = site.head();
    REQUIRE(hands.run(revert(site, bad)).kind == OutcomeKind::done);
    auto const reverted = site.head();
    CHECK(hands.settle(revert(site, bad, "true")).kind == OutcomeKind::failed);
    CHECK_FALSE(hands.preflight(revert(site, bad, "true")));
    CHECK(hands.run(revert(site, bad, "true"), "r2").kind == OutcomeKind::done);
    CHECK(site.head() == reverted);
    CHECK(sh("git rev-parse main", site.dir.path("remote")) == reverted);
}

TEST_CASE("git_revert that would not apply is known before, and nothing is touched for it") {
    Site site;
    Hands hands(site.dir.path("run"));
    auto const head = site.head();
    for (auto const& wanted :
         {site.git("rev-parse main~1"),
          site.git("rev-parse main~2") + ".." + site.git("rev-parse main~1")}) {
        auto const objection = hands.preflight(revert(site, wanted, "true"));
        REQUIRE(objection);
        CHECK(contains(*objection, "conflicts in:\npage"));
        CHECK(contains(*objection, "does not apply"));
    }
    CHECK(site.head() == head);
    CHECK(site.page() == "three\n");
    CHECK(site.git("status --porcelain").empty());
    CHECK(site.git("worktree list").find('\n') == std::string::npos);
}

TEST_CASE("git_revert with a conflict names the files and leaves the tree as it was") {
    Site site;
    Hands hands(site.dir.path("run"));
    auto const head = site.head();
    auto const outcome = hands.run(revert(site, site.git("rev-parse main~1")));
    CHECK(outcome.kind == OutcomeKind::failed);
    CHECK(contains(outcome.text, "conflicts in:\npage"));
    CHECK(site.head() == head);
    CHECK(site.page() == "three\n");
    CHECK(site.git("status --porcelain").empty());
    CHECK_FALSE(site.dir.has("repo/.git/REVERT_HEAD"));
}

TEST_CASE("git_revert whose push is refused is taken back whole") {
    Site site;
    Hands hands(site.dir.path("run"));
    site.dir.write("remote/hooks/pre-receive", "#!/bin/sh\necho protected branch >&2\nexit 1\n");
    sh("chmod 755 remote/hooks/pre-receive", site.dir.path());
    auto const head = site.head();
    auto const outcome = hands.run(revert(site, head, "true"));
    CHECK(outcome.kind == OutcomeKind::failed);
    CHECK(contains(outcome.text, "refused"));
    CHECK(contains(outcome.text, "protected branch"));
    CHECK(site.head() == head);
    CHECK(site.page() == "three\n");
    CHECK(hands.settle(revert(site, head, "true")).kind == OutcomeKind::failed);
}

TEST_CASE("git_revert whose remote does not answer is unknown, not failed") {
    Site site;
    Hands hands(site.dir.path("run"));
    site.git("remote set-url origin " + site.dir.path("gone"));
    auto const outcome = hands.run(revert(site, site.head(), "true"));
    CHECK(outcome.kind == OutcomeKind::unknown);
    CHECK(contains(outcome.text, "does not answer"));
}

TEST_CASE("git_revert refuses what it cannot mean") {
    Site site;
    Hands hands(site.dir.path("run"));
    site.git("checkout -q --detach");
    CHECK(contains(hands.run(revert(site, "HEAD", "true"), "a").text, "no upstream"));
    CHECK(contains(hands.run(revert(site, "HEAD", "origin"), "b").text, "name the branch"));
    sh("git checkout -q --orphan alone && git commit -qm alone", site.repo());
    CHECK(contains(hands.run(revert(site, "main"), "c").text, "nothing to revert"));
    CHECK(contains(hands.run(revert(site, "HEAD..main"), "e").text, "is no range"));
    CHECK(contains(hands.run(revert(site, "HEAD..HEAD"), "f").text, "is empty"));
    CHECK(contains(hands.run(revert(site, "HEAD...main"), "g").text, "has no commit"));
    CHECK(contains(hands.run(revert(site, "--all..HEAD"), "h").text, "has no commit"));
    site.dir.write("repo/page", "edited\n");
    CHECK(contains(hands.run(revert(site, "HEAD"), "d").text, "not committed"));
}
