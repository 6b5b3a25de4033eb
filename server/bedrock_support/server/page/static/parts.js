// Elements made of values. Text only ever enters by textContent.

export function el(tag, text, about = {}) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [name, value] of Object.entries(about)) made.setAttribute(name, value);
  return made;
}

export function unknown() {
  return el("span", "unknown", { class: "unknown" });
}

export function state(value) {
  return el("span", (value ?? "unknown").replaceAll("_", " "), { class: "state", "data-state": value ?? "unknown" });
}

const known = (value, worded) => (value === null || value === undefined ? unknown() : worded(value));
export const seconds = (value) => known(value, (s) => (s < 1 ? `${Math.round(s * 1000)} ms` : `${s.toFixed(2)} s`));
export const share = (value) => known(value, (s) => `${(s * 100).toFixed(1)} %`);
export const usd = (value) => known(value, (s) => `$${s < 0.01 && s > 0 ? s.toFixed(6) : s.toFixed(2)}`);
export const count = (value) => known(value, (s) => String(s));
export const time = (at) => new Date(at * 1000).toLocaleTimeString([], { hour12: false });

export function cell(content, about = {}, tag = "td") {
  const made = el(tag, null, about);
  made.append(content);
  return made;
}

export const head = (text) => cell(text, { scope: "row" }, "th");
export const number = (content) => cell(content, { class: "number" });

export function line(...cells) {
  const made = el("tr");
  made.append(...cells);
  return made;
}

export function none(columns, why) {
  return line(cell(el("span", why, { class: "unknown" }), { colspan: columns }));
}

export function pairs(rows) {
  return rows.flatMap(([name, content]) => {
    const value = el("dd");
    value.append(content);
    return [el("dt", name), value];
  });
}

export function bars(counts) {
  if (!counts) return unknown();
  const total = counts.reduce((sum, each) => sum + each, 0);
  const shown = counts.map((each) => (each ? Math.max(4, Math.round((100 * each) / total)) : 0));
  const named = ["10", "25", "50", "75", "100"].map((edge, at) => `up to ${edge} %: ${counts[at]}`);
  const made = el("div", null, { class: "bars", role: "img", "aria-label": `${named.join(", ")}, late: ${counts.at(-1)}` });
  for (const height of shown) {
    const bar = el("span");
    bar.style.height = `${height}%`;
    made.append(bar);
  }
  return made;
}

// Attempts one after another as their lengths say. A hedge runs beside the one before it; its start isn't kept.
export function waterfall(attempts) {
  let cursor = 0;
  let before = 0;
  const laid = attempts.map((each) => {
    const start = each.hedge ? before : cursor;
    const end = start + each.waited_seconds + each.seconds;
    before = start;
    cursor = Math.max(cursor, end);
    return { ...each, start };
  });
  const whole = Math.max(cursor, 1e-6);
  const made = el("div", null, { class: "fall" });
  for (const each of laid) {
    const track = el("span", null, { class: "track", "aria-hidden": "true" });
    const piece = (kind, from, length) => {
      const bar = el("span", null, { class: kind });
      bar.style.left = `${(100 * from) / whole}%`;
      bar.style.width = `${(100 * length) / whole}%`;
      track.append(bar);
    };
    if (each.waited_seconds) piece("waited", each.start, each.waited_seconds);
    piece(each.failure ? "lost" : "ran", each.start + each.waited_seconds, each.seconds);
    const ended = each.failure ? `, ${each.failure}` : "";
    const length = el("span", null, { class: "number" });
    length.append(seconds(each.seconds), ended);
    made.append(el("span", `${each.number}. ${each.channel ?? each.route}${each.hedge ? " (hedge)" : ""}`), track, length);
  }
  return made;
}
