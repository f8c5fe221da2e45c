// The page reads and answers without this script. With it: posts stream in, answers come without a reload, lines are
// completed, times are the reader's own, and a number opens what it stands on.
"use strict";

const stream = document.getElementById("stream");
const bar = document.getElementById("bar");
const box = document.getElementById("box");
const line = document.getElementById("line");
const offers = document.getElementById("offers");
const trouble = document.getElementById("trouble");
const typed = [];
let recalled = 0;
let picked = -1;

const local = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});

function ownTimes(part) {
  for (const time of part.querySelectorAll("time[datetime]:not([data-keep])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent.trim();
    time.textContent = local.format(at);
    time.dataset.keep = "";
  }
}

function atEnd() {
  return window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 160;
}

function toEnd() {
  window.scrollTo({ top: document.documentElement.scrollHeight });
}

function append(html) {
  const follow = atEnd();
  const piece = document.createElement("template");
  piece.innerHTML = html;
  const message = piece.content.querySelector(".message");
  if (!message || document.getElementById(message.id)) return null;
  if (message.id.startsWith("post-")) slide(message);
  ownTimes(piece.content);
  stream.querySelector(".empty")?.remove();
  stream.append(message);
  if (follow) toEnd();
  return message;
}

// A corrected post takes the place of the one that it corrects.
function correct(html) {
  const piece = document.createElement("template");
  piece.innerHTML = html;
  const message = piece.content.querySelector(".message");
  const before = message && document.getElementById(message.id);
  if (!before) return void append(html);
  ownTimes(piece.content);
  before.replaceWith(message);
}

// The slider reaches up to the newest post.
function slide(message) {
  const at = document.getElementById("at");
  const time = Date.parse(message.querySelector("header time").dateTime) / 1000;
  if (!at || "past" in stream.dataset) return;
  const newest = at.value === at.max;
  at.max = Math.max(Number(at.max), Math.ceil(time));
  if (newest) at.value = at.max;
}

function listen() {
  const posts = new EventSource(`/stream?after=${encodeURIComponent(stream.dataset.last)}`);
  posts.addEventListener("post", (event) => append(event.data));
  posts.addEventListener("edit", (event) => correct(event.data));
  posts.addEventListener("bar", (event) => {
    const open = bar.querySelector("details[open]") !== null;
    if (open || bar.contains(document.activeElement)) return;
    bar.innerHTML = event.data;
    ownTimes(bar);
  });
  posts.addEventListener("open", () => { trouble.textContent = ""; });
  posts.addEventListener("error", () => { trouble.textContent = "The bot does not answer. The page tries again by itself."; });
}

async function ask(text) {
  trouble.textContent = "";
  try {
    const reply = await fetch("/command?fragment", { method: "POST", body: new URLSearchParams({ line: text }) });
    if (!reply.ok) throw new Error(`${reply.status} ${reply.statusText}`);
    const message = append(await reply.text());
    if (message) message.scrollIntoView({ block: "start" });
    return true;
  } catch (error) {
    trouble.textContent = `No answer: ${error.message}. Try again in a moment.`;
    return false;
  }
}

async function complete() {
  const text = line.value;
  if (!text.trim()) return offer([]);
  try {
    const reply = await fetch(`/suggest?line=${encodeURIComponent(text)}`);
    if (!reply.ok || line.value !== text || document.activeElement !== line) return;
    offer((await reply.json()).filter((value) => value !== text));
  } catch { offer([]); /* no suggestion is no trouble: the line can be typed to its end */ }
}

function offer(values) {
  offers.replaceChildren(...values.map((value, number) => {
    const item = document.createElement("li");
    item.id = `offer-${number}`;
    item.role = "option";
    item.textContent = value;
    return item;
  }));
  offers.hidden = !values.length;
  line.ariaExpanded = String(values.length > 0);
  pick(-1);
}

function pick(number) {
  picked = number;
  for (const [place, item] of [...offers.children].entries()) {
    item.ariaSelected = String(place === picked);
    if (place === picked) item.scrollIntoView({ block: "nearest" });
  }
  if (picked < 0) line.removeAttribute("aria-activedescendant");
  else line.setAttribute("aria-activedescendant", `offer-${picked}`);
}

function take(item) {
  line.value = `${item.textContent} `;
  offer([]);
  line.focus();
  complete();
}

function openGround(link) {
  const ground = document.getElementById(link.hash.slice(1));
  if (!ground) return;
  ground.closest("details").open = true;
  for (const marked of document.querySelectorAll(".grounds .marked")) marked.classList.remove("marked");
  ground.classList.add("marked");
  ground.scrollIntoView({ block: "nearest" });
  ground.focus({ preventScroll: true });
}

// What a number stands on, beside it: for a pointer that rests on it and for who comes by keyboard. Escape puts it away.
const told = document.createElement("div");
told.id = "told";
told.role = "tooltip";
told.hidden = true;
document.body.append(told);

function tell(link) {
  if (link.title) {  // without this script the browser shows it itself
    link.dataset.told = link.title;
    link.removeAttribute("title");
  }
  told.textContent = link.dataset.told;
  told.hidden = false;
  link.setAttribute("aria-describedby", told.id);
  const [place, size] = [link.getBoundingClientRect(), told.getBoundingClientRect()];
  const left = Math.min(place.left, document.documentElement.clientWidth - size.width - 8);
  const above = place.top - size.height - 6;
  told.style.left = `${Math.max(8, left)}px`;
  told.style.top = `${above > 8 ? above : place.bottom + 6}px`;
}

function untell() {
  document.querySelector("[aria-describedby=told]")?.removeAttribute("aria-describedby");
  told.hidden = true;
}

for (const [kind, act] of [["mouseover", tell], ["focusin", tell], ["mouseout", untell], ["focusout", untell]]) {
  document.addEventListener(kind, (event) => {
    const link = event.target.closest?.("a.figure");
    if (link) act(link);
  });
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") untell(); });
window.addEventListener("scroll", untell, { passive: true });

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  const text = form.elements.line.value.trim();
  if (!text) return;
  if (form === box) {
    typed.push(text);
    recalled = typed.length;
    line.value = "";
    offer([]);
  }
  if (!(await ask(text)) && form === box && !line.value) line.value = text;
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.figure");
  if (!link) return;
  event.preventDefault();
  openGround(link);
});

line.removeAttribute("list");  // the browser's own suggestions are for a page without script
line.role = "combobox";
line.ariaAutoComplete = "list";
line.ariaExpanded = "false";
line.setAttribute("aria-controls", "offers");
line.addEventListener("input", complete);
line.addEventListener("blur", () => offer([]));
line.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const open = !offers.hidden;
  if (event.key === "Escape" && open) offer([]);
  else if (event.key === "Enter" && open && picked >= 0) take(offers.children[picked]);
  else if (step && open) pick((picked + step + offers.children.length + (picked < 0 && step < 0 ? 1 : 0)) % offers.children.length);
  else if (step && typed.length && (!line.value || line.value === typed[recalled])) {
    recalled = Math.min(Math.max(recalled + step, 0), typed.length);
    line.value = typed[recalled] ?? "";
  } else return;
  event.preventDefault();
});
offers.addEventListener("mousedown", (event) => {
  event.preventDefault();
  const item = event.target.closest("li");
  if (item) take(item);
});

const at = document.getElementById("at");
at?.addEventListener("input", () => {
  document.querySelector("output[for=at]").textContent = local.format(new Date(at.value * 1000));
});
at?.addEventListener("change", () => {
  if (at.value === at.max) window.location.assign("/");
  else at.form.requestSubmit();
});

ownTimes(document);
if (window.location.hash) document.querySelector(window.location.hash)?.scrollIntoView();
else window.scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
if (!("past" in stream.dataset)) listen();
