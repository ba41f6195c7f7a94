/* ================================ many runs: a store ================================ */
const FIGURE_NAMES = { stp: "STP", antt: "ANTT", jain: "Jain", min_max_fairness: "Min/max fairness", ipc: "IPC", llc_mpki: "LLC MPKI", l1d_mpki: "L1D MPKI", branch_mpki: "Branch MPKI",
  steal: "Steal", wake_p50: "Wake-up p50", wake_p99: "Wake-up p99", switches: "Switches", quanta_changed: "Quanta changed", instructions: "Instructions",
  entitled_jain: "Jain by entitlement", harmonic_speedup: "Harmonic speed-up" };
const VERDICTS = { "too-few-pairs": "too few seeds to tell", equal: "equal", constant: "", "no-difference-seen": "no difference seen", lower: "lower", higher: "higher" };
function store() {
  const axes = D.axes.map((a, i) => ({ ...a, index: i })).filter(a => a.values.length > 1), policy = D.axes.findIndex(a => a.name === "policy");
  const title = names => { const a = D.axes.find(x => x.name === names); return a ? a.values : []; };
  header(D.source.replace(/\.(db|json|sqlite)$/, ""), `${title("scenario").length === 1 ? title("scenario")[0] : some(title("scenario").length, "scenario")}, ${some(D.places.length, "combination")}`,
    [["Runs", num(D.n_runs)], ["Combinations", num(D.places.length)], ["Policies", num(title("policy").length)], ["Machines", num(title("machine").length)],
      ["Seeds", (() => { const n = D.places.flatMap(p => p.figures).filter(Boolean).map(f => f[0]); return n.length ? (Math.min(...n) === Math.max(...n) ? num(n[0]) : Math.min(...n) + " to " + Math.max(...n)) : "\u2013"; })()]]);
  const shown = D.figures.map((f, i) => ({ ...f, index: i, label: FIGURE_NAMES[f.name] || f.name })).filter(f => D.places.some(p => p.figures[f.index]));
  const show = (f, x) => f.unit === "ps" ? time(x) : f.name === "steal" ? percent(x) : sig(x);
  if (D.n_left_out) main.append(el("p", { class: "warn" }, `${some(D.n_left_out, "run")} more than a page has room for: not shown.`));
  if (!shown.length) { main.append(el("p", { class: "note" }, "There are no finished runs.")); return; }
  if (policy >= 0 && D.axes[policy].values.length > 1) overview(policy, shown);
  explorer(axes, policy, shown, show);
}

/* How each policy did over all combinations, against round-robin in the same one. */
function overview(policy, shown) {
  const s = section("overview", "Policies over all combinations", "The mean (geometric) of the ratios to round-robin with the same scenario, machine and seeds, and in how many combinations a difference was seen (paired tests, 5 % for each figure as a family).");
  const wanted = shown.filter(f => f.better !== 0 && ["stp", "antt", "jain", "ipc", "steal", "wake_p99"].includes(f.name));
  const rows = D.axes[policy].values.map((name, k) => {
    const places = D.places.filter(p => p.at[policy] === k);
    return el("tr", name === "round-robin" ? { class: "reference" } : {}, el("th", { scope: "row" }, name), wanted.map(f => {
      const told = places.map(p => p.figures[f.index]).filter(x => x && x.length > 4 && x[4] > 0);
      if (!told.length) return el("td", {}, "\u2013");
      const mean = Math.exp(told.reduce((a, x) => a + Math.log(x[4]), 0) / told.length), [text, good] = ratioText(mean, 1, f.better);
      const seen = told.map(x => D.verdicts[x[6]]), up = seen.filter(v => v === "higher").length, down = seen.filter(v => v === "lower").length;
      const better = f.better > 0 ? up : down, worse = f.better > 0 ? down : up;
      const any = better + worse > 0, one = VERDICTS[seen[0]] === "" ? "differs, without chance" : better ? "better" : worse ? "worse" : VERDICTS[seen[0]];
      return el("td", { "data-policy": name, "data-metric": f.name, "data-value": mean, "data-better": better, "data-worse": worse }, el("b", {}, num(mean, 3)),
        el("span", { class: "ratio " + (any || seen.includes("constant") ? good : "") }, any || seen.includes("constant") ? text : text.replace(/ [\u25b2\u25bc]/, "")),
        el("span", { class: "ratio" }, told.length === 1 ? one : `${better} better, ${worse} worse of ${told.length}`));
    }));
  });
  s.append(el("div", { class: "panel" }, el("div", { class: "scroll sticky", tabindex: 0, role: "region", "aria-label": "Policies over all combinations" }, el("table", { id: "overview-table" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Policy"), wanted.map(f => el("th", { scope: "col" }, f.label, el("small", {}, f.better > 0 ? "more is better" : "less is better"))))), el("tbody", {}, rows)))));
}

/* One figure over one axis, a line or a group for each policy; a choice for every other axis. */
function explorer(axes, policy, shown, show) {
  const s = section("sweep", "Figures over the sweep", "Points are means over seeds, bars their 95 % confidence intervals.");
  const panel = el("div", { class: "panel" }), title = el("h3", {}), legend = el("div", {}), data = el("div", {}), controls = el("div", { class: "controls" });
  s.append(controls, panel);
  panel.append(title, legend);
  const select = (label, options, value, f) => {
    const box = el("select", {}, options.map(([v, text]) => el("option", { value: v }, text)));
    box.value = value;
    box.addEventListener("change", () => { f(box.value); update(); });
    return el("label", {}, el("span", { class: "note" }, label + " "), box);
  };
  const number = text => { const m = /^([+-]?\d+(?:\.\d+)?)\s*([a-zA-Z%\u00b5]*)$/.exec(text.trim()); if (!m) return NaN; const k = { "": 1, ns: 1e3, us: 1e6, ms: 1e9, s: 1e12, k: 1e3, K: 1e3, M: 1e6, G: 1e9, KiB: 1024, MiB: 1048576, GiB: 1073741824, "%": 0.01 }[m[2]]; return k === undefined ? NaN : Number(m[1]) * k; };
  const numeric = a => a.values.every(v => !isNaN(number(v)));
  const free = axes.filter(a => a.index !== policy);
  const state = { figure: shown[0].index, x: (free.find(numeric) || axes.find(a => a.index === policy) || axes[0] || { index: -1 }).index, at: D.axes.map(() => null) };
  D.axes.forEach((a, i) => { if (D.places.length) state.at[i] = D.places[0].at[i]; });
  const c = chart(panel, "Figures over the sweep", width => draw(width));
  panel.append(data);
  const stacks = el("div", { class: "panel" }, el("h3", {}, "CPI stacks", el("small", {}, "cycles per instruction of all VMs together, means over seeds")), keyLegend(CPI_TEXT.map((t, i) => [t, `var(--s${i})`])));
  const told = D.places.some(p => p.cpi), stackChart = told ? chart(stacks, "CPI stacks of the combinations shown", width => drawStacks(width)) : null, stackData = el("div", {});
  if (told) { stacks.append(stackData); s.append(stacks); }
  const named = () => series().flatMap(([name, list]) => list.filter(p => p.cpi).map(p => [[name, state.x >= 0 ? label(p) : ""].filter(Boolean).join(", "), p]));
  function drawStacks(width) {
    const list = named().slice(0, 60), l = Math.min(190, width * 0.38), H = 20, svg = sv("svg", { viewBox: `0 0 ${width} ${list.length * H + 4}` }), whole = p => p.cpi.reduce((a, b) => a + b, 0), most = Math.max(...list.map(r => whole(r[1])));
    list.forEach(([name, p], i) => {
      let at = l;
      svg.append(sv("text", { class: "name", x: l - 10, y: i * H + 14, "text-anchor": "end" }, cut(name, l - 12)));
      p.cpi.forEach((v, k) => { const w = v / most * (width - l - 52); svg.append(sv("rect", { x: at.toFixed(2), y: i * H + 3, width: w.toFixed(2), height: H - 5, fill: `var(--s${k})` }, sv("title", {}, `${name}, ${CPI_TEXT[k]}: ${num(v, 3)}`))); at += w; });
      svg.append(sv("text", { class: "value", x: at + 6, y: i * H + 14 }, num(whole(p), 2)));
    });
    return svg;
  }
  function places() {
    const list = D.places.filter(p => D.axes.every((a, i) => i === state.x || i === policy || a.values.length < 2 || p.at[i] === state.at[i] || p.at[i] < 0));
    const place = p => state.x < 0 || p.at[state.x] < 0 ? -Infinity : number(D.axes[state.x].values[p.at[state.x]]);
    return state.x >= 0 && state.x !== policy && numeric(D.axes[state.x]) ? list.sort((a, b) => place(a) - place(b)) : list;
  }
  function series() {
    const list = places(), one = policy < 0 || state.x === policy;
    return (one ? [["", list, 0]] : D.axes[policy].values.map((n, k) => [n, list.filter(p => p.at[policy] === k), k])).filter(g => g[1].length);
  }
  const figure = () => shown.find(f => f.index === state.figure);
  const label = p => state.x < 0 || p.at[state.x] < 0 ? "default" : D.axes[state.x].values[p.at[state.x]];
  function draw(width) {
    const f = figure(), groups = series(), x = state.x >= 0 ? D.axes[state.x] : null, told = groups.flatMap(g => g[1]).map(p => p.figures[f.index]).filter(Boolean);
    let low = Math.min(...told.map(v => v[2])), high = Math.max(...told.map(v => v[3]));
    if (!told.length) return sv("svg", { viewBox: `0 0 ${width} 20` }, sv("text", { x: 0, y: 14 }, "no run of this choice tells this figure"));
    if (low === high) { low -= Math.abs(low) * 0.1 || 1; high += Math.abs(high) * 0.1 || 1; }
    const room = (high - low) * 0.08;
    low = low >= 0 && low < room * 6 ? 0 : low - room;
    high += room;
    return x && numeric(x) ? lines(width, f, groups, x, low, high) : rows(width, f, groups, low, high);
  }
  function lines(width, f, groups, x, low, high) {
    const H = 300, l = 66, svg = sv("svg", { viewBox: `0 0 ${width} ${H + 34}` }), values = x.values.map(number), least = Math.min(...values), most = Math.max(...values), log = least > 0 && most / least >= 8;
    const pos = v => log ? Math.log(v) : v, px = v => l + 14 + (pos(v) - pos(least)) / ((pos(most) - pos(least)) || 1) * (width - l - 30), py = v => H - (v - low) / (high - low) * (H - 12);
    for (const t of ticks(low, high, 5)) svg.append(sv("line", { class: "grid", x1: l, x2: width - 4, y1: py(t), y2: py(t) }), sv("text", { x: l - 6, y: py(t) + 4, "text-anchor": "end" }, show(f, t)));
    let edge = -99;
    x.values.map((v, i) => [px(values[i]), v]).sort((a, b) => a[0] - b[0]).forEach(([at, v]) => { if (at - edge < v.length * 6.5 + 10) return; edge = at; svg.append(sv("text", { x: at, y: H + 16, "text-anchor": "middle" }, v)); });
    svg.append(sv("text", { x: (l + width) / 2, y: H + 31, "text-anchor": "middle" }, x.name));
    for (const [name, list, k] of groups) {
      const points = list.filter(p => p.figures[f.index] && p.at[state.x] >= 0).map(p => ({ p, v: p.figures[f.index], at: px(values[p.at[state.x]]) })).sort((a, b) => a.at - b.at), shift = (k - (groups.length - 1) / 2) * Math.min(3, 18 / groups.length);
      const flat = list.filter(p => p.figures[f.index] && p.at[state.x] < 0);
      for (const p of flat) svg.append(sv("line", { x1: l, x2: width - 4, y1: py(p.figures[f.index][1]), y2: py(p.figures[f.index][1]), stroke: colour(k), "stroke-dasharray": "5 4" }, sv("title", {}, `${name}, default: ${show(f, p.figures[f.index][1])}`)));
      if (points.length) svg.append(sv("path", { class: "series", stroke: colour(k), d: "M" + points.map(q => `${(q.at + shift).toFixed(1)} ${py(q.v[1]).toFixed(1)}`).join("L") }));
      for (const q of points) dot(svg, q.at + shift, py(q.v[1]), py(q.v[2]), py(q.v[3]), k, `${name} ${x.name} ${label(q.p)}: ${show(f, q.v[1])} (${show(f, q.v[2])} to ${show(f, q.v[3])}, ${some(q.v[0], "seed")})`);
    }
    return svg;
  }
  function dot(svg, x, y, low, high, k, text) {
    svg.append(sv("line", { x1: x, x2: x, y1: low, y2: high, stroke: colour(k), "stroke-width": 2 }), sv("circle", { cx: x, cy: y, r: 4, fill: colour(k), stroke: "var(--panel)" }, sv("title", {}, text)));
  }
  function rows(width, f, groups, low, high) {
    const l = Math.min(190, width * 0.38), list = [], H = 24;
    for (const [name, places, k] of groups) places.filter(p => p.figures[f.index]).forEach(p => list.push([name ? name + (state.x >= 0 ? ", " + label(p) : "") : label(p), p, name ? k : p.at[policy] ?? 0]));
    const bottom = list.length * H + 8, svg = sv("svg", { viewBox: `0 0 ${width} ${bottom + 20}` }), px = v => l + (v - low) / (high - low) * (width - l - 76);
    let edge = -99;
    for (const t of ticks(low, high, Math.max(2, width / 160))) {
      svg.append(sv("line", { class: "grid", x1: px(t), x2: px(t), y1: 0, y2: bottom }));
      if (px(t) - edge > 62) svg.append(sv("text", { x: px(t), y: bottom + 14, "text-anchor": "middle" }, show(f, t)));
      edge = px(t) - edge > 62 ? px(t) : edge;
    }
    const base = policy >= 0 && state.x === policy && list.find(r => D.axes[policy].values[r[1].at[policy]] === "round-robin");
    if (base) svg.append(sv("line", { class: "cursor", x1: px(base[1].figures[f.index][1]), x2: px(base[1].figures[f.index][1]), y1: 0, y2: bottom }));
    list.forEach(([name, p, k], i) => {
      const v = p.figures[f.index], y = i * H + 14;
      svg.append(sv("text", { class: "name", x: l - 10, y: y + 4, "text-anchor": "end" }, cut(name, l - 12)), sv("line", { x1: px(v[2]), x2: px(v[3]), y1: y, y2: y, stroke: colour(k), "stroke-width": 3, "stroke-linecap": "round" }),
        sv("circle", { cx: px(v[1]), cy: y, r: 4.5, fill: colour(k), stroke: "var(--panel)" }, sv("title", {}, `${name}: ${show(f, v[1])} (${show(f, v[2])} to ${show(f, v[3])}, ${some(v[0], "seed")})`)),
        sv("text", { class: "value", x: Math.max(px(v[3]), px(v[1])) + 10, y: y + 4 }, show(f, v[1])));
    });
    return svg;
  }
  function numbers() {
    const f = figure(), list = series().flatMap(g => g[1]), differing = D.axes.map((a, i) => i).filter(i => i === policy || new Set(list.map(p => p.at[i])).size > 1);
    return table(`${f.label}: ${f.help}`, [...differing.map(i => D.axes[i].name), "Seeds", "Mean", "95 % from", "to", "Of round-robin", "Verdict", "p"],
      list.filter(p => p.figures[f.index]).map(p => {
        const v = p.figures[f.index], verdict = v.length > 6 ? D.verdicts[v[6]] : null;
        return [...differing.map(i => p.at[i] < 0 ? "default" : D.axes[i].values[p.at[i]]), num(v[0]), show(f, v[1]), show(f, v[2]), show(f, v[3]), v.length > 4 ? num(v[4], 3) : "\u2013",
          verdict === null ? "reference" : verdict === "higher" || verdict === "lower" ? `${verdict}${f.better ? (verdict === "higher") === (f.better > 0) ? " \u25b2" : " \u25bc" : ""}` : VERDICTS[verdict] || verdict,
          verdict && ["higher", "lower", "no-difference-seen"].includes(verdict) ? v[5] < 0.0001 ? "< 0.0001" : num(v[5], 4) : "\u2013"];
      }));
  }
  function update() {
    const f = figure();
    controls.replaceChildren(select("Figure", shown.map(g => [String(g.index), g.label]), String(state.figure), v => { state.figure = Number(v); }),
      axes.length > 1 ? select("Over", axes.map(a => [String(a.index), a.name]), String(state.x), v => { state.x = Number(v); }) : "",
      ...axes.filter(a => a.index !== state.x && a.index !== policy).map(a => select(a.name, a.values.map((v, i) => [String(i), v]), String(state.at[a.index]), v => { state.at[a.index] = Number(v); })));
    title.replaceChildren(f.label, el("small", {}, f.help + (f.better > 0 ? "; more is better" : f.better < 0 ? "; less is better" : "")));
    legend.replaceChildren(policy >= 0 && state.x !== policy ? keyLegend(series().map(g => [g[0], colour(g[2])])) : "");
    c.redraw();
    const rows = numbers(), box = el("details", {}, el("summary", {}, "Data of this chart as a table"), scroll("Figures of the combinations shown", rows));
    box.open = rows.querySelectorAll("tbody tr").length <= 12 || (data.firstElementChild ? data.firstElementChild.open : false);
    data.replaceChildren(box);
    if (told) {
      stackChart.redraw();
      stackData.replaceChildren(dataTable("CPI stacks", () => table(null, ["Combination", "CPI", ...CPI], named().map(([name, p]) => [name, num(p.cpi.reduce((a, b) => a + b, 0), 3), ...p.cpi.map(v => num(v, 3))]))));
    }
  }
  update();
}
