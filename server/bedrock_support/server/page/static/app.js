// The same as an MCP App (SEP-1865, 2026-01-26): JSON-RPC by postMessage with the host that shows this frame.
import { cell, count, head, line, number, state } from "./parts.js";
import { at, mark, old, put, say, show, tell, whenChosen } from "./view.js";

const EVERY = 2000; // milliseconds between two pictures, while anybody can see them
const PATIENCE = 10000;
const waiting = new Map();
let last = 0;
let host = {};
let timer = null;
let over = false;

const post = (message) => window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
const notify = (method, params = {}) => post({ method, params });

function ask(method, params) {
  const id = ++last;
  return new Promise((resolve, reject) => {
    const timeout = setTimeout(() => { waiting.delete(id); reject(new Error(`${method}: no answer`)); }, PATIENCE);
    waiting.set(id, { resolve, reject, timeout });
    post({ id, method, params });
  });
}

async function call(argumentsGiven) {
  const result = await ask("tools/call", { name: "read_status_page", arguments: argumentsGiven });
  if (result.isError || !result.structuredContent) throw new Error(result.content?.[0]?.text ?? "no figures came");
  return result.structuredContent;
}

// The health that the tool call brought: all there is, until the first picture or where the host passes no calls on.
function components(found) {
  if (!found?.components) return;
  mark("overall", found.state);
  put("components", found.components.map((each) =>
    line(head(each.name.replaceAll("_", " ")), cell(state(each.state)), number(count(each.samples)), cell(each.evidence, { class: "wide" }))));
}

async function refresh() {
  if (over) return;
  if (!document.hidden) {
    try {
      show(await call({}));
    } catch (error) {
      old(`No figures: ${error.message}`);
    }
  }
  timer = over ? null : setTimeout(refresh, EVERY);
}

function dress(context) {
  if (context?.theme) document.documentElement.dataset.theme = context.theme;
  const font = context?.styles?.variables?.["--font-sans"];
  if (font) document.documentElement.style.setProperty("--font-sans", font);
}

const takes = {
  "ui/notifications/tool-result": (params) => components(params?.structuredContent),
  "ui/notifications/tool-cancelled": () => say("The call was cancelled"),
  "ui/notifications/host-context-changed": dress,
};
const answers = {
  ping: () => ({}),
  "ui/resource-teardown": () => {
    over = true;
    clearTimeout(timer);
    return {};
  },
};

window.addEventListener("message", (event) => {
  if (event.source !== window.parent || event.data?.jsonrpc !== "2.0") return;
  const { id, method, params, result, error } = event.data;
  if (method === undefined) {
    const asked = waiting.get(id);
    if (!asked) return;
    waiting.delete(id);
    clearTimeout(asked.timeout);
    if (error) asked.reject(new Error(error.message));
    else asked.resolve(result);
  } else if (id === undefined) {
    takes[method]?.(params);
  } else if (answers[method]) {
    post({ id, result: answers[method](params) });
  } else {
    post({ id, error: { code: -32601, message: `${method} isn't known here` } });
  }
});

whenChosen(async (id) => {
  const open = host.openLinks ? (url) => ask("ui/open-link", { url }).catch(() => say("The link wasn't opened")) : undefined;
  tell(await call({ decision_id: id }), open);
});

async function begin() {
  const told = await ask("ui/initialize", {
    protocolVersion: "2026-01-26",
    appInfo: { name: "bedrock-support-status", version: "1" },
    appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
  });
  host = told.hostCapabilities ?? {};
  dress(told.hostContext);
  notify("ui/notifications/initialized");
  let size = "";
  new ResizeObserver(() => {
    const { scrollWidth: width, scrollHeight: height } = document.body;
    if (size !== (size = `${width} ${height}`)) notify("ui/notifications/size-changed", { width, height });
  }).observe(document.body);
  if (host.serverTools) await refresh();
  else at("link").textContent = "this host passes no calls on: only the components are known";
}

begin().catch((error) => old(`No host answers: ${error.message}`));
