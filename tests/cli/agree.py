# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands, options, man pages and completions agree. In TAP: agree.py QUANTA SOURCE-FOLDER"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

results = []


def check(good, name, why=None):
    results.append(bool(good))
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", flush=True)
    if not good and why is not None:
        print("# " + str(why).replace("\n", "\n# "), flush=True)


def main():
    quanta, source = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])

    def ask(*words):
        return subprocess.run([quanta, *words], capture_output=True, text=True, check=False).stdout

    man = os.path.join(source, "docs", "man")
    with open(os.path.join(man, "meson.build"), encoding="utf-8") as f:
        built = re.findall(r"'(quanta[\w-]*\.\d)'", f.read())
    pages = {name[:-4] for name in os.listdir(man) if name.endswith(".scd")}
    check(pages == set(built), "every page is built", pages ^ set(built))
    with open(os.path.join(man, "quanta.1.scd"), encoding="utf-8") as f:
        index = f.read()
    commands = re.findall(r"^  ([a-z][a-z-]*) +\S", ask("--help").split("Commands:")[1].split("Options:")[0], re.MULTILINE)
    check(len(commands) > 10, "the program lists its commands", commands)
    completions = {}
    for shell in ("bash", "zsh", "fish"):
        p = subprocess.run([sys.executable, os.path.join(source, "tools", "completions.py"), quanta, shell], capture_output=True, text=True, check=False)
        check(p.returncode == 0 and p.stdout, f"completions for {shell}", p.stderr)
        completions[shell] = p.stdout
    for command in commands:
        help_text = ask(command, "--help")
        options = set(re.findall(r"^  (?:-\w, )?--([a-z-]+)", help_text, re.MULTILINE)) - {"help"}
        page = f"quanta-{command}.1"
        if not check_page(page, pages, index, command):
            continue
        with open(os.path.join(man, page + ".scd"), encoding="utf-8") as f:
            text = f.read()
        told = set(re.findall(r"\*--([a-z-]+)\*", re.sub(r"\*quanta [^*]*\*", "", text)))
        headed = set(re.findall(r"\*--([a-z-]+)\*", "\n".join(line for line in text.split("\n") if re.match(r"\*-", line))))
        if command not in ("trace",):
            check(options <= told, f"{command}: every option is in its page", options - told)
            check(headed <= options | {"help"}, f"{command}: its page has no option that there is not", headed - options)
        for shell, made in completions.items():
            sign = "-l " if shell == "fish" else "--"
            missing = {o for o in options if not re.search(re.escape(sign + o) + r"\b", made)}
            check(command in made and not missing, f"{command}: {shell} completes its options", missing)
    with tempfile.TemporaryDirectory() as folder:
        for shell, made in completions.items():
            path = os.path.join(folder, shell)
            with open(path, "w", encoding="utf-8") as f:
                f.write(made)
            program = shutil.which(shell)
            if not program:
                print(f"# {shell} is not here: its syntax is not checked")
                continue
            p = subprocess.run([program, "-n", path], capture_output=True, text=True, check=False)
            check(p.returncode == 0, f"{shell} reads its completions", p.stderr)
        words = 'COMP_WORDS=(quanta {0}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _quanta; echo "${{COMPREPLY[@]}}"'
        for line, wanted in [("comp", "compare"), ("run --pol", "--policy"), ("compare --policies round-robin,eev", "eevdf"), ("sweep --see", "--seeds"),
                             ("list poli", "policies"), ("trace ver", "verify"), ("check-policy cred", "credit2"), ("sweep --engine s", "slurm")]:
            env = dict(os.environ, PATH=os.path.dirname(quanta) + ":" + os.environ["PATH"])
            p = subprocess.run(["bash", "-c", f". {folder}/bash; " + words.format(line)], capture_output=True, text=True, check=False, env=env)
            check(wanted in p.stdout.split(), f"bash completes '{line}' to {wanted}", p.stdout + p.stderr)
    with tempfile.TemporaryDirectory() as folder:
        p = subprocess.run([quanta, "init", "first.conf"], cwd=folder, capture_output=True, text=True, check=False)
        q = subprocess.run([quanta, "run", "first.conf"], cwd=folder, capture_output=True, text=True, check=False)
        r = subprocess.run([quanta, "init", "first.conf"], cwd=folder, capture_output=True, text=True, check=False)
        check(p.returncode == 0 and q.returncode == 0 and "3 VMs" in q.stdout, "quanta init writes a scenario that runs as it stands", p.stderr + q.stderr)
        check(r.returncode == 2 and "there already" in r.stderr, "and overwrites none", r.stderr)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


def check_page(page, pages, index, command):
    check(page in pages, f"{command}: has a page", page)
    check(re.search(rf"^\*{command}\*", index, re.MULTILINE) and (f"*quanta-{command}*(1)" in index), f"{command}: is in quanta(1)")
    return page in pages


if __name__ == "__main__":
    sys.exit(main())
