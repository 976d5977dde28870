// Whom a plan's preflight asks, and what the answers mean for the plan.
#include "daemon/plan_look.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

Step step(std::string type, JsonObject params) {
    Step out;
    out.name = type;
    out.type = std::move(type);
    out.params = std::move(params);
    return out;
}

Step exec(std::string const& program) {
    return step("exec", JsonObject{{"argv", JsonArray{program.c_str()}}});
}

Step compose(char const* verb) { return step("compose", JsonObject{{"do", verb}}); }

Plan plan(std::vector<Step> steps) {
    Plan out;
    out.playbook = "mend";
    out.steps = std::move(steps);
    return out;
}

Objection lacks(Grounds needs, std::vector<std::string> paths = {}) {
    Objection out;
    out.text = "not there";
    out.needs = needs;
    out.paths = std::move(paths);
    return out;
}

/// The step at `place` objects so: what that means for the plan.
std::optional<std::string> verdict(Plan made, std::size_t place, Objection objection) {
    PlanLook look(std::move(made), true);
    look.answered(place, {.objection = std::move(objection)});
    return PlanLook::objection(look.looks());
}

constexpr Grounds tools{.tools = true};
constexpr Grounds files{.files = true};
constexpr Grounds space{.space = true};
constexpr Grounds services{.services = true};
constexpr Grounds images{.images = true};

}  // namespace

TEST_CASE("a missing tool refuses the plan wherever its step stands") {
    CHECK(verdict(plan({exec("stop"), exec("gone")}), 1, lacks(tools)) == "step exec: not there");
    CHECK(verdict(plan({exec("gone")}), 0, lacks(tools)));
}

TEST_CASE("a tool that a step of the plan installs is not missing") {
    auto const install = step("exec", JsonObject{{"shell", "apt-get -y install postgresql-15"}});
    CHECK_FALSE(verdict(plan({install, step("pg_restore", {})}), 1, lacks(tools)));
}

TEST_CASE("what an earlier step brings does not refuse the plan") {
    CHECK_FALSE(verdict(plan({compose("up"), step("sql", {})}), 1, lacks(services)));
    CHECK_FALSE(verdict(plan({compose("pull"), step("image_tag", {})}), 1, lacks(images)));
    CHECK_FALSE(verdict(plan({step("truncate", {}), step("pg_backup", {})}), 1, lacks(space)));
    auto const checkout = step("git_checkout", JsonObject{{"repo", "/srv/shop"}});
    auto const edit = step("file_edit", JsonObject{{"file", "/srv/shop/.env"}});
    CHECK_FALSE(verdict(plan({checkout, edit}), 1, lacks(files, {"/srv/shop/.env"})));
    CHECK_FALSE(verdict(plan({exec("fetch"), edit}), 1, lacks(files, {"/srv/shop/.env"})));
}

TEST_CASE("what no earlier step brings refuses it, though steps come before") {
    auto const dump = step("pg_backup", JsonObject{{"folder", "/backups"}});
    auto const restore = step("pg_restore", JsonObject{{"folder", "/backups"}});
    auto const wait = step("wait_until", {});
    auto const away = plan({compose("stop"), compose("up"), wait, dump, restore});
    CHECK(verdict(away, 4, lacks(files, {"/backups"})));
    CHECK(verdict(plan({compose("stop"), step("sql", {})}), 1, lacks(services)));
    CHECK(verdict(plan({compose("up"), dump}), 1, lacks(space)));
    // What is not there by A6 d is brought by nobody.
    CHECK(verdict(plan({exec("fetch"), step("git_checkout", {})}), 1, lacks({})));
}

TEST_CASE("files are brought to the machine the step runs on") {
    auto checkout = step("git_checkout", JsonObject{{"repo", "/srv/shop"}});
    auto edit = step("file_edit", JsonObject{{"file", "/srv/shop/.env"}});
    edit.host = "web1";
    CHECK(verdict(plan({checkout, edit}), 1, lacks(files, {"/srv/shop/.env"})));
    auto const copy = step("copy", JsonObject{{"to", "/srv/shop/.env"}, {"at", "web1"}});
    CHECK_FALSE(verdict(plan({copy, edit}), 1, lacks(files, {"/srv/shop/.env"})));
}

TEST_CASE("no answer, and one that nobody can trust, refuse nothing") {
    auto unanswered = lacks(tools);
    unanswered.unanswered = true;
    PlanLook look(plan({exec("a"), exec("b")}), false);
    look.answered(0, {.objection = unanswered});
    CHECK_FALSE(PlanLook::objection(look.looks()));
    CHECK(look.looks()[0].found == StepFinding::unanswered);
    CHECK(look.looks()[1].found == StepFinding::unanswered);
}

TEST_CASE("a fallback, what depends on an earlier step and what people do are not asked") {
    auto fallback = exec("systemctl");
    fallback.when = "failed(docker)";
    auto const later = exec("{{ steps.dump }}");
    auto made = plan({fallback, later, step("manual", {}), step("notify", {}), exec("true")});
    made.always = {exec("start")};
    PlanLook const look(made, false);
    REQUIRE(look.questions().size() == 2);
    CHECK(look.questions()[0].place == 4);
    CHECK(look.questions()[1].place == 5);
    CHECK(look.looks()[0].found == StepFinding::unasked);
}

TEST_CASE("containment does not wait to be asked, and whoever wants to know asks it all the same") {
    auto const closed = step("firewall", JsonObject{{"do", "close"}});
    auto const on = step("safe_mode", JsonObject{{"do", "on"}});
    auto const dump = step("pg_backup", {});
    auto const contain = plan({closed, exec("keep-evidence"), compose("stop"), on, dump});
    CHECK(is_containment(contain));
    CHECK(PlanLook(contain, false).questions().empty());
    CHECK(PlanLook(contain, true).questions().size() == 5);
}

TEST_CASE("what starts again, undoes or loses something is no containment") {
    CHECK_FALSE(is_containment(plan({compose("stop"), exec("mend"), compose("start")})));
    CHECK_FALSE(is_containment(plan({exec("flag-off")})));
    auto restore = plan({compose("stop"), step("pg_restore", {})});
    restore.undoes = Undoes::data;
    CHECK_FALSE(is_containment(restore));
    auto with_always = plan({compose("stop")});
    with_always.always = {compose("start")};
    CHECK_FALSE(is_containment(with_always));
}
