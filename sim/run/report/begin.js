if (D.kind === "result") result(); else store();
charts.forEach(c => c.redraw());
document.documentElement.dataset.ready = "yes";
const wanted = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
if (wanted) wanted.scrollIntoView({ behavior: "instant" });
