#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Shell completions from what the program says of itself: completions.py QUANTA bash|zsh|fish"""
import re
import subprocess
import sys

# What an option's or a command's argument may be: a command that lists it, or files.
VALUES = {"--policy": "policies", "--policies": "policies", "--machines": "machines", "--engine": ("local", "slurm")}
ARGUMENTS = {"list": ("policies", "machines", "events", "figures", "guests", "traces"), "trace": None, "check-policy": "policies"}


def ask(quanta, *words):
    return subprocess.run([quanta, *words, "--help"], check=True, capture_output=True, text=True).stdout


def commands(quanta):
    """Of the program: name, summary; those of `trace` among them as "trace info"."""
    found = re.findall(r"^  ([a-z][a-z-]*) +(\S.*)$", ask(quanta).split("Commands:")[1].split("Options:")[0], re.MULTILINE)
    for sub in re.findall(r"^  ([a-z]+) +(\S.*)$", ask(quanta, "trace").partition("Commands:")[2], re.MULTILINE):
        found.append((f"trace {sub[0]}", sub[1]))
    return found


def options(quanta, command):
    """Long name, short name or None, whether it takes a value, help."""
    text = ask(quanta, *command.split())
    found = []
    for short, name, value, words in re.findall(r"^  (?:-(\w), )?--([a-z-]+)(=\S+)?\s+(\S.*)$", text, re.MULTILINE):
        found.append((name, short or None, bool(value), words))
    return found


def bash(all_of):
    lines = ["# bash completion of quanta; made by tools/completions.py", "_quanta() {",
             "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} words=",
             '    [ "$command" = trace ] && [ "$COMP_CWORD" -gt 2 ] && command="trace ${COMP_WORDS[2]}"',
             '    if [ "$COMP_CWORD" -eq 1 ]; then',
             f'        COMPREPLY=($(compgen -W "{" ".join(c for c in all_of if " " not in c)} --help --version" -- "$cur"))', "        return", "    fi",
             "    case $prev in"]
    for option, values in VALUES.items():
        made = " ".join(values) if isinstance(values, tuple) else f"$(_quanta_list {values})"
        lines += [f"    {option})", f'        COMPREPLY=($(compgen -W "{made}" -- "${{cur##*,}}"))', "        return ;;"]
    lines += ["    esac", '    case "$command" in']
    for name, opts in all_of.items():
        words = " ".join(f"--{o[0]}" for o in opts)
        base = ARGUMENTS.get(name)
        more = " ".join(base) if isinstance(base, tuple) else f"$(_quanta_list {base})" if base else ""
        if name == "trace":
            more = " ".join(c.split()[1] for c in all_of if c.startswith("trace "))
        lines += [f'    "{name}")', f'        words="{words} --help {more}" ;;']
    lines += ["    esac", '    COMPREPLY=($(compgen -W "$words" -- "$cur"))', '    [ "${cur#-}" != "$cur" ] || COMPREPLY+=($(compgen -f -- "$cur"))', "}",
              "_quanta_list() { quanta list \"$1\" 2>/dev/null | sed -n 's/^\\([a-z][a-z0-9-]*\\).*/\\1/p'; }", "complete -o filenames -F _quanta quanta"]
    return lines


def quoted(text):
    return text.replace("'", "'\\''")


def zsh(all_of, summaries):
    lines = ["#compdef quanta", "# zsh completion of quanta; made by tools/completions.py", "_quanta() {", "    local -a commands",
             "    commands=("]
    lines += [f"        '{c}:{quoted(summaries[c]).replace(':', chr(92) + ':')}'" for c in all_of if " " not in c]
    lines += ["    )", "    if (( CURRENT == 2 )); then", "        _describe command commands", "        return", "    fi", "    local command=$words[2]",
              '    [[ $command == trace && $CURRENT -gt 3 ]] && command="trace $words[3]"', '    case "$command" in']
    for name, opts in all_of.items():
        lines += [f'    "{name}")', "        _arguments \\"]
        for long, short, value, words in opts:
            text = quoted(words).replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
            lines.append(f"            '--{long}{'=' if value else ''}[{text}]{':value:_files' if value else ''}' \\")
            if short:
                lines.append(f"            '-{short}[{text}]{':value:_files' if value else ''}' \\")
        base = ARGUMENTS.get(name)
        subs = [c.split()[1] for c in all_of if c.startswith("trace ")] if name == "trace" else list(base) if isinstance(base, tuple) else None
        lines += [f"            '*:argument:({' '.join(subs)})' ;;" if subs else "            '*:file:_files' ;;"]
    return lines + ["    esac", "}", '_quanta "$@"']


def fish(all_of, summaries):
    lines = ["# fish completion of quanta; made by tools/completions.py"]
    for name in all_of:
        if " " not in name:
            lines.append(f"complete -c quanta -n __fish_use_subcommand -a {name} -d '{quoted(summaries[name])}'")
    for name, opts in all_of.items():
        seen = " and ".join(f"__fish_seen_subcommand_from {w}" for w in name.split()).replace(" and ", "; and ")
        for long, short, value, words in opts:
            s = f" -s {short}" if short else ""
            source = VALUES.get("--" + long)
            if isinstance(source, tuple):
                made = f" -x -a '{' '.join(source)}'"
            elif source:
                made = f" -x -a '(quanta list {source} | string match -r \"^[a-z][a-z0-9-]*\")'"
            else:
                made = " -r" if value else ""
            lines.append(f"complete -c quanta -n '{seen}' -l {long}{s}{made} -d '{quoted(words)}'")
        base = ARGUMENTS.get(name)
        if isinstance(base, tuple):
            lines.append(f"complete -c quanta -n '{seen}' -a '{' '.join(base)}'")
    subs = " ".join(c.split()[1] for c in all_of if c.startswith("trace "))
    lines.append(f"complete -c quanta -n '__fish_seen_subcommand_from trace' -a '{subs}'")
    return lines


def main():
    quanta, shell = sys.argv[1:3]
    summaries = dict(commands(quanta))
    all_of = {name: options(quanta, name) for name in summaries}
    made = bash(all_of) if shell == "bash" else zsh(all_of, summaries) if shell == "zsh" else fish(all_of, summaries)
    print("\n".join(made))


if __name__ == "__main__":
    main()
