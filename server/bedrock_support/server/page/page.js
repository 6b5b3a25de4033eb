// Shows snapshots of the server. Everything that comes from it is put in as text, never as markup.
"use strict";

const UNKNOWN = "unknown";
const TONE = { healthy: "good", answered: "good", closed: "good", active: "good", true: "good",
  degraded: "warn", unknown: "dim", unconfigured: "dim", half_open: "warn", handed_over: "warn", null: "dim",
  unhealthy: "bad", failed: "bad", refused: "bad", open: "bad", forced_open: "bad", emergency_stop: "bad", false: "bad" };

const byId = (id) => document.getElementById(id);
const number = (value, digits, unit) => (value === null || value === undefined ? UNKNOWN : value.toFixed(digits) + (unit || ""));
const seconds = (value) => number(value, value !== null && value < 1 ? 3 : 2, " s");
const percent = (value) => (value === null || value === undefined ? UNKNOWN : (100 * value).toFixed(1) + " %");
const usd = (value) => (value === null || value === undefined ? UNKNOWN : value.toFixed(4) + " USD");
const time = (at) => new Date(at * 1000).toLocaleTimeString();

function element(name, text, tone) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (tone) made.className = tone;
  return made;
}

function cell(value) {
  if (value instanceof Node) { const made = element("td"); made.append(value); return made; }
  if (value && typeof value === "object") return element("td", value.text, value.tone);
  return element("td", value);
}

const toned = (value) => ({ text: String(value), tone: TONE[String(value)] || "" });
const figure = (text) => ({ text, tone: text === UNKNOWN ? "num dim" : "num" });

function table(heads, rows, empty) {
  if (!rows.length) return element("p", empty, "dim");
  const made = element("table");
  const head = made.createTHead().insertRow();
  for (const each of heads) {
    const th = element("th", each.replace("#", ""), each.startsWith("#") ? "num" : "");
    th.scope = "col";
    head.append(th);
  }
  const body = made.createTBody();
  for (const row of rows) body.insertRow().append(...row.map(cell));
  return made;
}

function meter(row) {
  const made = element("meter");
  made.max = row.deadline; made.high = row.deadline * 0.8; made.low = row.deadline * 0.5; made.optimum = 0;
  made.value = Math.min(row.p95, row.deadline);
  made.setAttribute("aria-label", `95th percentile of ${row.class}: ${seconds(row.p95)} of ${row.deadline} s`);
  return made;
}

// The row that has the focus is kept: a new table would take it away from whoever goes by keyboard.
function put(id, ...nodes) {
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.id : "";
  byId(id).replaceChildren(...nodes);
  if (focused) { const again = byId(id).querySelector(`[data-id="${CSS.escape(focused)}"]`); if (again) again.focus(); }
}

function show(now) {
  const state = byId("state");
  const words = `${now.state}, ${now.lifecycle.state.replaceAll("_", " ")}`;
  if (state.textContent !== words) { state.textContent = words; state.className = TONE[now.state] || ""; }
  byId("simulated").hidden = !now.simulated;
  put("routes", table(["route", "state", "breaker", "#p50", "#p95", "#samples"],
    Object.entries(now.routes).map(([name, each]) => {
      const guard = now.guards[name];
      return [name, toned(each.state), toned(guard ? guard.breaker : UNKNOWN), figure(seconds(each.p50_seconds)),
        figure(seconds(each.p95_seconds)), figure(String(each.samples))];
    }), "none"));
  put("components", table(["component", "state", "evidence"],
    now.components.map((each) => [each.name.replaceAll("_", " "), toned(each.state), { text: each.evidence, tone: "dim" }]), "none"));
  put("latencies", table(["class", "#calls", "#p50", "#p95", "#deadline", "p95 of it"], now.latencies.map((each) =>
    [each.class, figure(String(each.count)), figure(seconds(each.p50)), figure(seconds(each.p95)),
      figure(`${each.deadline} s`), each.p95 === null ? { text: UNKNOWN, tone: "dim" } : meter(each)]), "none"));
  put("objectives", table(["objective", "#target", "#now", "#events", "met", "alerts"], now.objectives.map((each) =>
    [each.title, figure(percent(each.target)), figure(percent(each.share)), figure(String(each.events)),
      each.met === null ? toned(UNKNOWN) : { text: each.met ? "yes" : "no", tone: TONE[String(each.met)] },
      each.alerts.length ? { text: each.alerts.join(", "), tone: "bad" } : ""]), "none"));
  const money = [["spent in 30 days", usd(now.cost.spent_usd)], ["saved by the answer cache", usd(now.cost.saved_by_answer_cache_usd)],
    ["answers given again", now.cache.rate === null ? UNKNOWN : `${percent(now.cache.rate)} of ${now.cache.answered}`]];
  for (const each of now.cost.budgets) money.push([`budget of the ${each.period}`, `${percent(each.share)} of ${each.usd} USD`]);
  if (now.queue) for (const [name, value] of Object.entries(now.queue)) if (typeof value === "number") money.push([`queue: ${name.replaceAll("_", " ")}`, String(value)]);
  put("money", table(["what", "#value"], money.map(([what, value]) => [what, figure(value)]), "none"),
    element("p", now.queue ? "" : "no queue is set up", "dim"));
  const stops = Object.entries(now.lifecycle.stops).map(([scope, why]) => [`stop ${scope}`, { text: why || "no reason given", tone: "bad" }]);
  const flags = Object.entries(now.flags).map(([name, on]) => [name.replaceAll("_", " "), { text: on ? "on" : "off", tone: on ? "good" : "warn" }]);
  put("mode", table(["flag", "value"], [...stops, ...flags], "none"));
  put("decisions", table(["at", "decision", "tool", "class", "plan", "ended", "#took", "#cost", "attempts"], now.decisions.map((each) => {
    const open = element("button", each.id.slice(0, 10), "link");
    open.type = "button"; open.dataset.id = each.id; open.title = each.id;
    open.addEventListener("click", () => detail(each.id, now.jaeger));
    const ended = each.cached ? { text: "answered again", tone: "good" } : toned(each.ended.replaceAll("_", " "));
    if (!each.cached) ended.tone = TONE[each.ended] || "";
    return [time(each.at), open, each.tool, each.class, each.plan.join(" → ") || "none", ended, figure(seconds(each.seconds)),
      figure(usd(each.usd)), `${each.attempts}${each.simulated ? " (simulated)" : ""}`];
  }), "no decision yet"));
}

async function detail(id, jaeger) {
  const response = await fetch(`/status/decisions/${encodeURIComponent(id)}`);
  const body = byId("detail-body");
  byId("detail-title").textContent = `Decision ${id}`;
  if (!response.ok) { body.replaceChildren(element("p", await response.text(), "warn")); byId("detail").showModal(); return; }
  const found = await response.json();
  const nodes = [element("pre", found.explanation)];
  const longest = Math.max(0.001, ...found.attempts.map((each) => each.waited_seconds + each.seconds));
  nodes.push(table(["attempt", "route", "model", "#waited", "#took", "length", "came to"], found.attempts.map((each) => {
    const track = element("div", undefined, "track");
    const bar = element("div", undefined, each.failure ? "bar failed" : "bar");
    bar.style.width = `${(100 * (each.waited_seconds + each.seconds)) / longest}%`;
    track.append(bar);
    return [`${each.number}${each.hedge ? " (hedge)" : ""}`, each.route, each.model || UNKNOWN, figure(seconds(each.waited_seconds)),
      figure(seconds(each.seconds)), track, each.failure ? { text: each.failure, tone: "bad" } : { text: "answered", tone: "good" }];
  }), found.cached ? "answered from memory: nobody was asked" : "nobody was asked"));
  if (jaeger && found.trace_id) {
    const link = element("a", "Trace in Jaeger");
    link.href = `${jaeger.replace(/\/$/, "")}/trace/${encodeURIComponent(found.trace_id)}`;
    link.rel = "noreferrer"; link.target = "_blank";
    nodes.push(link);
  }
  body.replaceChildren(...nodes);
  byId("detail").showModal();
}

const events = new EventSource("/status/events");
events.addEventListener("message", (event) => show(JSON.parse(event.data)));
events.addEventListener("error", () => { const state = byId("state"); state.textContent = "no connection: what is shown is old"; state.className = "bad"; });
