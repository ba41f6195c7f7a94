const D = JSON.parse(document.getElementById("data").textContent);
const main = document.getElementById("main"), nav = document.getElementById("nav");
const SVG = "http://www.w3.org/2000/svg";

/* ---- elements ---- */
function put(node, attrs, kids) {
  for (const [k, v] of Object.entries(attrs || {}))
    if (v !== null && v !== undefined) node.setAttribute(k, v);
  for (const kid of kids.flat(3))
    if (kid !== null && kid !== undefined) node.append(kid);
  return node;
}
const el = (tag, attrs, ...kids) => put(document.createElement(tag), attrs, kids);
const sv = (tag, attrs, ...kids) => put(document.createElementNS(SVG, tag), attrs, kids);

/* ---- numbers: always a decimal point, thin spaces between thousands ---- */
function num(x, digits) {
  if (x === null || x === undefined || !isFinite(x)) return "\u2013";
  const [whole, part] = Math.abs(x).toFixed(digits || 0).split(".");
  const text = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f") + (part ? "." + part : "");
  return (x < 0 && Number(text.replace(/\u202f/g, "")) !== 0 ? "\u2212" : "") + text;
}
function sig(x) {
  const a = Math.abs(x);
  return num(x, a === 0 || a >= 1000 ? 0 : a >= 100 ? 1 : a >= 1 ? 2 : 3);
}
const UNITS = [[1e12, "s"], [1e9, "ms"], [1e6, "\u00b5s"], [1e3, "ns"], [1, "ps"]];
function time(ps) {
  if (!ps) return "0";
  const [scale, unit] = UNITS.find(u => Math.abs(ps) >= u[0] * 0.9995) || UNITS[4];
  return sig(ps / scale) + "\u00a0" + unit;
}
function axisTime(range) {
  const [scale, unit] = UNITS.find(u => range >= u[0] * 1.5) || UNITS[4];
  return { scale, unit };
}
const some = (n, one) => num(n) + " " + one + (n === 1 ? "" : "s");
const percent = x => num(x * 100, 1) + "\u00a0%";

/* The figures of a run, and which way is better. */
const METRICS = [
  ["stp", "STP", "throughput", 1, x => num(x, 3)],
  ["antt", "ANTT", "mean slowdown", -1, x => num(x, 3)],
  ["jain", "Jain", "fairness", 1, x => num(x, 3)],
  ["ipc", "IPC", "per LP", 1, x => num(x, 3)],
  ["llc_mpki", "LLC MPKI", "misses/1000", -1, x => num(x, 3)],
  ["l1d_mpki", "L1D MPKI", "misses/1000", -1, x => num(x, 2)],
  ["branch_mpki", "Branch MPKI", "misses/1000", -1, x => num(x, 2)],
  ["steal", "Steal", "of wanted time", -1, percent],
  ["wake_latency_p50_ps", "Wake p50", "to 1st instr.", -1, time],
  ["wake_latency_p99_ps", "Wake p99", "to 1st instr.", -1, time],
  ["switches", "Switches", "of vCPUs", 0, x => num(x)],
];

/* ---- colours: one per VM, the same everywhere; more than ten VMs repeat them with stripes ---- */
const colour = i => `var(--c${i % 10})`, onColour = i => `var(--t${i % 10})`;
function patterns(n) {
  const defs = sv("defs");
  for (let i = 10; i < n; i++)
    defs.append(sv("pattern", { id: "p" + i, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: `rotate(${i < 20 ? 45 : 135})` },
      sv("rect", { width: 6, height: 6, fill: colour(i) }), sv("rect", { width: 2, height: 6, fill: "var(--bg)", opacity: 0.45 })));
  return defs;
}
const fill = i => i < 10 ? colour(i) : `url(#p${i})`;
function swatch(i) {
  return sv("svg", { class: "swatch", viewBox: "0 0 12 12", style: "width:.8em;display:inline-block", "aria-hidden": "true" },
    sv("rect", { width: 12, height: 12, rx: 2, fill: fill(i) }));
}
const vmLegend = () => el("ul", { class: "legend", "aria-label": "Colours of the VMs" }, D.vms.map((n, i) => el("li", {}, swatch(i), n)));
const keyLegend = items => el("ul", { class: "legend" }, items.map(([name, paint]) =>
  el("li", {}, el("span", { class: "swatch", style: "background:" + paint }), name)));

/* ---- sections, tables, figures ---- */
function section(id, title, text) {
  const s = el("section", { id, "aria-labelledby": id + "-h" }, el("h2", { id: id + "-h" }, title), text ? el("p", {}, text) : null);
  nav.append(el("a", { href: "#" + id }, title));
  main.append(s);
  return s;
}
function scroll(label, table) {
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table);
}
/* A column is one of numbers when its first cell begins like one. */
function table(caption, head, rows) {
  const texts = head.map((_, i) => i > 0 && rows.length > 0 && !/^[\u2212\u2013<\d]/.test(rows[0][i]));
  return el("table", {}, caption ? el("caption", {}, caption) : null,
    el("thead", {}, el("tr", {}, head.map((h, i) => el("th", { scope: "col", class: texts[i] ? "text" : null }, h)))),
    el("tbody", {}, rows.map(r => el("tr", {}, r.map((c, i) => i === 0 ? el("th", { scope: "row" }, c) : el("td", { class: texts[i] ? String(c).length > 40 ? "text wrap" : "text" : null }, c))))));
}
/* A table behind a chart is made when it is opened: thousands of rows would only make the page slow. */
function dataTable(label, build) {
  const box = el("details", {}, el("summary", {}, "Data of this chart as a table"));
  box.addEventListener("toggle", () => {
    if (box.open && !box.lastElementChild.matches(".scroll")) box.append(scroll(label, build()));
  });
  return box;
}

/* Charts are drawn at the width that they have, so that text keeps its size on every screen. */
const charts = [];
function chart(parent, label, draw) {
  const box = el("figure", {});
  const c = { box, width: 0, redraw() {
    const width = Math.max(260, Math.round(box.clientWidth || 700));
    const svg = draw(width);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
    const old = box.querySelector("svg");
    if (old) old.replaceWith(svg); else box.prepend(svg);
    c.width = width;
  } };
  parent.append(box);
  charts.push(c);
  return c;
}
let resizing = 0;
addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(() => charts.forEach(c => { if (c.box.clientWidth && c.box.clientWidth !== c.width) c.redraw(); }), 80); });

const nice = most => { const p = 10 ** Math.floor(Math.log10(most || 1)); return [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map(k => k * p).find(k => k >= most * 0.999) || p * 10; };
function ticks(from, to, wanted) {
  const raw = (to - from) / wanted, p = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map(k => k * p).find(k => k >= raw);
  const out = [];
  for (let k = Math.ceil(from / step - 1e-9); k * step <= to * (1 + 1e-9); k++) out.push(k * step);
  return out;
}
const cut = (text, width) => text.length * 6.4 <= width ? text : text.slice(0, Math.max(1, Math.floor(width / 6.4) - 1)) + "\u2026";

/* ---- the header ---- */
function header(title, subtitle, facts) {
  document.getElementById("title").textContent = title;
  document.getElementById("subtitle").textContent = subtitle;
  document.getElementById("facts").append(...facts.map(([k, v]) => el("div", {}, el("dt", {}, k), el("dd", {}, v))));
}
document.getElementById("footer").append(`${D.generator}. Source: ${D.source}${D.digest ? ", digest " + D.digest : ""}. The page is complete in itself and loads nothing.`);
main.append(sv("svg", { width: 0, height: 0, style: "position:absolute;width:0", "aria-hidden": "true" }, patterns(D.vms.length)));

/* A ratio to the reference in words and colour: never colour alone. */
function ratioText(value, base, better) {
  if (base === null || base === undefined || value === null || value === undefined || (base === 0 && value !== 0)) return ["", ""];
  const r = base === 0 ? 1 : value / base, change = Math.round((r - 1) * 1000) / 10;
  if (change === 0) return ["=", ""];
  const text = Math.abs(change) >= 1000 ? "\u00d7" + num(r, 1) : (change > 0 ? "+" : "\u2212") + num(Math.abs(change), 1) + "\u00a0%";
  const good = better === 0 ? "" : (change > 0) === (better > 0) ? "better" : "worse";
  return [text + (good === "better" ? " \u25b2" : good === "worse" ? " \u25bc" : ""), good];
}
