// The page's own charts, drawn with uPlot from the same spec that becomes a picture elsewhere. A figure says where its spec is
// (data-chart); the words beside it tell what the pointer or a finger rests on.
"use strict";

const deskCharts = (() => {
  const root = document.documentElement;
  const drawn = new Map();

  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const color = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const zone = () => root.dataset.zone === "utc" ? "UTC" : undefined;
  const spoken = navigator.language.startsWith(root.lang) ? navigator.language : root.lang;
  const clock = (options) => new Intl.DateTimeFormat(spoken, { timeZone: zone(), ...options });

  function short(value, unit) {
    if (value === null || value === undefined) return "–";
    const options = unit === "USD" || unit === "coins"
      ? { notation: Math.abs(value) >= 1e6 ? "compact" : "standard", maximumFractionDigits: Math.abs(value) < 1000 ? 2 : Math.abs(value) >= 1e6 ? 2 : 0 }
      : { maximumFractionDigits: 2 };
    const number = new Intl.NumberFormat(root.lang, options).format(value);
    if (unit === "USD") return root.lang === "en" ? `$${number}` : `${number} $`;
    return unit.startsWith("%") ? `${number}${root.lang === "en" ? "" : "\u00a0"}%` : number;
  }

  // As short as an axis wants it.
  function tick(value, unit) {
    if (unit !== "USD" && unit !== "coins") return short(value, unit);
    const number = new Intl.NumberFormat(root.lang, { notation: "compact", maximumFractionDigits: 1 }).format(value);
    return unit !== "USD" ? number : root.lang === "en" ? `$${number}` : `${number} $`;
  }

  // All columns on one time axis: a gap stays a gap.
  function table(columns) {
    const times = [...new Set(columns.flatMap((column) => column.at))].sort((a, b) => a - b);
    return [times, ...columns.map((column) => {
      const known = new Map(column.at.map((at, place) => [at, column.y[place]]));
      return times.map((at) => known.has(at) ? known.get(at) : undefined);
    })];
  }

  function stanceAt(spec, at) {
    return spec.stances.filter((stance) => stance.at <= at).at(-1);
  }

  // The verdicts as a strip along the top, the posts as marks on it, the usual range behind the line.
  function decorate(spec, unit) {
    const ratio = () => devicePixelRatio || 1;
    const ribbon = 10;
    return {
      hooks: {
        drawClear: [(plot) => {
          if (!spec.band || unit !== spec.unit) return;
          const [low, high] = spec.band.map((end) => plot.valToPos(end, "y", true));
          const top = Math.max(Math.min(low, high), plot.bbox.top);
          const foot = Math.min(Math.max(low, high), plot.bbox.top + plot.bbox.height);
          if (foot <= top) return;
          plot.ctx.fillStyle = color("--usual");
          plot.ctx.fillRect(plot.bbox.left, top, plot.bbox.width, foot - top);
        }],
        draw: [(plot) => {
          const { ctx, bbox } = plot;
          const [start, end] = [plot.scales.x.min, plot.scales.x.max];
          spec.stances.forEach((stance, place) => {
            const since = Math.max(stance.at, start);
            const until = Math.min(spec.stances[place + 1]?.at ?? end, end);
            if (until <= since) return;
            const [left, right] = [since, until].map((at) => plot.valToPos(at, "x", true));
            ctx.fillStyle = isDark() ? stance.dark : stance.light;
            ctx.fillRect(left, bbox.top, Math.max(right - left - 1, 1), ribbon * ratio());
          });
          ctx.fillStyle = color("--text");
          for (const post of spec.posts) {
            if (post.at < start || post.at > end) continue;
            const x = plot.valToPos(post.at, "x", true);
            const y = bbox.top + (ribbon + 2) * ratio();
            ctx.beginPath();
            ctx.moveTo(x, y);
            ctx.lineTo(x - 4 * ratio(), y + 7 * ratio());
            ctx.lineTo(x + 4 * ratio(), y + 7 * ratio());
            ctx.fill();
          }
        }],
      },
    };
  }

  function axis(unit) {
    return {
      stroke: color("--soft"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 },
      font: "12px system-ui, sans-serif", size: 58, values: (plot, values) => values.map((value) => tick(value, unit)),
    };
  }

  function timeAxis() {
    const [day, hour] = [clock({ day: "numeric", month: "short" }), clock({ hour: "2-digit", minute: "2-digit" })];
    return {
      stroke: color("--soft"), grid: { show: false }, ticks: { stroke: color("--line"), width: 1 }, font: "12px system-ui, sans-serif", space: 70,
      values: (plot, values, column, space, step) => values.map((at) => (step < 86400 ? hour : day).format(new Date(at * 1000))),
    };
  }

  // One panel of a figure: the price above, the metric below; they share what the pointer rests on.
  function panel(figure, spec, columns, unit, height, { sync, tell, ends, bare }) {
    const inks = ["--ink", "--ink-2", "--ink-3"];
    const data = table(columns);
    const plot = new uPlot({
      width: Math.max(figure.clientWidth, 200), height, legend: { show: false },
      cursor: { sync: { key: sync }, y: false, points: { size: 7 }, drag: { x: false, y: false } },
      scales: { x: { time: true, range: () => ends }, y: { range: (self, low, high) => {
        const room = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
        return [low - room, high + room * 2.2];
      } } },
      axes: [{ ...timeAxis(), show: !bare }, axis(unit)],
      series: [{}, ...columns.map((column, place) => ({
        label: column.label, stroke: color(columns.length > 1 || unit !== "USD" ? inks[place % inks.length] : "--text"), width: 2, points: { show: false }, spanGaps: false,
      }))],
      plugins: [decorate(spec, unit)],
      hooks: { setCursor: [(self) => { if (self.cursor.idx !== null && self.cursor.idx !== undefined) tell(self.data[0][self.cursor.idx]); else tell(null); }] },
    }, data, figure);
    return plot;
  }

  function nearest(column, at) {
    let best = null;
    for (let place = 0; place < column.at.length; place += 1) {
      if (column.at[place] <= at && column.y[place] !== null) best = column.y[place];
      if (column.at[place] > at) break;
    }
    return best;
  }

  function build(figure, spec) {
    const told = document.createElement("figcaption");
    figure.append(told);
    const when = clock({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
    const columns = [...(spec.price ? [{ ...spec.price, unit: "USD", label: document.body.dataset.price }] : []), ...spec.series.map((column) => ({ ...column, unit: spec.unit }))];
    const last = Math.max(...columns.flatMap((column) => column.at.slice(-1)));
    const tell = (at) => {
      const moment = at ?? last;
      const stance = stanceAt(spec, moment);
      told.textContent = [when.format(new Date(moment * 1000)), ...columns.map((column) => `${column.label} ${short(nearest(column, moment), column.unit)}`), stance?.word ?? ""].filter(Boolean).join(" · ");
    };
    const height = figure.classList.contains("price") ? 190 : 170;
    const times = columns.flatMap((column) => column.at);
    const shared = { sync: `sync-${Math.random()}`, tell, ends: [Math.min(...times), Math.max(last, Math.min(...times) + 3600)] };
    const plots = [];
    if (spec.price) plots.push(panel(figure, { ...spec, band: null }, [spec.price], "USD", 100, { ...shared, bare: true }));
    plots.push(panel(figure, spec.price ? { ...spec, stances: [], posts: [] } : spec, spec.series, spec.unit, height, shared));
    tell(null);
    figure.setAttribute("role", "img");
    figure.setAttribute("aria-label", `${spec.alt}. ${told.textContent}`);
    return plots;
  }

  // The library comes with the first chart, after what there is to read.
  let coming = null;
  function library() {
    coming ??= new Promise((done, failed) => {
      const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/static/uplot/uPlot.min.css" });
      const script = Object.assign(document.createElement("script"), { src: "/static/uplot/uPlot.iife.min.js", onload: done, onerror: failed });
      document.head.append(style, script);
    });
    return coming;
  }

  async function draw(figure, anew = false) {
    if (!figure.spec || anew) {
      const at = figure.dataset.at ? `&at=${figure.dataset.at}` : "";
      try {
        const reply = await fetch(figure.dataset.chart + at);
        if (reply.status !== 200) return anew ? undefined : void figure.remove();
        figure.spec = await reply.json();
      } catch { return; /* the readings beside it are there all the same */ }
    }
    try { await library(); } catch { return; }
    for (const plot of drawn.get(figure) ?? []) plot.destroy();
    figure.replaceChildren();
    drawn.set(figure, build(figure, figure.spec));
    figure.dataset.drawn = "";
  }

  const drawAll = (part) => { for (const figure of part.querySelectorAll("figure[data-chart]")) draw(figure); };
  const again = () => { for (const figure of drawn.keys()) if (figure.isConnected) draw(figure); else drawn.delete(figure); };
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(again, 150); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);

  // What is drawn up to now grows with the market: after a new reading at once, and then at most once in a while.
  let renewed = performance.now();
  let renewing = 0;
  function renew() {
    clearTimeout(renewing);
    renewing = setTimeout(() => {
      renewed = performance.now();
      for (const figure of drawn.keys()) if (figure.isConnected && !figure.dataset.at && !figure.matches(":hover")) draw(figure, true);
    }, Math.max(0, renewed + charts.renewMs - performance.now()));
  }
  const charts = { drawAll, renew, renewMs: 15_000 };
  return charts;
})();
