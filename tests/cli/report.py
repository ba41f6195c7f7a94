# SPDX-License-Identifier: GPL-2.0-or-later
"""Reports: opened in headless Chromium, read out, and held against the results that they are of. In TAP: report.py QUANTA OUT-FOLDER

Without Chromium (Debian package chromium) what a browser has to be asked is skipped. Screenshots stay in OUT-FOLDER."""
import copy
import html.parser
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

SCENARIO = """[scenario]
machine = skylake
duration = 4ms
[machine]
cores = core*2
[policy]
quantum = 250us
[policy emon-quantum]
tight-loop = true
[vm spin]
workload = trace:samples/spin
repeat = forever
[vm sorter]
workload = trace:samples/sort
repeat = forever
[vm tree]
workload = trace:samples/btree
repeat = forever
[vm server]
workload = trace:samples/server
repeat = forever
priority = 10
[vm nap]
workload = synthetic:loop insns=20k; sleep 80us; repeat forever
"""
# What a reader does, and what the page then says, as attributes of <html>.
PROBE = """<script>
const out = document.documentElement.dataset, text = id => document.querySelector(id).textContent;
out.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
out.background = getComputedStyle(document.body).backgroundColor;
out.title = document.title;
const figure = document.querySelector("#schedule figure");
if (figure) {
  const key = k => figure.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true, cancelable: true }));
  figure.focus();
  out.focused = document.activeElement === figure;
  key("ArrowRight"); key("ArrowRight");
  out.readout = text("#schedule .readout");
  const before = text("#schedule svg[role=img]");
  key("+");
  out.zoomed = text("#schedule svg[role=img]") !== before;
  key("0");
  out.whole = text("#schedule svg[role=img]") === before;
  const pick = [...document.querySelectorAll("#quanta input")].find(i => i.value === "round-robin");
  pick.click();
  out.picked = text("#quanta .panel h3") + "|" + text("#vms .panel h3");
  document.querySelectorAll("details").forEach(d => { d.open = true; });
}
setTimeout(() => { out.tables = document.querySelectorAll("details table").length; }, 50);
</script>"""
results = []


def check(good, name, why=None):
    results.append(bool(good))
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", flush=True)
    if not good and why is not None:
        print("# " + str(why)[:2000].replace("\n", "\n# "), flush=True)


def skip(name):
    results.append(True)
    print(f"ok {len(results)} - {name} # SKIP there is no chromium", flush=True)


class Page(html.parser.HTMLParser):
    """Elements with their attributes, and the text of those that have data-value."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.root = [], {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "html":
            self.root = dict(attrs)

    def count(self, tag, **attrs):
        return sum(t == tag and all(a.get(k.replace("_", "-")) == v for k, v in attrs.items()) for t, a in self.elements)


class World:
    def __init__(self, quanta, out, folder):
        self.quanta, self.out, self.folder = quanta, out, folder
        self.chromium = shutil.which("chromium") or shutil.which("chromium-browser")

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, command, *options, status=0):
        p = subprocess.run([self.quanta, command, *options], capture_output=True, text=True, check=False, timeout=200)
        if p.returncode != status:
            check(False, f"quanta {command} {' '.join(options)}: exit status {p.returncode} instead of {status}", p.stderr)
        return p.stderr

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def report(self, name, result):
        """The page of a result that is given as an object."""
        self.write(name + ".json", json.dumps(result))
        self.run("report", "--html", self.path(name + ".html"), self.path(name + ".json"))
        return self.read(name + ".html")

    def browse(self, page, what, width=1280, height=900, dark=False):
        """What Chromium printed, and what was said on its console. The profile is new each time."""
        with tempfile.TemporaryDirectory() as profile:
            p = subprocess.run([self.chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
                                "--disable-background-networking", "--disable-component-update", "--user-data-dir=" + profile, "--virtual-time-budget=3000",
                                "--enable-logging=stderr", "--v=0", f"--blink-settings=preferredColorScheme={0 if dark else 1}",
                                f"--window-size={width},{height}", *what, "file://" + page],
                               capture_output=True, text=True, check=False, timeout=120)
        return p.stdout, [line for line in p.stderr.splitlines() if "CONSOLE" in line]

    def dom(self, text, width=1280, dark=False):
        page = self.write("probe.html", text.replace("</body>", PROBE + "</body>"))
        out, console = self.browse(page, ["--dump-dom"], width, 900, dark)
        return Page(out), console


def alone_in_the_world(page):
    """Nothing in the page is loaded from anywhere."""
    text = page.replace("http://www.w3.org/2000/svg", "")
    return not re.search(r"https?:|//[a-z]+\.|@import|url\((?!#)|<(?:iframe|object|embed|base)\b", text) and \
        all(m in ("data:,",) or m.startswith("#") for m in re.findall(r"<[^>]*\b(?:src|href)=\"([^\"]*)\"", re.sub(r"(?s)<script>.*?</script>", "", page)))


def check_values(label, page, runs):
    cells = {(a["data-policy"], a["data-metric"]): a for t, a in page.elements if t == "td" and "data-policy" in a}
    wrong = []
    for policy, run in runs.items():
        for metric in ("stp", "antt", "jain", "ipc", "llc_mpki", "steal", "switches", "wake_latency_p99_ps"):
            cell = cells.get((policy, metric))
            if metric in run["metrics"] and (not cell or abs(float(cell["data-value"]) - run["metrics"][metric]) > 1e-6 * max(1, run["metrics"][metric])):
                wrong.append((policy, metric, cell, run["metrics"][metric]))
    check(not wrong and cells, f"{label}: the table has the figures of the result", wrong)


def check_page(w, label, text, result):
    page, console = w.dom(text)
    check(not console, f"{label}: nothing on the console", console)
    check(page.root.get("data-ready") == "yes", f"{label}: the script came to its end")
    check_values(label, page, result["runs"])
    told = {a["data-policy"]: int(a["data-decisions"]) for _, a in page.elements if "data-decisions" in a}
    check(told == {p: r["decisions"]["count"] for p, r in result["runs"].items() if r["decisions"]["count"]}, f"{label}: decisions are counted", told)
    drawn = [int(a["data-slices"]) for t, a in page.elements if t == "svg" and "data-slices" in a]
    check(drawn == [r["series"]["slices"]["count"] for r in result["runs"].values()], f"{label}: a schedule for each policy", drawn)
    images = [a for t, a in page.elements if t == "svg" and a.get("role") == "img"]
    check(images and all(a.get("aria-label") for a in images), f"{label}: every chart has a name for those who do not see it", len(images))
    check(int(page.root.get("data-tables", 0)) >= len(images), f"{label}: a table behind each chart", (page.root.get("data-tables"), len(images)))
    r = page.root
    check(r.get("data-focused") == "true" and r.get("data-readout", "").startswith("80") and "LP" in r["data-readout"] and r.get("data-zoomed") == "true" and
          r.get("data-whole") == "true", f"{label}: the keyboard moves the cursor, zooms, and shows all again", r)
    check(r.get("data-picked", "").count("round-robin") >= 2, f"{label}: another policy can be chosen", r.get("data-picked"))
    backgrounds = {}
    for width in (1280, 390):
        for dark in (False, True):
            page, console = w.dom(text, width, dark)
            backgrounds[dark] = page.root["data-background"]
            check(not console and int(page.root["data-overflow"]) <= 0, f"{label}: {width} pixels, {'dark' if dark else 'light'}: nothing sticks out",
                  (console, page.root.get("data-overflow")))
    light, dark = (sum(map(int, re.findall(r"\d+", backgrounds[d]))) for d in (False, True))
    check(light > 600 and dark < 200, f"{label}: light and dark", backgrounds)


def screenshots(w, page):
    os.makedirs(w.out, exist_ok=True)
    for name, width, height, dark in (("report", 1280, 2400, False), ("report-dark", 1280, 2400, True), ("report-phone", 390, 2400, False)):
        picture = os.path.join(w.out, name + ".png")
        w.browse(page, ["--screenshot=" + picture], width, height, dark)
        check(os.path.exists(picture) and os.path.getsize(picture) > 20000, f"screenshot {name}.png")


def seeds(w):
    """A comparison over seeds: means, intervals and verdicts are those of the result."""
    w.write("seeds.conf", "[scenario]\nmachine = skylake\nduration = 2ms\n[machine]\ncores = core\n[policy]\nquantum = 250us\n" + "".join(
        f"[vm v{i}]\nstart-jitter = 500us\nworkload = synthetic:loop insns=150k; sleep {60 + 30 * i}us; repeat forever\n" for i in range(4)))
    w.run("compare", w.path("seeds.conf"), "-q", "--policies", "eevdf,credit", "--seeds", "1-5", "--json", w.path("seeds.json"))
    result = json.loads(w.read("seeds.json"))
    w.run("report", "--html", w.path("seeds.html"), w.path("seeds.json"))
    text = w.read("seeds.html")
    data = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])
    policies, verdicts, wrong = data["axes"][[a["name"] for a in data["axes"]].index("policy")]["values"], data["verdicts"], []
    for place in data["places"]:
        policy = policies[place["at"][[a["name"] for a in data["axes"]].index("policy")]]
        for figure, told in zip(data["figures"], place["figures"]):
            want = result["figures"].get(figure["name"], {}).get("policies", {}).get(policy)
            if not want or not told:
                continue
            base = result["figures"][figure["name"]]["policies"]["round-robin"]
            near = all(abs(a - b) <= 2e-6 + 1e-4 * abs(b) for a, b in zip(told[1:4], (want["mean"], want["low"], want["high"])))
            if told[0] != want["n"] or not near or (policy != "round-robin" and told[4:] and abs(told[4] - want["mean"] / base["mean"]) > 2e-3):
                wrong.append((policy, figure["name"], told, want))
    check(not wrong and len(data["places"]) == 3 and data["n_runs"] == 15 and "higher" in verdicts, "seeds: means, intervals and ratios of the result",
          wrong[:2])
    if w.chromium:
        for width in (1280, 390):
            page, console = w.dom(text, width)
            check(not console and page.root.get("data-ready") == "yes" and int(page.root["data-overflow"]) <= 0, f"seeds: drawn, {width} pixels",
                  (console, page.root.get("data-overflow")))
        cells = {a["data-policy"]: a["data-value"] for t, a in page.elements if a.get("data-metric") == "stp"}
        want = {p: result["figures"]["stp"]["policies"][p]["against_reference"]["ratio"] for p in ("eevdf", "credit")}
        check(all(abs(float(cells[p]) - want[p]) < 1e-4 for p in want), "seeds: the table has the ratios", (cells, want))
    else:
        skip("seeds: drawn")


def stores(w):
    """A store of one comparison; and the same made ten thousand runs, with an axis."""
    if "--store" not in subprocess.run([w.quanta, "compare", "--help"], capture_output=True, text=True, check=True).stdout:
        return
    w.run("compare", w.path("shown.conf"), "-q", "--policies", "credit", "--store", w.path("few.db"), "--json", w.path("few.json"))
    w.run("report", "--html", w.path("few.html"), w.path("few.db"))
    result = json.loads(w.read("few.json"))
    if w.chromium:
        page, console = w.dom(w.read("few.html"))
        cells = [float(a["data-value"]) for t, a in page.elements if a.get("data-policy") == "credit" and a.get("data-metric") == "stp"]
        want = result["runs"]["credit"]["ratio"]["metrics"]["stp"]
        check(not console and len(cells) == 1 and abs(cells[0] - want) < 1e-4, "store: the ratio of a comparison", (console, cells, want))
    db = sqlite3.connect(w.path("few.db"))
    columns = [r[1] for r in db.execute("PRAGMA table_info(runs)")]
    runs = db.execute("SELECT * FROM runs ORDER BY policy").fetchall()
    shown = "'stp', 'antt', 'jain', 'ipc', 'steal', 'wake_p50', 'wake_p99', 'switches', 'instructions'"
    kinds = db.execute(f"SELECT id FROM kinds WHERE name IN ({shown})").fetchall()
    for i in range(9998):
        run = dict(zip(columns, runs[i % 2]), id=i + 1000, key=f"k{i}", seed=i // 2 % 10)
        db.execute(f"INSERT INTO runs({', '.join(columns)}) VALUES({', '.join('?' * len(columns))})", [run[c] for c in columns])
        db.execute("INSERT INTO axes VALUES(?, 'policy.quantum', ?)", (run["id"], f"{100 + i // 20}us"))
        db.executemany("INSERT INTO figures(kind, vm, run, value) VALUES(?, -1, ?, ?)", [(k[0], run["id"], 1 + i % 7 / (3 + k[0])) for k in kinds])
    db.commit()
    db.close()
    began = time.monotonic()
    w.run("report", "--html", w.path("many.html"), w.path("few.db"))
    seconds, size = time.monotonic() - began, os.path.getsize(w.path("many.html"))
    check(size < 3 << 20 and seconds < 30, "store: 10,000 runs make a page below 3 MiB", (size, seconds))
    if w.chromium:
        page, console = w.dom(w.read("many.html"), 390)
        check(not console and page.root.get("data-ready") == "yes" and int(page.root["data-overflow"]) <= 0, "store: 10,000 runs are drawn", console)
    db = sqlite3.connect(w.path("few.db"))
    db.execute("PRAGMA user_version = 999")
    db.close()
    text = w.run("report", "--html", w.path("x.html"), w.path("few.db"), status=2)
    check("few.db" in text and "999" in text, "store: of another version is told", text)


EVIL = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\"><!--&amp;\u2028"


def evil_names(w, result):
    """A result in which every text that a scenario or a plug-in may choose is an attack."""
    evil = copy.deepcopy(result)
    evil["scenario"]["name"] = EVIL
    evil["runs"][EVIL] = evil["runs"].pop("emon-quantum")
    for run in evil["runs"].values():
        run["scenario"]["name"] = EVIL
        run["machine"]["description"] = EVIL
        run["vms"] = {EVIL if n == "nap" else n: v for n, v in run["vms"].items()}
        run["policy"]["parameters"] = {EVIL: EVIL}
        for vm in run["vms"].values():
            vm["workload"] = EVIL
        for d in run["decisions"]["first"]:
            d.update(reason=EVIL, vm=EVIL, evidence={EVIL: 1})
        for d in run["decisions"]["by_reason"]:
            d.update(reason=EVIL, evidence={EVIL: {"mean": 1}})
    text = w.report("evil", evil)
    body = text.split("</title>")[1]
    check(text.count("</script>") == 2 and not any(w in body for w in ("<img", "<!--", "\u2028")), "names cannot break out of the data")
    if w.chromium:
        page, console = w.dom(text)
        check(not console and not page.count("img") and page.root.get("data-title", "").startswith("</script>"), "names are shown, not carried out",
              (console, page.root))
    else:
        skip("names are shown, not carried out")


def odd_results(w, result):
    """Results that a careless tool has changed: a page without what is broken, or a message; never a crash."""
    def change(name, f):
        odd = copy.deepcopy(result)
        f(odd)
        return w.report(name, odd)

    def series(f):
        return lambda o: [f(r["series"]) for r in o["runs"].values()]
    cases = {"a short row": lambda s: s["lps"]["points"][3].pop(), "a row that is none": lambda s: s["vms"]["points"].__setitem__(0, 7),
             "texts for numbers": lambda s: s["vms"]["points"].__setitem__(0, ["x"] * 9),
             "an LP that is not there": lambda s: s["slices"]["points"][0].__setitem__(2, 99),
             "a VM that is not there": lambda s: s["slices"]["points"][0].__setitem__(3, 99), "time that goes back": lambda s: s["slices"]["points"].reverse(),
             "no points": lambda s: s["lps"].update(points=[]), "tables that are none": lambda s: s.update(lps=1, vms="x", slices=[])}
    broken = [name for name, f in cases.items() if '"series":' in change("odd", series(f))]
    check(not broken, "broken series are left out", broken)
    text = change("none", lambda o: [r.pop("series") for r in o["runs"].values()])
    check('"series":' not in text and "--series 100us" in text, "a result without a series has a page, which says how to get more")
    change("bare", lambda o: [(r["policy"].update(parameters=3), r.update(decisions={}, lps=[])) for r in o["runs"].values()])
    check(True, "runs of whom parts are missing have a page")


def refused(w):
    cases = {"nothing": ("{}", "schema"), "no json": ("quanta", ""), "other": ('{"schema": "quanta-list/1"}', "quanta-list/1")}
    for name, (content, word) in cases.items():
        text = w.run("report", "--html", w.path("x.html"), w.write("bad.json", content), status=2)
        check("bad.json" in text and word in text and not os.path.exists(w.path("x.html")), f"{name}: refused, and no page is left", text)
    text = w.run("report", w.path("c.json"), status=2)
    check("--html" in text, "--html is missing: told", text)
    text = w.run("report", "--html", w.path("nowhere/x.html"), w.path("c.json"), status=2)
    check("nowhere" in text, "a folder that is not there is told", text)
    text = w.run("report", "--html", w.path("x.html"), w.path("missing.json"), status=2)
    check("missing.json" in text, "a result that is not there is told", text)


def many_slices(w, result):
    """A schedule of more slices than can be drawn becomes steps of time."""
    many = copy.deepcopy(result)
    for run in many["runs"].values():
        step = run["simulated_ps"] // 8000
        long = [0, 8000 * step, 3, 2, step, "end-of-run"]
        run["series"]["slices"]["points"] = [[i // 3 * step, (i // 3 + 1) * step, i % 3, (i // 400 + i) % 5, step, "quantum"] for i in range(24000)] + [long]
        run["series"]["slices"]["points"] += [[8000 * step, 8000 * step, 0, 0, step, "quantum"]] * 7999
        run["series"]["slices"]["count"] = 32000
    text = w.report("many", many)
    check(len(text) < 3 << 20 and '"exact":false' in text, "100,000 slices: a page of bounded size", len(text))
    lane = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])["runs"][0]["series"]["slices"]["lanes"][3]
    check(len(lane) == 4 and lane[0] == 0 and lane[2] == 2 and lane[1] >= 3900000, "100,000 slices: a long one is drawn from its beginning to its end", lane)
    if w.chromium:
        page, console = w.dom(text)
        check(not console and page.root.get("data-ready") == "yes", "100,000 slices: drawn", console)
    else:
        skip("100,000 slices: drawn")


def main():
    with tempfile.TemporaryDirectory() as folder:
        w = World(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), folder)
        w.run("compare", w.write("shown.conf", SCENARIO), "-q", "--policies", "emon-quantum,credit", "--series", "50us", "--json", w.path("c.json"))
        result = json.loads(w.read("c.json"))
        w.run("report", "--html", w.path("c.html"), w.path("c.json"))
        text = w.read("c.html")
        w.run("report", "--html", w.path("again.html"), w.path("c.json"))
        check(text == w.read("again.html"), "equal results, equal pages")
        check(alone_in_the_world(text), "the page loads nothing")
        check(len(text) < 600 << 10, "the page is small", len(text))
        if w.chromium:
            check_page(w, "compare", text, result)
            screenshots(w, w.path("c.html"))
        else:
            skip("compare: in a browser")
        w.run("run", w.path("shown.conf"), "-q", "--json", w.path("r.json"))
        w.run("report", "--html", w.path("r.html"), w.path("r.json"))
        if w.chromium:
            page, console = w.dom(w.read("r.html"), 390)
            check(not console and page.root.get("data-ready") == "yes" and int(page.root["data-overflow"]) <= 0, "a single run without a series", console)
        else:
            skip("a single run without a series")
        seeds(w)
        stores(w)
        evil_names(w, result)
        odd_results(w, result)
        many_slices(w, result)
        refused(w)
    print(f"1..{len(results)}")
    sys.exit(0 if all(results) else 1)


main()
