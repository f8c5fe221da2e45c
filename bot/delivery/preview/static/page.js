// The page reads and answers without this script. With it: posts and readings stream in, answers come without a reload, lines
// are completed, times are the reader's own, a number opens what it stands on, Ctrl-K begins a command.
"use strict";

const stream = document.getElementById("stream");
const bar = document.getElementById("bar");
const box = document.getElementById("box");
const line = document.getElementById("line");
const offers = document.getElementById("offers");
const trouble = document.getElementById("trouble");
const words = document.body.dataset;
const typed = [];
let recalled = 0;
let picked = -1;

const page = document.documentElement;
const local = new Intl.DateTimeFormat(navigator.language.startsWith(page.lang) ? navigator.language : page.lang, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  timeZone: page.dataset.zone === "utc" ? "UTC" : undefined,
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

// The newest stands first.
function put(html) {
  const piece = document.createElement("template");
  piece.innerHTML = html;
  const message = piece.content.querySelector(".message");
  if (!message || document.getElementById(message.id)) return null;
  if (message.id.startsWith("post-")) slide(message);
  ownTimes(piece.content);
  offerCopies(message);
  stream.querySelector(".empty")?.remove();
  stream.prepend(message);
  return message;
}

// A corrected post takes the place of the one that it corrects.
function correct(html) {
  const piece = document.createElement("template");
  piece.innerHTML = html;
  const message = piece.content.querySelector(".message");
  const before = message && document.getElementById(message.id);
  if (!before) return void put(html);
  ownTimes(piece.content);
  offerCopies(message);
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

// A part that changed; what a reader has open or is on stays as it is.
function refresh(part, html) {
  if (part.contains(document.activeElement) && part !== bar) return;
  const open = part.open;
  const inner = [...part.querySelectorAll("details")].map((one) => one.open);
  if (part === bar && (inner.includes(true) || (open && part.contains(document.activeElement) && document.activeElement.tagName !== "SUMMARY"))) return;
  const focused = part === bar && part.contains(document.activeElement);
  part.innerHTML = html;
  ownTimes(part);
  if (focused) part.querySelector("summary").focus();
}

function listen() {
  const asset = encodeURIComponent(stream.dataset.asset);
  const posts = new EventSource(`/stream?after=${encodeURIComponent(stream.dataset.last)}&asset=${asset}`);
  posts.addEventListener("post", (event) => put(event.data));
  posts.addEventListener("edit", (event) => correct(event.data));
  for (const name of ["bar", "pin", "board"]) {
    posts.addEventListener(name, (event) => refresh(document.getElementById(name), event.data));
  }
  for (const name of ["pin", "board", "post"]) posts.addEventListener(name, () => deskCharts.renew());
  posts.addEventListener("open", () => { trouble.textContent = ""; });
  posts.addEventListener("error", () => { trouble.textContent = words.away; });
}

async function ask(text) {
  trouble.textContent = "";
  try {
    const reply = await fetch("/command?fragment", { method: "POST", body: new URLSearchParams({ line: text }) });
    if (!reply.ok) throw new Error(`${reply.status} ${reply.statusText}`);
    const message = put(await reply.text());
    if (message) message.scrollIntoView({ block: "start" });
    return true;
  } catch (error) {
    trouble.textContent = words.noAnswer.replace("{reason}", error.message);
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

// One panel for whatever a number stands on: its chart, usual range, rank, venues, time, formula.
const panel = document.createElement("dialog");
panel.id = "panel";
panel.innerHTML = '<form method="dialog"><button class="close"></button></form><div class="inside"></div>';
panel.querySelector(".close").textContent = words.close;
document.body.append(panel);
panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); });

async function openReading(address, before) {
  const inside = panel.querySelector(".inside");
  inside.replaceChildren(...(before ? [before] : []));
  if (!panel.open) panel.showModal();
  if (!address) return;
  try {
    const reply = await fetch(`${address}&fragment`);
    if (!reply.ok) return;
    const piece = document.createElement("template");
    piece.innerHTML = await reply.text();
    ownTimes(piece.content);
    offerCopies(piece.content);
    inside.append(piece.content);
    deskCharts.drawAll(inside);
    panel.setAttribute("aria-label", inside.querySelector("article").dataset.title);
  } catch { /* what the number itself says is there */ }
}

function openGround(link) {
  const ground = document.getElementById(link.hash.slice(1));
  if (!ground) return;
  const said = document.createElement("p");
  said.className = "ground";
  said.tabIndex = -1;
  said.innerHTML = ground.innerHTML;
  const message = link.closest(".message");
  const { reading } = link.dataset;
  const asset = message.dataset.asset || stream.dataset.asset;
  const address = reading ? `/reading/${reading}?asset=${encodeURIComponent(asset)}&at=${message.dataset.at}` : "";
  openReading(address, said);
  said.focus({ preventScroll: true });
}

// Copying as text: a message or a reading, without its buttons.
function offerCopies(part) {
  for (const button of part.querySelectorAll("button.copy")) button.hidden = !navigator.clipboard;
}

async function copyPicture(button) {
  const address = new URL(button.dataset.picture, window.location.href);
  if (!matchMedia("(prefers-color-scheme: dark)").matches && page.dataset.theme !== "dark" || page.dataset.theme === "light") address.searchParams.set("theme", "light");
  const picture = fetch(address).then((reply) => reply.blob());
  await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
}

async function copyText(button) {
  const whole = button.closest(".message, .reading");
  const parts = whole.matches(".message") ? whole.querySelector(".embed") : whole;
  const kept = parts.cloneNode(true);
  for (const gone of kept.querySelectorAll("button, .ways, picture, img, figure, svg")) gone.remove();
  const text = kept.innerText.replace(/[ \t]+/g, " ").replace(/\s*\n\s*\n\s*/g, "\n\n").trim();
  await navigator.clipboard.writeText(text);
}

async function copy(button) {
  const before = button.textContent;
  try {
    await (button.dataset.picture ? copyPicture(button) : copyText(button));
    button.textContent = words.copied;
  } catch (error) { button.textContent = words.noCopy.replace("{reason}", error.message); }
  setTimeout(() => { button.textContent = before; }, 1500);
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
  if (form.method !== "post" || form.getAttribute("action") !== "/command") return;
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
  const button = event.target.closest("button.copy");
  if (button) return void copy(button);
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const link = event.target.closest("a.figure");
  const reading = event.target.closest("a.cell, a.number");
  if (!link && !reading) return;
  event.preventDefault();
  if (link) openGround(link);
  else openReading(reading.getAttribute("href"), null);
});

// Ctrl-K begins a command wherever the reader is.
document.addEventListener("keydown", (event) => {
  if (!line || event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  event.preventDefault();
  if (panel.open) panel.close();
  line.value = "/";
  line.focus();
  complete();
});

if (line) {
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
}

const at = document.getElementById("at");
at?.addEventListener("input", () => {
  document.querySelector("output[for=at]").textContent = at.value === at.max ? words.now : local.format(new Date(at.value * 1000));
});
at?.addEventListener("change", () => {
  if (at.value === at.max) window.location.assign(`/?asset=${encodeURIComponent(stream.dataset.asset)}`);
  else at.form.requestSubmit();
});

ownTimes(document);
offerCopies(document);
deskCharts.drawAll(document);
if (window.location.hash) document.querySelector(window.location.hash)?.scrollIntoView();
if (stream && !("past" in stream.dataset)) listen();
