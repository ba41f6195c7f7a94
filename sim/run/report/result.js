/* ================================ a run or a comparison ================================ */
function result() {
  const runs = D.runs, base = D.reference >= 0 ? runs[D.reference] : null;
  const known = METRICS.filter(([k]) => runs.some(r => r.metrics[k] !== undefined && !(k.startsWith("wake") && !r.metrics.wakes)));

  header(D.scenario.name, D.machine.description, [["Machine", D.machine.name], ["Processors", `${num(D.machine.cores)} cores, ${num(D.machine.logical_processors)} LPs`],
    ["Simulated", time(Math.max(...runs.map(r => r.simulated_ps)))], ["VMs", num(D.vms.length)], ["Policies", num(runs.length)], ["Seed", String(D.scenario.seed)]]);

  /* comparison */
  const s = section("comparison", runs.length > 1 ? "Comparison" : "Figures", runs.length > 1
    ? `Every policy had the same work. Below each figure stands its change against ${base.name}: \u25b2 is better, \u25bc is worse.` : null);
  if (runs.length > 1) verdicts(s, runs, base);
  const head = el("tr", {}, el("th", { scope: "col" }, "Policy"), known.map(([, name, unit]) => el("th", { scope: "col" }, name, el("small", {}, unit))));
  const body = runs.map((r, i) => el("tr", i === D.reference && runs.length > 1 ? { class: "reference" } : {},
    el("th", { scope: "row" }, r.name),
    known.map(([k, , , better, show]) => {
      const v = r.metrics[k], best = better && runs.length > 1 && v !== undefined && runs.every(o => o.metrics[k] === undefined || (o.metrics[k] - v) * better <= 0)
        && runs.some(o => o.metrics[k] !== v);
      const [text, good] = base && r !== base ? ratioText(v, base.metrics[k], better) : ["", ""];
      return el("td", { "data-policy": r.name, "data-metric": k, "data-value": v, class: best ? "best" : null }, el("b", {}, v === undefined ? "\u2013" : show(v)),
        text ? el("span", { class: "ratio " + good }, text) : runs.length > 1 ? el("span", { class: "ratio" }, "\u00a0") : null);
    })));
  s.append(el("div", { class: "panel" }, el("div", { class: "scroll sticky", tabindex: 0, role: "region", "aria-label": "Comparison of policies" },
    el("table", { id: "compare" }, el("thead", {}, head), el("tbody", {}, body)))));
  const troubles = runs.flatMap(r => [
    r.failure ? `${r.name}: ${r.failure}` : null,
    r.bad_answers ? `${r.name}: ${num(r.bad_answers)} bad answers of the policy were replaced by round-robin.` : null,
    r.starvations ? `${r.name}: the watchdog had to make a starved vCPU run ${num(r.starvations)} times.` : null]).filter(Boolean);
  for (const t of troubles) s.append(el("p", { class: "warn" }, t));

  const timed = runs.filter(r => r.series);
  const span = Math.max(...runs.map(r => r.simulated_ps));
  const view = { from: 0, to: span, cursor: null };
  const dependents = [];
  if (timed.length) schedule(timed, span, view, dependents);
  let chosen = (timed.find(r => r !== base && r.decisions.count) || timed.find(r => r !== base) || timed[0] || runs.find(r => r !== base) || runs[0]);
  const chosenParts = [];
  const choose = r => { chosen = r; chosenParts.forEach(f => f(r)); };
  function picker(name, list) {
    if (list.length < 2) return null;
    const set = el("fieldset", { class: "picker" }, el("legend", {}, "Policy"));
    for (const r of list) {
      const input = el("input", { type: "radio", name, value: r.name });
      input.checked = r === chosen;
      input.addEventListener("change", () => { document.querySelectorAll(".picker input").forEach(i => { i.checked = i.value === r.name; }); choose(r); });
      set.append(el("label", { class: "pick" }, input, el("span", {}, r.name)));
    }
    return set;
  }
  if (timed.length) {
    quanta(timed, view, dependents, chosenParts, picker, () => chosen);
    counters(timed, view, dependents, chosenParts, picker, () => chosen);
  } else {
    s.append(el("p", { class: "note" }, "Schedule, quanta and counters over time are drawn of results with a time series: give ",
      el("code", {}, "--series 100us"), " to ", el("code", {}, "quanta run"), " or ", el("code", {}, "quanta compare"), "."));
  }
  cpi(runs);
  states(runs);
  vmTable(runs, base, chosenParts, picker, () => chosen);
  if (runs.some(r => r.decisions.count)) decisions(runs);
  setups(runs);
  choose(chosen);
}

function verdicts(s, runs, base) {
  const box = el("div", { class: "verdict" });
  for (const [key, label] of [["stp", "Highest throughput (STP)"], ["antt", "Least slowdown (ANTT)"], ["jain", "Fairest (Jain)"], ["wake_latency_p99_ps", "Quickest wake-ups (p99)"]]) {
    const [, , , better, show] = METRICS.find(m => m[0] === key);
    const list = runs.filter(r => r.metrics[key] !== undefined && (!key.startsWith("wake") || r.metrics.wakes));
    if (list.length < 2) continue;
    const best = list.reduce((a, b) => (b.metrics[key] - a.metrics[key]) * better > 0 ? b : a);
    const [text] = ratioText(best.metrics[key], base.metrics[key], 0);
    box.append(el("div", { "data-best": key, "data-policy": best.name }, el("div", { class: "k" }, label), el("div", { class: "v" }, best.name),
      el("div", { class: "d" }, show(best.metrics[key]), best === base ? "" : text === "=" ? `, as ${base.name}` : `, ${text} against ${base.name}`)));
  }
  s.append(box);
}

/* ---- charts over time ---- */
function frame(width, height, left, right, view) {
  const plot = { left, right: width - right, width: width - left - right };
  plot.x = t => left + (t - view.from) / (view.to - view.from) * plot.width;
  plot.svg = sv("svg", { viewBox: `0 0 ${width} ${height}` });
  return plot;
}
function timeAxis(plot, view, top, bottom) {
  const { scale, unit } = axisTime(view.to), list = ticks(view.from / scale, view.to / scale, Math.max(2, plot.width / 90));
  const digits = list.length > 1 ? Math.max(0, -Math.floor(Math.log10(list[1] - list[0]) + 1e-9)) : 0;
  for (const t of list) {
    const x = plot.x(t * scale);
    plot.svg.append(sv("line", { class: "grid", x1: x, x2: x, y1: top, y2: bottom }),
      sv("text", { x, y: bottom + 14, "text-anchor": x > plot.right - 14 ? "end" : "middle" }, num(t, digits) + (t === list[list.length - 1] ? "\u00a0" + unit : "")));
  }
}
function cursorLine(plot, view, top, bottom) {
  if (view.cursor !== null && view.cursor >= view.from && view.cursor <= view.to)
    plot.svg.append(sv("line", { class: "cursor", x1: plot.x(view.cursor), x2: plot.x(view.cursor), y1: top, y2: bottom }));
}
const left = width => width < 480 ? 62 : 96;
const scaleNs = 1000;

/* Pointer and keys on a chart over time: a cursor, zoom, pan. */
function interactive(c, view, span, changed, moved, name) {
  const box = c.box;
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", name + ". Arrow keys move the cursor, plus and minus zoom, page up and down move the window, 0 shows all.");
  const at = e => { const r = box.getBoundingClientRect(), l = box.querySelector("svg").plot.plot.left; return view.from + Math.min(1, Math.max(0, (e.clientX - r.left - l) / (c.width - l - 12))) * (view.to - view.from); };
  box.addEventListener("pointermove", e => { view.cursor = at(e); moved(); });
  box.addEventListener("pointerleave", () => { view.cursor = null; moved(); });
  box.addEventListener("keydown", e => {
    const width = view.to - view.from, step = width / 100;
    const keys = {
      ArrowLeft: () => { view.cursor = Math.max(view.from, (view.cursor ?? view.to) - step); moved(); },
      ArrowRight: () => { view.cursor = Math.min(view.to, (view.cursor ?? view.from) + step); moved(); },
      Home: () => { view.cursor = view.from; moved(); }, End: () => { view.cursor = view.to; moved(); },
      "+": () => zoom(view, span, 0.5, changed), "=": () => zoom(view, span, 0.5, changed), "-": () => zoom(view, span, 2, changed),
      "0": () => { view.from = 0; view.to = span; changed(); },
      PageUp: () => pan(view, span, -0.5, changed), PageDown: () => pan(view, span, 0.5, changed),
    };
    if (keys[e.key] && !e.ctrlKey && !e.metaKey && !e.altKey) { keys[e.key](); e.preventDefault(); }
  });
}
function zoom(view, span, factor, changed) {
  const middle = view.cursor ?? (view.from + view.to) / 2, width = Math.min(span, Math.max(span / 5000, (view.to - view.from) * factor));
  view.from = Math.min(Math.max(0, middle - (middle - view.from) * width / (view.to - view.from)), span - width);
  view.to = view.from + width;
  changed();
}
function pan(view, span, part, changed) {
  const width = view.to - view.from;
  view.from = Math.min(Math.max(0, view.from + part * width), span - width);
  view.to = view.from + width;
  changed();
}

function sliceAt(lane, ns) {
  let lo = 0, hi = lane.length / 4 - 1;
  while (lo <= hi) {
    const mid = (lo + hi) >> 1;
    if (lane[mid * 4 + 1] <= ns) lo = mid + 1; else if (lane[mid * 4] > ns) hi = mid - 1; else return mid * 4;
  }
  return -1;
}

function schedule(runs, span, view, dependents) {
  const s = section("schedule", "Schedule", "Which VM each logical processor (LP) ran. Triangles are decisions that lengthened (\u25b2) or shortened (\u25bc) a quantum.");
  const readouts = [], mine = [];
  const changed = () => { mine.forEach(c => c.redraw()); dependents.forEach(c => c.redraw()); moved(); };
  const moved = () => {
    for (const c of [...mine, ...dependents]) c.cursor();
    readouts.forEach(f => f());
  };
  const button = (label, text, f) => { const b = el("button", { type: "button", "aria-label": label }, text); b.addEventListener("click", f); return b; };
  s.append(vmLegend(), el("div", { class: "controls" }, button("Zoom in", "+", () => zoom(view, span, 0.5, changed)), button("Zoom out", "\u2212", () => zoom(view, span, 2, changed)),
    button("Earlier", "\u25c0", () => pan(view, span, -0.5, changed)), button("Later", "\u25b6", () => pan(view, span, 0.5, changed)),
    button("Show the whole run", "Whole run", () => { view.from = 0; view.to = span; changed(); })));
  for (const r of runs) {
    const panel = el("div", { class: "panel" }, el("h3", {}, r.name, el("small", {}, `${some(r.series.slices.count, "slice")}, ${some(r.decisions.count, "decision")}${r.series.slices.exact ? "" : "; drawn in " + num(r.series.slices.buckets) + " steps of time, each with the VM that had most of it"}`)));
    s.append(panel);
    const c = chart(panel, `Schedule under ${r.name}: a lane for each logical processor`, width => drawSchedule(r, width, view));
    c.cursor = () => moveCursor(c, view);
    mine.push(c);
    const out = el("p", { class: "readout" });
    panel.append(out, dataTable("Slices under " + r.name, () => sliceTable(r)));
    readouts.push(() => {
      out.replaceChildren(view.cursor === null && r === runs[0] ? "Point at a chart, or use the arrow keys on it, to see who ran when." : "");
      if (view.cursor === null) return;
      out.append(el("b", {}, time(view.cursor)), ...r.series.slices.lanes.flatMap((lane, lp) => {
        const i = sliceAt(lane, view.cursor / scaleNs);
        return [` \u00b7 LP\u00a0${lp}: `, i < 0 ? "idle" : D.vms[lane[i + 2]] + (r.series.slices.exact ? ` (${time((lane[i + 1] - lane[i]) * scaleNs)})` : "")];
      }));
    });
    interactive(c, view, span, changed, moved, "Schedule under " + r.name);
  }
  readouts[0]();
  schedule.changed = changed;
  schedule.moved = moved;
}
const LANE = 18, GAP = 5, TOP = 12;
function drawSchedule(r, width, view) {
  const lanes = r.series.slices.lanes, bottom = TOP + lanes.length * (LANE + GAP), plot = frame(width, bottom + 20, left(width), 12, view);
  timeAxis(plot, view, TOP, bottom);
  lanes.forEach((lane, lp) => {
    const y = TOP + lp * (LANE + GAP), g = sv("g");
    plot.svg.append(sv("text", { class: "name", x: plot.left - 8, y: y + 13, "text-anchor": "end" }, width < 480 ? "LP " + lp : `LP ${lp} \u00b7 core ${D.lps[lp].core}`),
      sv("rect", { class: "lane", x: plot.left, y, width: plot.width, height: LANE }), g);
    for (let i = 0; i < lane.length;) {
      const vm = lane[i + 2];
      let to = lane[i + 1], k = i + 4;
      while (k < lane.length && lane[k + 2] === vm && lane[k] - to < (view.to - view.from) / scaleNs / plot.width) { to = lane[k + 1]; k += 4; }
      const a = Math.max(plot.left, plot.x(lane[i] * scaleNs)), b = Math.min(plot.right, plot.x(to * scaleNs)), w = b - a;
      if (w > 0.05 && a < plot.right) {
        g.append(sv("rect", { x: a.toFixed(2), y, width: Math.max(w - (w > 4 ? 0.8 : 0), 0.3).toFixed(2), height: LANE, fill: fill(vm) }));
        const name = D.vms[vm];
        if (w > Math.min(name.length, 5) * 6.2 + 8) g.append(sv("text", { class: "label", x: a + 4, y: y + 13, fill: onColour(vm), style: `fill:${onColour(vm)}` }, cut(name, w - 8)));
      }
      i = k;
    }
  });
  for (const d of r.decisions.first) {
    if (d.at_ps < view.from || d.at_ps > view.to || d.lp >= lanes.length) continue;
    const y = TOP + d.lp * (LANE + GAP) - 1, x = plot.x(d.at_ps), up = d.after_ps > d.before_ps;
    plot.svg.append(sv("path", { class: "mark", d: up ? `M${x - 4} ${y + 5}h8l-4 -7z` : `M${x - 4} ${y - 2}h8l-4 7z` },
      sv("title", {}, `${d.action}: ${d.reason} (${d.vm}, ${time(d.before_ps)} to ${time(d.after_ps)})`)));
  }
  plot.svg.dataset.slices = r.series.slices.count;
  plot.cursorBottom = bottom;
  return withCursor(plot, view, TOP, bottom);
}
/* The cursor moves without the chart being drawn again. */
function withCursor(plot, view, top, bottom) {
  plot.svg.plot = { plot, top, bottom };
  cursorLine(plot, view, top, bottom);
  return plot.svg;
}
function moveCursor(c, view) {
  const svg = c.box.querySelector("svg");
  if (!svg || !svg.plot) return;
  svg.querySelectorAll(".cursor").forEach(l => l.remove());
  cursorLine(svg.plot.plot, view, svg.plot.top, svg.plot.bottom);
}
function sliceTable(r) {
  const rows = [];
  r.series.slices.lanes.forEach((lane, lp) => { for (let i = 0; i < lane.length && rows.length < 5000; i += 4) rows.push([lane[i], lane[i + 1], lp, lane[i + 2], lane[i + 3]]); });
  rows.sort((a, b) => a[0] - b[0]);
  return table(rows.length >= 5000 ? "The first 5000 slices" : null, ["From (\u00b5s)", "To (\u00b5s)", "Length", "LP", "VM", "Ended by"],
    rows.map(p => [num(p[0] / 1000, 3), num(p[1] / 1000, 3), time((p[1] - p[0]) * scaleNs), String(p[2]), D.vms[p[3]], r.series.ends[p[4]] || "\u2013"]));
}

/* ---- quanta ---- */
function quanta(runs, view, dependents, parts, picker, chosen) {
  const s = section("quanta", "Quantum length over time", "The quantum that each VM has at a time, and the decisions that changed it. Point at a triangle for its reason and evidence; the table has all of them.");
  const panel = el("div", { class: "panel" }), title = el("h3", {});
  s.append(el("div", { class: "controls" }, picker("pick-quanta", runs)), panel);
  panel.append(title);
  const c = chart(panel, "Quantum of each VM over time", width => chosen().series ? drawQuanta(chosen(), width, view) : sv("svg", { viewBox: `0 0 ${width} 10` }));
  c.cursor = () => moveCursor(c, view);
  dependents.push(c);
  interactive(c, view, view.to, () => schedule.changed(), () => schedule.moved(), "Quantum length over time");
  const more = el("div", {});
  panel.append(more);
  parts.push(r => {
    const n = r.decisions.first.length;
    title.replaceChildren(r.name, el("small", {}, r.decisions.count ? `${some(r.decisions.count, "decision")}${n < r.decisions.count ? ", the first " + num(n) + " are marked" : ""}` : "no decisions: quanta change only with what the policy gives at each choice"));
    more.replaceChildren(dataTable("Decisions under " + r.name, () => decisionTable(r)));
    c.redraw();
  });
}
function drawQuanta(r, width, view) {
  const H = 30, gap = 8, q = r.series.vms, bottom = TOP + q.length * (H + gap), plot = frame(width, bottom + 20, left(width), 56, view);
  let most = 0;
  q.forEach(v => v.quantum.forEach(x => { most = Math.max(most, x); }));
  r.decisions.first.forEach(d => { most = Math.max(most, d.after_ps / scaleNs); });
  timeAxis(plot, view, TOP, bottom);
  q.forEach((v, vm) => {
    const y = TOP + vm * (H + gap) + H, h = x => y - x / (most || 1) * (H - 2);
    let line = "";
    r.series.at.forEach((at, i) => {
      const x0 = Math.max(plot.left, plot.x((i ? r.series.at[i - 1] : 0) * scaleNs)), x1 = Math.min(plot.right, plot.x(at * scaleNs));
      if (x1 > x0) line += (line ? "L" : "M") + x0.toFixed(1) + " " + h(v.quantum[i]).toFixed(1) + "L" + x1.toFixed(1) + " " + h(v.quantum[i]).toFixed(1);
    });
    const last = v.quantum[v.quantum.length - 1];
    plot.svg.append(sv("line", { class: "zero", x1: plot.left, x2: plot.right, y1: y, y2: y }),
      sv("text", { class: "name", x: plot.left - 8, y: y - 8, "text-anchor": "end" }, cut(D.vms[vm], plot.left - 12)));
    if (line) {
      const first = line.slice(1).split(" ")[0], end = line.slice(line.lastIndexOf("L") + 1).split(" ")[0];
      plot.svg.append(sv("path", { d: `${line}L${end} ${y}L${first} ${y}Z`, fill: fill(vm), opacity: 0.28 }), sv("path", { class: "series", d: line, stroke: colour(vm) }));
    }
    plot.svg.append(sv("text", { class: "value", x: plot.right + 6, y: y - 8 }, time(last * scaleNs)));
  });
  for (const d of r.decisions.first) {
    const vm = D.vms.indexOf(d.vm);
    if (vm < 0 || d.at_ps < view.from || d.at_ps > view.to) continue;
    const y = TOP + vm * (H + gap) + H - d.after_ps / scaleNs / (most || 1) * (H - 2), x = plot.x(d.at_ps), up = d.after_ps > d.before_ps;
    plot.svg.append(sv("path", { class: "mark", d: up ? `M${x - 4.5} ${y + 4}h9l-4.5 -8z` : `M${x - 4.5} ${y - 4}h9l-4.5 8z` }, sv("title", {}, decisionText(d))));
  }
  return withCursor(plot, view, TOP, bottom);
}
const evidenceText = e => Object.entries(e || {}).map(([k, v]) => `${k} ${/-ps$/.test(k) ? time(v) : num(v)}`).join(", ");
const decisionText = d => `${time(d.at_ps)}: ${d.action}, ${d.reason}: ${d.vm}, ${time(d.before_ps)} to ${time(d.after_ps)}\n${evidenceText(d.evidence)}`;
function decisionTable(r) {
  return table(r.decisions.first.length < r.decisions.count ? `The first ${r.decisions.first.length} of ${num(r.decisions.count)}` : null, ["At", "LP", "VM", "Action", "Reason", "Before", "After", "Evidence", "Outcome"],
    r.decisions.first.map(d => [time(d.at_ps), String(d.lp), d.vm, d.action, d.reason, time(d.before_ps), time(d.after_ps), evidenceText(d.evidence), evidenceText(d.outcome)]));
}

/* ---- counters ---- */
function counters(runs, view, dependents, parts, picker, chosen) {
  const s = section("counters", "Counters over time", "From the simulator's full counts, a point per sample.");
  const grid = el("div", { class: "grid2" });
  s.append(el("div", { class: "controls" }, picker("pick-counters", runs)), grid);
  const kinds = [
    { title: "Instructions per cycle", unit: "by LP", lines: r => r.series.lps.length > 8 ? [["mean of LPs", mean(r, "ipc"), "var(--c0)"]] : r.series.lps.map((l, i) => ["LP " + i, l.ipc, colour(i)]), scale: 1000, digits: 2 },
    { title: "Misses per 1000 instructions", unit: "all LPs", lines: r => [["L1D", mean(r, "l1d"), "var(--s0)"], ["branches", mean(r, "branch"), "var(--s3)"], ["last-level cache", mean(r, "llc"), "var(--s6)"]], scale: 1000, digits: 1 },
    { title: "Memory traffic", unit: "GB/s, all LPs", lines: r => [["bus", total(r, "bus"), "var(--c0)"]], scale: 1000, digits: 1, area: true },
    { title: "Last-level cache", unit: "1000 lines by owner", stacked: true, lines: r => r.series.vms.map((v, i) => [D.vms[i], v.llc, fill(i)]), scale: 1000, digits: 1 },
  ];
  for (const k of kinds) {
    const panel = el("div", { class: "panel" }, el("h3", {}, k.title, el("small", {}, k.unit))), legend = el("div", {}), out = el("p", { class: "readout" }), data = el("div", {});
    grid.append(panel);
    const c = chart(panel, k.title + " over time", width => chosen().series ? drawLines(chosen(), k, width, view) : sv("svg", { viewBox: `0 0 ${width} 10` }));
    c.cursor = () => {
      moveCursor(c, view);
      out.replaceChildren();
      const r = chosen();
      if (view.cursor === null || !r.series) return;
      const i = Math.min(r.series.at.length - 1, Math.max(0, r.series.at.findIndex(t => t * scaleNs >= view.cursor)));
      out.append(el("b", {}, time(view.cursor)), ...k.lines(r).map(l => ` \u00b7 ${l[0]} ${num(l[1][i] / k.scale, k.digits)}`));
    };
    dependents.push(c);
    interactive(c, view, view.to, () => schedule.changed(), () => schedule.moved(), k.title);
    panel.append(legend, out, data);
    parts.push(r => {
      if (!r.series) return;
      const lines = k.lines(r);
      legend.replaceChildren(k.stacked || lines.length < 2 ? "" : keyLegend(lines.map(l => [l[0], l[2]])));
      data.replaceChildren(dataTable(k.title, () => table(null, ["At", ...lines.map(l => l[0])], r.series.at.map((t, i) => [time(t * scaleNs), ...lines.map(l => num(l[1][i] / k.scale, k.digits))]))));
      c.redraw();
    });
  }
  s.append(vmLegend());
}
const mean = (r, key) => r.series.all[key];
const total = (r, key) => r.series.at.map((_, i) => r.series.lps.reduce((sum, l) => sum + l[key][i], 0));
function drawLines(r, kind, width, view) {
  const H = 130, bottom = TOP + H, plot = frame(width, bottom + 20, 36, 12, view), lines = kind.lines(r), at = r.series.at;
  let most = 0;
  at.forEach((_, i) => { most = kind.stacked ? Math.max(most, lines.reduce((a, l) => a + l[1][i], 0)) : Math.max(most, ...lines.map(l => l[1][i])); });
  most = nice(most / kind.scale) * kind.scale;
  const y = v => bottom - v / (most || 1) * H;
  timeAxis(plot, view, TOP, bottom);
  for (const t of ticks(0, most / kind.scale, 4))
    plot.svg.append(sv("line", { class: t ? "grid" : "zero", x1: plot.left, x2: plot.right, y1: y(t * kind.scale), y2: y(t * kind.scale) }),
      sv("text", { x: plot.left - 6, y: y(t * kind.scale) + 4, "text-anchor": "end" }, num(t, most / kind.scale < 1 ? 2 : most / kind.scale < 4 ? 1 : 0)));
  const xs = at.map((t, i) => [plot.x((i ? at[i - 1] : 0) * scaleNs), plot.x(t * scaleNs)]), inside = i => xs[i][1] > plot.left && xs[i][0] < plot.right;
  const shown = at.map((_, i) => i).filter(inside), clampX = x => Math.min(plot.right, Math.max(plot.left, x)).toFixed(1);
  const base = at.map(() => 0);
  for (const [, values, paint] of lines) {
    const top = shown.map(i => `${clampX(xs[i][0])} ${y(base[i] + values[i]).toFixed(1)}L${clampX(xs[i][1])} ${y(base[i] + values[i]).toFixed(1)}`).join("L");
    if (!top) continue;
    if (kind.stacked) {
      const under = shown.slice().reverse().map(i => `${clampX(xs[i][1])} ${y(base[i]).toFixed(1)}L${clampX(xs[i][0])} ${y(base[i]).toFixed(1)}`).join("L");
      plot.svg.append(sv("path", { d: `M${top}L${under}Z`, fill: paint }));
      shown.forEach(i => { base[i] += values[i]; });
    } else {
      if (kind.area) plot.svg.append(sv("path", { d: `M${top}L${clampX(plot.right)} ${bottom}L${clampX(xs[shown[0]][0])} ${bottom}Z`, fill: paint, opacity: 0.2 }));
      plot.svg.append(sv("path", { class: "series", d: "M" + top, stroke: paint }));
    }
  }
  return withCursor(plot, view, TOP, bottom);
}

/* ---- bars ---- */
/* A block of bars per VM, a bar per policy. `parts(run, vm)` are [value, paint, name]; `most(vm)` is the value at the full width. */
function bars(panel, label, runs, parts, most, sum, unit) {
  chart(panel, label, width => {
    const H = 14, gap = 3, space = runs.length > 1 ? 14 : 6, l = Math.min(left(width) + (runs.length > 1 ? 70 : 10), width * 0.4), right = 52, single = runs.length === 1;
    const rows = [];
    let y = 4;
    D.vms.forEach((name, vm) => {
      if (!single) { rows.push({ y: y + 11, name, vm, head: true }); y += 17; }
      runs.forEach(r => { rows.push({ y, run: r, vm, name: single ? name : r.name }); y += H + gap; });
      y += single ? gap : space;
    });
    const svg = sv("svg", { viewBox: `0 0 ${width} ${y}` }), x = (v, vm) => v / (most(vm) || 1) * (width - l - right);
    for (const row of rows) {
      if (row.head) { svg.append(sv("rect", { x: 0, y: row.y - 9, width: 10, height: 10, rx: 2, fill: fill(row.vm) }), sv("text", { class: "name", x: 15, y: row.y, style: "font-weight:600" }, row.name)); continue; }
      let at = l;
      svg.append(sv("text", { x: l - 6, y: row.y + 11, "text-anchor": "end" }, cut(row.name, l - 8)));
      for (const [value, paint, part] of parts(row.run, row.vm)) {
        if (!(value > 0)) continue;
        svg.append(sv("rect", { x: at.toFixed(2), y: row.y, width: Math.max(x(value, row.vm), 0.2).toFixed(2), height: H, fill: paint }, sv("title", {}, `${D.vms[row.vm]}, ${row.run.name}, ${part}: ${unit(value)}`)));
        at += x(value, row.vm);
      }
      svg.append(sv("text", { class: "value", x: at + 5, y: row.y + 11 }, sum(row.run, row.vm)));
    }
    return svg;
  });
}
const CPI = ["base", "core", "frontend", "branch", "l2", "llc", "memory", "tlb", "smt", "system"];
const CPI_TEXT = ["base: micro-ops at full width", "core: dependences, ports", "frontend", "branch mispredictions", "L2", "last-level cache", "memory", "TLB", "SMT sibling", "system: VMM, kernel"];
function cpi(runs) {
  const s = section("cpi", "CPI stacks", "Cycles per instruction of each VM, by what the cycles went into. Shorter is faster; each VM has a scale of its own."), panel = el("div", { class: "panel" });
  s.append(panel);
  panel.append(keyLegend(CPI_TEXT.map((t, i) => [t, `var(--s${i})`])));
  const whole = (r, v) => r.vms[v].instructions ? r.vms[v].cycles / r.vms[v].instructions : 0;
  const most = v => Math.max(...runs.map(r => whole(r, v)));
  bars(panel, "CPI stacks by VM and policy", runs, (r, v) => CPI.map((k, i) => [r.vms[v].instructions ? r.vms[v].cpi_stack[k] / r.vms[v].instructions : 0, `var(--s${i})`, CPI_TEXT[i]]), most, (r, v) => num(whole(r, v), 2), x => num(x, 3));
  panel.append(dataTable("CPI stacks", () => table(null, ["VM", "Policy", "CPI", ...CPI], D.vms.flatMap((n, v) => runs.map(r => [n, r.name, num(whole(r, v), 3), ...CPI.map(k => num(r.vms[v].instructions ? r.vms[v].cpi_stack[k] / r.vms[v].instructions : 0, 3))])))));
}
const STATES = [["running_ps", "var(--run)", "running"], ["runnable_ps", "var(--wait)", "runnable: waits for a processor (steal)"], ["blocked_ps", "var(--sleep)", "blocked: asleep, or waits for its disk"], ["offline_ps", "var(--off)", "off line"]];
function states(runs) {
  const s = section("time", "Time of the VMs", "What each VM did with the simulated time; the figure is the part in which it ran."), panel = el("div", { class: "panel" });
  s.append(panel);
  panel.append(keyLegend(STATES.map(([, paint, name]) => [name, paint])));
  const all = Math.max(...runs.map(r => r.simulated_ps));
  bars(panel, "Time in each state by VM and policy", runs, (r, v) => STATES.map(([k, paint, name]) => [r.vms[v][k], paint, name]), () => all, (r, v) => num(r.vms[v].running_ps / r.simulated_ps * 100, 0) + "\u00a0%", time);
  panel.append(dataTable("Times", () => table(null, ["VM", "Policy", "Running", "Runnable", "Blocked", "Off line"], D.vms.flatMap((n, v) => runs.map(r => [n, r.name, ...STATES.map(([k]) => time(r.vms[v][k]))])))));
}

/* ---- tables of VMs, decisions, set-ups ---- */
const VM_COLUMNS = [
  ["slowdown", "Slowdown", "against alone", -1, x => num(x, 2), v => v.slowdown],
  ["ipc", "IPC", "", 1, x => num(x, 3), v => v.ipc],
  ["running_ps", "Running", "", 0, time, v => v.running_ps],
  ["steal", "Steal", "of wanted time", -1, percent, v => v.steal],
  ["wake_p50", "Wake p50", "", -1, time, v => v.wakes.count ? v.wakes.p50 : undefined],
  ["wake_p99", "Wake p99", "", -1, time, v => v.wakes.count ? v.wakes.p99 : undefined],
  ["llc_mpki", "LLC MPKI", "misses/1000", -1, x => num(x, 3), v => v.llc_mpki],
  ["dispatches", "Switches", "put on", 0, x => num(x), v => v.dispatches],
  ["migrations", "Migrations", "", 0, x => num(x), v => v.migrations],
  ["tasks", "Tasks", "ended", 1, x => num(x), v => v.tasks],
];
function vmTable(runs, base, parts, picker, chosen) {
  const s = section("vms", "VMs", null), panel = el("div", { class: "panel" });
  s.append(el("div", { class: "controls" }, picker("pick-vms", runs)), panel);
  parts.push(r => {
    const columns = VM_COLUMNS.filter(c => runs.some(x => x.vms.some(v => c[5](v))));
    panel.replaceChildren(el("h3", {}, r.name, base && r !== base ? el("small", {}, `with the change against ${base.name}`) : null),
      el("div", { class: "scroll sticky", tabindex: 0, role: "region", "aria-label": "VMs under " + r.name }, el("table", {},
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "VM"), el("th", { scope: "col", class: "text" }, "State"),
          columns.map(c => el("th", { scope: "col" }, c[1], el("small", {}, c[2]))))),
        el("tbody", {}, r.vms.map((v, i) => el("tr", {}, el("th", { scope: "row" }, swatch(i), D.vms[i], el("span", { class: "ratio" }, v.workload)), el("td", { class: "text" }, v.state),
          columns.map(([k, , , better, show, get]) => {
            const value = get(v), [text, good] = base && r !== base && value !== undefined ? ratioText(value, get(base.vms[i]), better) : ["", ""];
            return el("td", { "data-vm": D.vms[i], "data-metric": k, "data-value": value }, value === undefined ? "\u2013" : show(value), text ? el("span", { class: "ratio " + good }, text) : null);
          })))))));
  });
}
function decisions(runs) {
  const s = section("decisions", "Decisions", "How often quanta were changed, and why. quanta explain tells more.");
  for (const r of runs.filter(x => x.decisions.count))
    s.append(el("div", { class: "panel" }, el("h3", {}, r.name, el("small", { "data-policy": r.name, "data-decisions": r.decisions.count }, some(r.decisions.count, "decision"))),
      scroll("Decisions under " + r.name, table(null, ["Reason", "Action", "Times", "Quantum before (mean)", "after (mean)", "Evidence (means)"],
        r.decisions.by_reason.map(d => [d.reason, d.action, num(d.count), time(d.mean_before_ps), time(d.mean_after_ps), evidenceText(d.evidence)])))));
}
function setups(runs) {
  const s = section("setup", "Set-up", null), box = el("div", { class: "grid2" });
  s.append(box);
  for (const r of runs) {
    const rows = Object.entries(r.parameters);
    box.append(el("div", { class: "panel" }, el("h3", {}, r.name, el("small", {}, `${r.use !== r.name ? "a variant of " + r.use + ", " : ""}quantum ${time(r.quantum_ps)}`)),
      el("p", { class: "note", style: "overflow-wrap:anywhere" }, "digest ", el("code", {}, r.digest.slice(0, 16) + "\u2026")),
      rows.length ? el("details", {}, el("summary", {}, some(rows.length, "parameter")), scroll("Parameters of " + r.name, table(null, ["Parameter", "Value"], rows))) : null));
  }
}
