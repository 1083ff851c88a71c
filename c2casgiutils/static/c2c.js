// Keeps the page current, and adds keys and buttons to it. Without it everything works, by hand.
//
// The page requests itself as a document, which the browser parses, and takes over what differs. No text is
// parsed as HTML or as code here, so that `require-trusted-types-for 'script'` holds.

const SECOND = 1000;
const TIMEOUT = 4 * SECOND;
const MAX_WAIT = 60 * SECOND;
const NO_RIGHT = "You may not see this view any more.";
const FIELDS = "input, select, textarea, [contenteditable]";

const $ = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

// A browser may refuse the storage: then a choice lasts as long as the page.
const choices = {};

function recall(name) {
  try {
    return localStorage.getItem(`c2c.${name}`) ?? choices[name];
  } catch {
    return choices[name];
  }
}

function remember(name, value) {
  choices[name] = String(value);
  try {
    localStorage.setItem(`c2c.${name}`, value);
  } catch {
    // see above
  }
}

// For screen readers; what is seen stands beside it.
function say(text) {
  if ($("#said").textContent !== text) $("#said").textContent = text;
}

// Take over a new version of the page

function isTouched(field) {
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (!field.matches("select")) return field.value !== field.defaultValue;
  const options = [...field.options];
  const chosen = options.findLastIndex((option) => option.defaultSelected);
  return field.selectedIndex !== Math.max(chosen, options.length ? 0 : -1);
}

// What somebody is using is neither removed nor reset.
function isInUse(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return false;
  const fields = "input, select, textarea";
  return (
    node.contains(document.activeElement) ||
    [node, ...all(fields, node)].some((each) => each.matches(fields) && isTouched(each))
  );
}

// A secret stays until the visitor leaves, as no other answer has it.
const isShownOnce = (node) => node.nodeType === Node.ELEMENT_NODE && node.hasAttribute("data-once");

// Rows keep their places below a pointer, and while somebody walks through them by keyboard.
function isHeld(parent) {
  return parent.matches("tbody, ul, ol") && parent.closest("table, ul, ol").matches(":hover, :focus-within");
}

const keyOf = (node) => node.id || node.getAttribute?.("aria-labelledby");

function morph(old, wanted) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  if (old.hasAttribute("data-keep") || old.isEqualNode(wanted)) return;
  if (/^(SELECT|TEXTAREA)$/.test(old.nodeName) && isInUse(old)) return;
  for (const name of wanted.getAttributeNames()) {
    const value = wanted.getAttribute(name);
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const name of old.getAttributeNames()) {
    if (!wanted.hasAttribute(name) && name !== "open" && name !== "tabindex") old.removeAttribute(name);
  }
  morphChildren(old, wanted);
}

// Most elements have the same children in the same order, and need no more than this.
function morphEach(before, after) {
  const isAlike = (node, index) => node.nodeName === after[index].nodeName && keyOf(node) === keyOf(after[index]);
  if (before.length !== after.length || !before.every(isAlike)) return false;
  before.forEach((node, index) => morph(node, after[index]));
  return true;
}

function morphChildren(parent, wanted) {
  const before = [...parent.childNodes];
  if (morphEach(before, [...wanted.childNodes])) return;
  const keyed = new Map(before.filter(keyOf).map((node) => [keyOf(node), node]));
  const loose = before.filter((node) => !keyOf(node));
  const match = (node) => {
    if (keyOf(node)) return keyed.get(keyOf(node));
    const index = loose.findIndex((each) => each.nodeName === node.nodeName);
    return index < 0 ? undefined : loose.splice(index, 1)[0];
  };
  const after = [...wanted.childNodes].map((node) => {
    const old = match(node);
    if (old?.nodeName !== node.nodeName) return node;
    morph(old, node);
    return old;
  });
  const used = new Set(after);
  const places = new Map(before.map((node, place) => [node, place]));
  for (const node of before) {
    if (used.has(node)) continue;
    if (isInUse(node) || isShownOnce(node)) after.splice(places.get(node), 0, node);
    else node.remove();
  }
  if (isHeld(parent)) {
    const place = (node) => places.get(node) ?? before.length;
    after.sort((one, other) => place(one) - place(other));
  }
  let next = parent.firstChild;
  for (const node of after) {
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
}

function take(page) {
  const focused = document.activeElement;
  for (const part of ["header", "main"]) morph($(part), $(part, page));
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  known = lookOf(page);
  setClock();
}

// Ages

const moment = () => $("#at").getAttribute("datetime");
let skew = 0; // how much the clock of the service is ahead of ours

function setClock() {
  skew = Date.parse(moment()) - Date.now();
}

function duration(seconds) {
  let rest = Math.max(0, Math.floor(seconds));
  const parts = [];
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
    const number = Math.floor(rest / size);
    rest %= size;
    if (number || parts.length || size === 1) parts.push(`${number} ${unit}`);
  }
  return parts.slice(0, 2).join(" ");
}

function tick() {
  if (document.hidden) return;
  for (const time of all("time.age, time.left")) {
    const age = (Date.now() + skew - Date.parse(time.dateTime)) / SECOND;
    const text = duration(time.matches(".left") ? -age : age);
    if (time.textContent !== text) time.textContent = text;
  }
  if (trouble) {
    const seconds = (Date.now() - answered) / SECOND;
    $("#stale").textContent = `${trouble} for ${duration(seconds)}. ${showing()}`;
  }
}

const showing = () => `Showing data from ${moment().slice(11, 19)}.`;

// Request the page again

const lookOf = (page) => ({ title: page.title, icon: $("link[rel=icon]", page).getAttribute("href") });

let known = lookOf(document); // the title and the icon while the page is current
let answered = Date.now();
let misses = 0;
let trouble = ""; // why the page is not current; empty while it is
let isOver = !("live" in document.body.dataset); // such as the answer to a form
let tag = "";
let timer;
let request;

// That of the page; the answer to a form may be refreshed from another one.
const address = () => new URL(document.body.dataset.live ?? "", location);

const interval = () => Number(recall("every") ?? 5) * SECOND;

function schedule() {
  clearTimeout(timer);
  if (isOver || document.hidden || !interval()) return;
  // The first miss is checked soon; a service in trouble is asked less and less.
  const wait = misses === 1 ? SECOND : Math.min(interval() * 2 ** Math.max(0, misses - 2), MAX_WAIT);
  timer = setTimeout(refresh, wait * (0.9 + Math.random() / 5));
}

function refresh() {
  clearTimeout(timer);
  if (isOver || request) return;
  request = new XMLHttpRequest();
  request.open("GET", address());
  request.responseType = "document";
  request.overrideMimeType("text/html;charset=utf-8"); // errors of proxies may have no type
  request.timeout = TIMEOUT;
  if (tag) request.setRequestHeader("If-None-Match", tag);
  request.onloadend = ({ target }) => {
    request = undefined;
    receive(target);
    tick();
    schedule();
  };
  request.send();
}

function receive(answer) {
  const page = answer.response;
  if (answer.status === 304) return confirm();
  if (page?.body && "live" in page.body.dataset) {
    tag = answer.getResponseHeader("ETag") ?? "";
    take(page);
    return setTrouble("");
  }
  const reason = page?.body && $(".way-in", page)?.dataset.reason;
  if (reason === "session") return end(`Your session ended. Sign in again${kept()}.`, "Sign in");
  if (reason === "unchecked") return miss("Your rights could not be checked");
  if (reason === "right") return end(NO_RIGHT, "Reload");
  if (answer.status === 200 && page?.body && "title" in page.body.dataset) return finish(page);
  if (answer.status === 401 || answer.status === 403) return end(NO_RIGHT, "Reload");
  miss("No response");
}

function miss(why) {
  misses += 1;
  if (misses > 1) setTrouble(why);
}

// Nothing changed.
function confirm() {
  const now = new Date(Date.now() + skew).toISOString().slice(0, 19);
  $("#at").setAttribute("datetime", `${now}Z`);
  $("#at").textContent = `${now.replace("T", " ")} UTC`;
  setTrouble("");
}

function setTrouble(why) {
  const isNow = why !== "";
  if (!isNow) {
    misses = 0;
    answered = Date.now();
    $("#stale").textContent = "";
  }
  if (why !== trouble) say(isNow ? `${why}. ${showing()}` : "Up to date again.");
  trouble = why;
  document.documentElement.classList.toggle("stale", isNow);
  const icon = $("link[rel=icon]");
  document.title = isNow ? `? ${document.body.dataset.title}` : known.title;
  icon.setAttribute("href", isNow ? icon.dataset.stale : known.icon);
}

// What was waited for is there.
function finish(page) {
  take(page);
  setTrouble("");
  isOver = true;
}

function kept() {
  const typed = all(FIELDS).filter((field) => field.closest("main form[method=post]") && isTouched(field));
  const values = typed.filter((field) => field.type !== "checkbox").map((field) => field.value);
  return values.length ? `: your entry (${values.join(", ").slice(0, 80)}) is kept` : "";
}

// What is entered stays in the page; the link takes it along to the sign-in.
function end(text, action) {
  isOver = true;
  setTrouble(text);
  trouble = ""; // its text stays
  const entry = new URLSearchParams(address().search);
  for (const form of all("main form[method=post]").filter(isInUse)) {
    for (const [name, value] of new FormData(form)) entry.set(name, value);
  }
  const link = document.createElement("a");
  link.href = `?${entry}`;
  link.textContent = action;
  $("#stale").replaceChildren(`${text} `, link);
  say(text);
}

// Buttons

function choose(seconds) {
  if (interval()) remember("resumed", interval() / SECOND);
  remember("every", seconds);
  showInterval();
  if (seconds) refresh();
}

function showInterval() {
  if (!$("#every")) return;
  $("#every").value = String(interval() / SECOND);
  $("#pause").setAttribute("aria-pressed", String(!interval()));
}

function pause() {
  if (isOver) return;
  choose(interval() ? 0 : Number(recall("resumed") ?? 5));
  say(interval() ? "Resumed." : "Paused.");
}

// The other way to the clipboard is for HTTPS only, and a Permissions-Policy may forbid it.
function copy(command) {
  const code = all("code", command).at(-1);
  const pressed = all("summary, button", command).at(-1);
  command.closest("details").open = true;
  getSelection().selectAllChildren(code);
  const text = document.execCommand("copy") ? "Copied" : "Selected";
  say(`${text}: ${code.textContent}`);
  pressed.textContent = text;
  setTimeout(() => (pressed.textContent = pressed.matches("summary") ? "curl" : "Copy"), 2 * SECOND);
}

// A click that opens a command copies it, too; of several commands, each has a button.
function openCommand(event) {
  const command = event.target.closest(".curl");
  if (command.open || !$(":scope > code", command)) return;
  event.preventDefault();
  copy(command);
}

function onClick(event) {
  const { target } = event;
  if (target.id === "pause") pause();
  if (target.id === "help") $("#keys").showModal();
  if (target.matches(".curl > summary")) openCommand(event);
  if (target.matches(".curl button")) copy(target.parentElement);
}

function onChange({ target }) {
  if (target.id === "every") choose(Number(target.value));
  if (target.id === "keys-on") remember("keys", target.checked ? "on" : "off");
}

// Keys

const ROWS = "main .rows > tbody > tr, main .problems > li, main .level";
const PATIENCE = 2 * SECOND;

const current = () => document.activeElement.closest(ROWS);
const inRow = (selector) => current() && $(selector, current());
let going = 0; // when `g` was pressed, which waits for the letter of a view

function step(by) {
  const rows = all(ROWS).filter((row) => row.offsetParent);
  const next = rows[current() ? rows.indexOf(current()) + by : 0];
  if (!next) return;
  next.tabIndex = -1;
  next.focus();
}

function search() {
  const field = $("main input[type=search]");
  const levels = $(".views [data-key=l]");
  if (field) field.select();
  else if (levels) location.assign(`${levels.getAttribute("href")}#q`);
}

const KEYS = {
  "/": search,
  r: () => (isOver ? location.assign(location.pathname + location.search) : refresh()),
  p: pause,
  j: () => step(1),
  k: () => step(-1),
  e: () => inRow("button[name=end]")?.click(),
  c: () => copy(inRow(".curl:not(.none)") ?? $(".curl")),
  "?": () => $("#keys").showModal(),
  Escape: () => current() && document.activeElement.blur(),
};

function onKey(event) {
  const { key, target } = event;
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (recall("keys") === "off" || $("dialog[open]") || target.closest(FIELDS)) return;
  const isGoing = Date.now() - going < PATIENCE;
  going = !isGoing && key === "g" ? Date.now() : 0;
  let act = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  if (key === "Enter" && target === current()) act = () => inRow("a[href]")?.click();
  if (isGoing) act = () => $(`.views [data-key="${CSS.escape(key)}"]`)?.click();
  if (!act) return;
  event.preventDefault();
  act();
}

document.documentElement.classList.add("scripted");
document.addEventListener("click", onClick);
document.addEventListener("change", onChange);
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => (document.hidden || !interval() ? schedule() : refresh()));
$("#keys-on").checked = recall("keys") !== "off";
showInterval();
setClock();
setInterval(tick, SECOND);
schedule();
