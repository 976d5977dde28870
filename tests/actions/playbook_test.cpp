#include "actions/playbook.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

TEST_CASE("what destroys or loses something needs a person, whatever anybody says") {
    Playbook playbook;
    CHECK_FALSE(needs_approval(playbook));
    for (auto const undoes : {Undoes::schema, Undoes::data}) {
        auto changed = playbook;
        changed.undoes = undoes;
        CHECK(needs_approval(changed));
    }
    for (auto const loss : {DataLoss::possible, DataLoss::certain}) {
        auto changed = playbook;
        changed.data_loss = loss;
        CHECK(needs_approval(changed));
    }
    auto release = playbook;
    release.undoes = Undoes::release;
    CHECK_FALSE(needs_approval(release));
    auto asking = playbook;
    asking.approval = true;
    CHECK(needs_approval(asking));
    Step destructive;
    destructive.destructive = true;
    auto in_steps = playbook;
    in_steps.steps = {Step{}, destructive};
    CHECK(needs_approval(in_steps));
    auto in_always = playbook;
    in_always.always = {destructive};
    CHECK(needs_approval(in_always));
}

TEST_CASE("a playbook's template names come from steps, checks and texts, each once") {
    Playbook playbook;
    Step step;
    step.params = JsonObject{{"repo", "{{ repo }}"}, {"env", {{"A", "{{ a }}"}}}, {"bad", "{{"}};
    step.check = {"test", "{{ repo }}", "{{ c }}"};
    playbook.steps = {step};
    Step last;
    last.params = JsonObject{{"argv", {"echo", "{{ always }}"}}};
    playbook.always = {last};
    Check check;
    check.kind = CheckKind::run;
    check.argv = {"curl", "{{ url }}"};
    playbook.verify = {check};
    Check manual;
    manual.text = "look at {{ page }}";
    playbook.success = {manual};
    playbook.follow_up = {"tell {{ team }}"};
    Duty duty;
    duty.text = "within {{ law }}";
    playbook.duties = {duty};
    CHECK(
        template_names(playbook) ==
        std::vector<std::string>{"repo", "a", "c", "always", "url", "page", "team", "law"}
    );
}
