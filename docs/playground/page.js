// The page: what is written goes to the worker, and what it answers is shown.

import { edit } from "./editor.js";
import { decoded, encoded } from "./link.js";

const WAIT = 250; // milliseconds without a key before a spec is looked at
const MANY = 100;

const at = (id) => document.getElementById(id);
const spec = at("spec");
const editor = edit(spec, "ci-kaniko.yaml", () => edited());
const tabs = [...document.querySelectorAll("[role=tab]")];

/* -- the worker ------------------------------------------------------------------------------ */

const waiting = new Map();
let calls = 0;

// A worker that a blob starts keeps the rules of this page: it fetches from here only.
const program = new URL("worker.js", import.meta.url).href;
const start = new Blob([`import ${JSON.stringify(program)};`], { type: "text/javascript" });
const worker = new Worker(URL.createObjectURL(start), { type: "module" });

worker.addEventListener("message", ({ data }) => {
  if (data.failed) fail(data.failed);
  if (data.ready) begin().catch((error) => fail(error.message));
  if (!waiting.has(data.number)) return;
  const { resolve, reject } = waiting.get(data.number);
  waiting.delete(data.number);
  if ("error" in data) reject(new Error(data.error));
  else resolve(data.answer);
});
worker.addEventListener("error", (event) => fail(event.message || "its program was not found"));

function ask(name, ...words) {
  return new Promise((resolve, reject) => {
    calls += 1;
    waiting.set(calls, { resolve, reject });
    worker.postMessage({ number: calls, name, words });
  });
}

/* -- what is known of the spec --------------------------------------------------------------- */

let facts = null;
let edits = 0;
let found = []; // problems, each with the targets that it is about, or none when it is about all
let answers = {}; // by view
let chosen = "gitlab";
let beside = {}; // Dockerfiles that were pasted, by path
let timer = 0;

function edited() {
  edits += 1;
  at("panel").setAttribute("aria-busy", "true");
  clearTimeout(timer);
  timer = setTimeout(look, WAIT);
}

async function look() {
  if (!facts) return;
  const edit = edits;
  try {
    await study(spec.value, () => edit !== edits);
  } catch (error) {
    tell(bug(error).reason);
  }
  if (edit === edits) at("panel").setAttribute("aria-busy", "false");
}

async function study(text, isOld) {
  const { read, problems } = await ask("problems", text, beside);
  if (isOld()) return;
  if (!read) {
    found = problems.map((problem) => ({ ...problem, targets: [] }));
    for (const view of Object.keys(answers)) answers[view] = { ...answers[view], old: true };
    return show();
  }
  const views = [chosen, ...tabs.map((tab) => tab.dataset.view).filter((one) => one !== chosen)];
  const fresh = {};
  for (const view of views) {
    fresh[view] = view === "preview" ? await ask("preview", text) : await ask("render", text, view);
    if (isOld()) return;
    answers[view] = fresh[view];
    if (view === chosen) showResult();
  }
  found = merged(problems, fresh);
  show();
}

// What is wrong everywhere is said once; the rest is said of its targets.
function merged(problems, fresh) {
  const byPlace = new Map();
  const key = ({ line, column, where, rule, message }) =>
    JSON.stringify([line, column, line ? "" : where, rule, message]);
  for (const target of facts.targets) {
    for (const problem of fresh[target].problems) {
      const known = byPlace.get(key(problem)) ?? { ...problem, targets: [] };
      known.targets.push(target);
      byPlace.set(key(problem), known);
    }
  }
  for (const problem of problems) byPlace.set(key(problem), { ...problem, targets: [] });
  const list = [...byPlace.values()];
  for (const problem of list) {
    if (problem.targets.length === facts.targets.length) problem.targets = [];
  }
  const far = Number.MAX_SAFE_INTEGER;
  return list.sort(
    (one, other) =>
      (one.line ?? far) - (other.line ?? far) || (one.column ?? far) - (other.column ?? far),
  );
}

/* -- showing --------------------------------------------------------------------------------- */

function element(name, words = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(words)) {
    if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const title = (view) => tabs.find((tab) => tab.dataset.view === view).textContent;
const titles = (views) => views.map(title).join(", ");

const told = ({ targets, message }) =>
  targets.length ? `${titles(targets)}: ${message}` : message;

function tell(text) {
  at("status").textContent = text;
}

function bug(error) {
  return { text: null, reason: `This is a bug of ci-kaniko: ${error.message}` };
}

function fail(reason) {
  at("status").className = "failed";
  tell(`The playground could not be loaded: ${reason}. Load the page again to try once more.`);
}

function show() {
  editor.show(found.map((problem) => ({ ...problem, message: told(problem) })));
  showProblems();
  showResult();
  tell(verdict());
}

function verdict() {
  const errors = found.filter((problem) => problem.severity === "error" && !problem.targets.length);
  const refused = facts.targets.filter((target) => answers[target]?.text === null);
  const count = (list, word) => `${list.length} ${word}${list.length === 1 ? "" : "s"}`;
  if (errors.length) {
    const [first] = errors;
    const place = first.line ? `line ${first.line}: ` : "";
    return `${count(errors, "error")}. ${place}${first.message}`;
  }
  const warnings = found.filter((problem) => problem.severity === "warning");
  const parts = refused.length ? [`refused on ${titles(refused)}`] : ["every target takes it"];
  if (warnings.length) parts.push(count(warnings, "warning"));
  return `The spec can be read: ${parts.join(", ")}.`;
}

function showProblems() {
  const items = found.slice(0, MANY).map((problem) => {
    const place = problem.line ? `${problem.line}:${problem.column}` : problem.where;
    const parts = [
      element("span", { class: "place" }, `${place} ${problem.severity}`),
      element("span", { class: "text" }, told(problem)),
    ];
    if (problem.hint) parts.push(element("span", { class: "hint" }, problem.hint));
    const line = problem.line
      ? element("button", { type: "button" }, ...parts)
      : element("div", { class: "far" }, ...parts);
    if (problem.line) line.addEventListener("click", () => editor.select(problem));
    const rule = element("a", { href: `../rules/#${problem.rule}` }, problem.rule);
    return element("li", { class: problem.severity }, line, rule);
  });
  if (found.length > MANY) {
    items.push(element("li", {}, element("div", { class: "far" }, `${found.length - MANY} more`)));
  }
  at("problems").replaceChildren(...items);
}

/* -- results --------------------------------------------------------------------------------- */

function choose(view, { focus = false } = {}) {
  chosen = view;
  for (const tab of tabs) {
    const isChosen = tab.dataset.view === view;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.setAttribute("aria-controls", "panel");
    tab.tabIndex = isChosen ? 0 : -1;
    if (isChosen) {
      at("panel").setAttribute("aria-labelledby", tab.id);
      if (focus) tab.focus();
    }
  }
  showResult();
  at("result").scrollTo(0, 0);
}

function showResult() {
  for (const tab of tabs) {
    const answer = answers[tab.dataset.view];
    const isRefused = answer && (answer.text === null || answer.preview === null);
    tab.dataset.state = isRefused ? "refused" : "";
  }
  const answer = answers[chosen];
  const result = at("result");
  const isOld = Boolean(answer?.old);
  result.classList.toggle("old", isOld);
  at("file").textContent = chosen === "preview" ? "What each event does" : facts?.files[chosen];
  at("copy").hidden = !answer?.text;
  at("note").textContent = isOld ? "Of the last spec that could be read." : note();
  if (!answer) result.replaceChildren(element("p", {}, "Nothing yet."));
  else if (answer.text) result.replaceChildren(element("pre", {}, ...coloured(answer.text)));
  else if (answer.preview) result.replaceChildren(...tables(answer.preview));
  else result.replaceChildren(...refusal(answer.problems));
}

function note() {
  if (chosen !== "kubernetes" || !answers[chosen]?.text) return "";
  const commit = facts.values["commit.sha"].slice(0, 8);
  return `A manifest is of one commit; this one is of ${commit}, which is made up.`;
}

function coloured(text) {
  return text
    .split(/^(\s*#.*\n)/m)
    .map((part, index) => (index % 2 ? element("span", { class: "comment" }, part) : part));
}

function refusal(problems) {
  const items = problems
    .filter((problem) => problem.severity === "error")
    .map(({ line, message, hint }) =>
      element("li", {}, `${line ? `line ${line}: ` : ""}${message}${hint ? ` - ${hint}` : ""}`),
    );
  return [element("p", {}, "Refused:"), element("ul", {}, ...items)];
}

const OWN = ["pushes", "logs in to", "cache"]; // what has a column of its own

// A table whose parts are events; a column is there when some job has something to say in it.
function tables({ events, targets, refused }) {
  const rows = events.map(({ jobs }) => jobs.map(cells));
  const all = ["Job", "Pushes", "Logs in to", "Cache", "Also", "Elsewhere"];
  const kept = [...all.keys()].filter((index) => rows.flat().some((row) => row[index].length));
  const head = kept.map((index) => element("th", { scope: "col" }, all[index]));
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...head)));
  const whole = { colspan: kept.length };
  for (const [number, { title: heading, notes }] of events.entries()) {
    const top = element("th", { ...whole, scope: "rowgroup" }, heading);
    const jobs = rows[number].map((row) =>
      element("tr", {}, ...kept.map((index) => cell(row[index], index && all[index]))),
    );
    const said = Object.entries(notes).map(([target, note]) =>
      element("tr", {}, element("td", whole, `${title(target)}: ${note}`)),
    );
    table.append(element("tbody", {}, element("tr", {}, top), ...jobs, ...said));
  }
  const refusals = Object.entries(refused).map(([target, problems]) => {
    const said = [...new Set(problems.map((problem) => problem.message))];
    return element("p", {}, `Not on ${title(target)}: ${said.join("; ")}`);
  });
  return [element("p", {}, `On ${titles(targets)}.`), ...refusals, table];
}

function cells({ name, start, facts: said, others }) {
  const also = Object.entries(said).filter(([label]) => !OWN.includes(label));
  return [
    [element("p", {}, name), element("p", { class: "quiet" }, start)],
    ...OWN.map((label) => (said[label] ?? []).map((text) => element("p", {}, text))),
    also.map(([label, texts]) =>
      element("p", label === "stops" ? { class: "error" } : {}, `${label}: ${texts.join("; ")}`),
    ),
    Object.entries(others).map(([target, texts]) =>
      element("p", {}, `${title(target)}: ${texts.join("; ")}`),
    ),
  ];
}

function cell(lines, label) {
  return label
    ? element("td", { "data-label": label }, ...lines)
    : element("th", { scope: "row" }, ...lines);
}

/* -- doing ----------------------------------------------------------------------------------- */

async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    tell(done);
  } catch {
    tell("The browser does not let this page copy.");
  }
}

// A spec that comes from elsewhere is of another repository than what was pasted before.
function write(text, files = {}) {
  compare(files);
  spec.value = text;
  spec.focus();
}

for (const [index, tab] of tabs.entries()) {
  tab.addEventListener("click", () => choose(tab.dataset.view));
  tab.addEventListener("keydown", (event) => {
    const last = tabs.length - 1;
    const to = {
      ArrowLeft: index ? index - 1 : last,
      ArrowRight: index < last ? index + 1 : 0,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(tabs[to].dataset.view, { focus: true });
  });
}

at("copy").addEventListener("click", () =>
  copy(answers[chosen].text, `Copied ${facts.files[chosen]}.`),
);

at("copy-link").addEventListener("click", async () => {
  const place = new URL(location.href);
  place.hash = await encoded(spec.value);
  history.replaceState(null, "", place);
  await copy(place.href, "Copied a link that holds the spec.");
});

at("from-dockerfile").addEventListener("click", () => {
  at("reason").textContent = "";
  at("start").showModal();
});

at("make").addEventListener("click", async (event) => {
  event.preventDefault();
  const targets = [...document.querySelectorAll("[name=target]:checked")].map((box) => box.value);
  const words = [at("dockerfile").value, at("path").value, at("image").value, targets];
  const { text, reason, path } = await ask("init", ...words).catch(bug);
  at("reason").textContent = reason;
  if (text === null) return;
  at("start").close();
  write(text, { [path]: words[0] });
});

function compare(files) {
  beside = files;
  const [path] = Object.keys(files);
  at("compared").hidden = !path;
  at("compared-with").textContent = path ? `Compared with the pasted ${path}.` : "";
}

at("forget").addEventListener("click", () => {
  compare({});
  spec.focus();
  edited();
});

at("examples").addEventListener("click", () => at("choice").showModal());

addEventListener("hashchange", fromLink);

async function fromLink() {
  if (location.hash.length < 2) return false;
  try {
    write(await decoded(location.hash));
    return true;
  } catch {
    tell("The link holds no spec that can be read.");
    return false;
  }
}

async function examples() {
  const answer = await fetch(new URL("examples.json", import.meta.url));
  const list = Object.entries(await answer.json());
  for (const [name, text] of list) {
    const button = element("button", { type: "button" }, name);
    button.addEventListener("click", () => {
      at("choice").close();
      write(text);
    });
    at("list").append(button);
  }
  return list[0][1];
}

async function begin() {
  facts = await ask("facts");
  at("version").textContent = `Version ${facts.version}`;
  showResult();
  await look();
}

choose(chosen);
tell("Loading Python and ci-kaniko, 18 MB the first time…");
const first = await examples().catch((error) => {
  fail(error.message);
  return "";
});
if (!(await fromLink())) spec.value = first;
