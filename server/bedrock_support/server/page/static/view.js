// What both the page and the app show. Each brings its own way to the figures.
import { bars, cell, count, el, head, line, none, number, pairs, seconds, share, state, time, unknown, usd, waterfall } from "./parts.js";

export const at = (id) => document.getElementById(id);
export const put = (id, nodes) => at(id).replaceChildren(...nodes);
let told = "";
let states = "";

export function say(text) {
  if (text !== told) at("said").textContent = told = text;
}

export function mark(id, value) {
  at(id).textContent = value;
  at(id).dataset.state = value;
}

function card(name, route, guards) {
  const made = el("div", null, { class: "card" });
  const title = el("h3", name);
  title.append(state(route.state));
  const facts = el("dl");
  const rest = [["Samples", count(route.samples)], ["p50", seconds(route.p50_seconds)], ["p95", seconds(route.p95_seconds)]];
  for (const [channel, guard] of guards) {
    rest.push([`Breaker of ${channel}`, state(guard.breaker)], ["Busy / limit", `${guard.busy} / ${guard.limit}`]);
  }
  if (guards.length === 0) rest.push(["Breaker", unknown()]);
  facts.append(...pairs(rest));
  made.append(title, facts, el("p", route.note, { class: "quiet" }));
  return made;
}

// Draws a part anew only where its figures changed: a picture comes several times a second.
const drawn = new Map();
function draw(id, figures, nodes) {
  const text = JSON.stringify(figures);
  if (drawn.get(id) === text) return false;
  drawn.set(id, text);
  put(id, nodes(figures));
  return true;
}

function routes(seen) {
  const guards = Object.entries(seen.guards);
  return Object.entries(seen.routes).map(([name, route]) =>
    card(name, route, guards.filter(([channel]) => (channel === "direct") === (name === "direct"))));
}

function decision(each) {
  const open = el("button", time(each.at), { type: "button", "data-id": each.id, "aria-label": `Explain ${each.tool} at ${time(each.at)}` });
  const ended = cell(state(each.ended));
  if (each.cached) ended.append(" cached");
  if (each.simulated) ended.append(" simulated");
  return line(cell(open, { scope: "row" }, "th"), cell(each.tool), cell(each.operation_class), cell(each.route ?? "none"),
    ended, number(seconds(each.seconds)), number(usd(each.usd)));
}

function objective(each) {
  const gate = each.met === null ? "unknown" : each.met ? "met" : "missed";
  const alarm = each.fires === null ? "unknown" : each.fires ? "fires" : "quiet";
  return line(head(each.title), number(share(each.target)), number(share(each.share)), cell(state(gate)),
    number(each.burn === null ? unknown() : `${each.burn} x`), cell(state(alarm)));
}

function latency(each) {
  return line(head(each.operation_class), number(seconds(each.deadline_seconds)), number(count(each.samples)),
    number(seconds(each.p50_seconds)), number(seconds(each.p95_seconds)), number(share(each.within_deadline)), cell(bars(each.counts)));
}

function cost(found) {
  const budgets = found.budgets.map((each) =>
    [`Budget, ${each.period}${each.operation_class ? ` (${each.operation_class})` : ""}`, `$${each.spent_usd.toFixed(2)} of $${each.usd.toFixed(2)} (${(each.share * 100).toFixed(1)} %)`]);
  return pairs([["Calls in 30 days", count(found.calls)], ["Spent", usd(found.spent_usd)], ["Calls of unknown cost", count(found.unknown_cost_calls)],
    ["Answered from the cache", share(found.cache_hit_rate)], ["Saved by it", usd(found.saved_by_answer_cache_usd)],
    ...(budgets.length ? budgets : [["Budget", el("span", "none set", { class: "unknown" })]])]);
}

function queue(found) {
  if (!found) return pairs([["State", unknown()]]);
  return pairs([["Waiting", count(found.waiting)], ["Being worked on", count(found.leased)], ["Dead letters", count(found.dead)],
    ["Filled", `${found.live} of ${found.capacity}`], ["Oldest wait", found.waiting ? seconds(found.oldest_wait_seconds) : "none waits"]]);
}

export function show(seen) {
  mark("overall", seen.system.state);
  draw("routes", { routes: seen.routes, guards: seen.guards }, routes);
  draw("components", seen.system.components, (found) => found.map((each) =>
    line(head(each.name.replaceAll("_", " ")), cell(state(each.state)), number(count(each.samples)), cell(each.evidence, { class: "wide" }))));
  const focused = document.activeElement?.dataset?.id; // new rows must not take the focus away
  const anew = draw("decisions", seen.decisions, (found) => (found.length ? found.map(decision) : [none(7, "no decision yet")]));
  if (anew && focused) document.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  draw("latencies", seen.latencies, (found) => found.map(latency));
  draw("objectives", seen.objectives, (found) => found.map(objective));
  draw("cost", seen.cost, cost);
  draw("queue", seen.queue, queue);
  at("simulated").hidden = !seen.decisions.some((each) => each.simulated);
  const now = seen.system.components.map((each) => `${each.name} ${each.state}`).join(", ");
  if (now !== states) say(`System ${seen.system.state}. ${now.replaceAll("_", " ")}`);
  states = now;
  at("link").textContent = `live, ${time(seen.at)}`;
  document.documentElement.dataset.at = seen.at;
}

function conditions(found) {
  const list = el("ul");
  for (const [name, seen] of Object.entries(found.conditions)) {
    const why = seen.why_not ? `; not taken: ${seen.why_not}` : "";
    list.append(el("li", `${name}: ${seen.health}, ${seen.samples} samples, breaker ${seen.breaker}${why}`));
  }
  return list;
}

// One decision in the dialog. `open` follows a link to the trace, where the browser may not.
export function tell(found, open) {
  if (found.problem) {
    put("told", [el("p", found.problem)]);
  } else {
    const trace = el("p", found.trace ? `Trace ${found.trace}` : "Trace unknown: none was recorded");
    if (found.trace_url) {
      const link = el("a", "open in Jaeger", { href: found.trace_url, rel: "noreferrer" });
      if (open) link.addEventListener("click", (event) => { event.preventDefault(); open(found.trace_url); });
      trace.append(" ", link);
    }
    put("told", [el("p", `${found.tool}, ${found.operation_class}, row ${found.row}: ${found.ended}`), el("pre", found.explanation),
      el("h3", "Conditions"), conditions(found), el("h3", "Attempts"),
      found.attempts.length ? waterfall(found.attempts) : el("p", "no attempt was made", { class: "unknown" }),
      el("p", "Drawn one after another by how long they took (gray: waited for a place). When a hedge began isn't kept.", { class: "quiet" }), trace]);
  }
  at("detail").showModal();
}

// Calls `explain` with the id of a decision that was chosen.
export function whenChosen(explain) {
  at("decisions").addEventListener("click", (event) => {
    const id = event.target.closest("[data-id]")?.dataset.id;
    if (id) explain(id).catch(() => say("This decision can't be read now"));
  });
}

// A sandboxed frame may not submit forms, not even to close a dialog.
at("close").addEventListener("click", () => at("detail").close());

export function old(why) {
  at("link").textContent = why;
  mark("overall", "unknown");
  states = "";
  say(why);
}
