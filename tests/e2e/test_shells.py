"""Completion in each real shell, and the manual pages before the real readers, where this machine has them."""

import os
import shutil
import subprocess

import pytest
from harness.daemon import BINARIES

CTL = BINARIES / "rollbackctl"


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program} here")


def printed(argv: list[str], **more) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def script(shell: str, folder) -> str:
    path = folder / "completion"
    path.write_text(printed([str(CTL), "completion", shell]))
    return str(path)


OFFERED = [
    ("rollbackctl backt", ["backtest"]),
    ("rollbackctl approve --f", ["--force"]),
    ("rollbackctl journal v", ["verify"]),
    ("rollbackctl completion f", ["fish"]),
    ("rollbackctl token new --role a", ["admin", "approve"]),
    ("rollbackctl --url http://127.0.0.1 app", ["approve"]),
]


@pytest.mark.parametrize(("line", "words"), OFFERED)
def test_bash_offers(tmp_path, line, words):
    tries = ('source "$1"; COMP_WORDS=($2); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _rollbackctl; '
             'printf "%s\\n" "${COMPREPLY[@]}"')
    out = printed(["bash", "--norc", "-c", tries, "bash", script("bash", tmp_path), line])
    assert sorted(out.split()) == words


def test_bash_offers_files_where_a_file_stands(tmp_path):
    tries = 'source "$1"; COMP_WORDS=(rollbackctl check com); COMP_CWORD=2; _rollbackctl; echo "${COMPREPLY[@]}"'
    out = printed(["bash", "--norc", "-c", tries, "bash", script("bash", tmp_path)], cwd=tmp_path)
    assert out == "completion\n"


def test_zsh_reads_its_script_and_finds_the_words(tmp_path):
    needs("zsh")
    tries = ('autoload -Uz compinit; compinit -D; source "$1"; print -r -- $_comps[rollbackctl]; '
             '_rollbackctl_candidates token new --role; print -r -- $words; '
             '_rollbackctl_candidates; print -r -- $words')
    lines = printed(["zsh", "-f", "-c", tries, "zsh", script("zsh", tmp_path)]).splitlines()
    assert lines[0] == "_rollbackctl"
    assert lines[1] == "read ingest operate approve admin"
    assert {"status", "backtest", "--help"} <= set(lines[2].split())


@pytest.mark.parametrize(("line", "words"), OFFERED)
def test_fish_offers(tmp_path, line, words):
    needs("fish")
    out = printed(["fish", "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]', script("fish", tmp_path),
                   line], env=os.environ | {"HOME": str(tmp_path)})
    assert sorted(found.split("\t")[0] for found in out.splitlines()) == words


@pytest.mark.parametrize("page", ["rollbackctl", "rollbackd"])
def test_manual_pages_are_without_fault(tmp_path, page):
    usage = printed([str(BINARIES / "rollbackd"), "--help"])
    option = "--manual" if page == "rollbackctl" else "--manual-of-daemon"
    file = tmp_path / "page"
    file.write_text(printed([str(CTL), option], input=usage))
    if shutil.which("mandoc"):
        assert printed(["mandoc", "-T", "lint", "-W", "warning", str(file)]) == ""
    needs("man")
    shown = printed(["man", "--warnings", "-l", str(file)],
                    env=os.environ | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
    assert "EXIT STATUS" in shown if page == "rollbackctl" else "--selftest" in shown
