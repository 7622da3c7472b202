"use strict";

const told = JSON.parse(document.querySelector('meta[name="settings"]').content);
const at = (id) => document.getElementById(id);
const TOKEN = "keras-detector-token";

let asked = null; // the picture that was chosen last
let running = new AbortController();

class Refused extends Error {
  constructor(status, body) {
    super(`Expected ${body.expected}. Received: ${body.received}. ${body.advice}`);
    this.status = status;
  }
}

/** Send a picture; the answer, or a Refused with what the service says. */
async function send(path, picture, signal) {
  const headers = { "Content-Type": "application/octet-stream" };
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(path, { method: "POST", body: picture, headers, signal });
  if (!answer.ok) throw new Refused(answer.status, await answer.json());
  return answer;
}

async function judge(picture) {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  asked = picture;
  at("result").hidden = at("problem").hidden = true;
  if (picture.size > told.maxUpload) {
    return complain(`This file is larger than the ${megabytes(told.maxUpload)} that the service takes.`);
  }
  if (told.token && !sessionStorage.getItem(TOKEN)) return askForToken("");
  say("Looking at the picture", true);
  try {
    const row = await (await send("v1/predict", picture, signal)).json();
    showVerdict(row, picture);
    say("Drawing what speaks for it", true);
    const drawing = await (await send("v1/explain", picture, signal)).blob();
    show(at("heatmap"), drawing);
    at("explained").hidden = false;
    say("");
  } catch (error) {
    if (signal.aborted) return; // another picture was chosen
    if (error.status === 401) return askForToken("That token was not accepted.");
    complain(error instanceof Refused ? error.message : "The service does not answer. Try again.");
  }
}

function showVerdict(row, picture) {
  at("verdict").textContent = told.verdicts[row.verdict];
  at("result").dataset.verdict = row.verdict;
  at("reasons").replaceChildren(...row.reasons.map((reason) => {
    const item = document.createElement("li");
    item.textContent = told.reasons[reason];
    return item;
  }));
  at("score").textContent = row.score.toFixed(3);
  at("limit").textContent = row.threshold.toFixed(3);
  at("model").textContent = row.model;
  at("scale").style.setProperty("--score", row.score);
  at("scale").style.setProperty("--threshold", row.threshold);
  at("scale").setAttribute("aria-label", `Score ${row.score.toFixed(3)} on a scale from 0, photograph, to 1, AI`);
  at("file-name").textContent = picture.name;
  at("original").hidden = false;
  show(at("preview"), picture);
  at("explained").hidden = true;
  at("result").hidden = false;
  at("verdict").focus();
}

function show(image, blob) {
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
}

function say(text, busy = false) {
  at("status").textContent = text;
  at("status").classList.toggle("busy", busy);
}

function complain(text) {
  say("");
  const line = document.createElement("p");
  line.textContent = text;
  at("problem").replaceChildren(line);
  at("problem").hidden = false;
}

function askForToken(text) {
  sessionStorage.removeItem(TOKEN);
  say("");
  if (text) complain(text);
  at("token-form").hidden = false;
  at("token").focus();
}

function take(files) {
  if (files.length === 1) judge(files[0]);
  else if (files.length > 1) complain("One picture at a time, please; programs can send several.");
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toLocaleString(undefined, { maximumFractionDigits: 1 })} MB`;
}

at("limits").textContent = `${told.formats.join(", ")}, up to ${megabytes(told.maxUpload)}`;
at("heatmap").alt = `Your picture in grey; blue: ${told.heatmap[0]}, orange: ${told.heatmap[1]}`;
at("token-form").hidden = !told.token || Boolean(sessionStorage.getItem(TOKEN));
at("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = at("token").value.trim();
  at("token").value = "";
  // What was copied along with it cannot be sent.
  if (!/^[\x21-\x7e]+$/.test(token)) return askForToken("A token has ASCII letters only, and no spaces.");
  sessionStorage.setItem(TOKEN, token);
  at("token-form").hidden = at("problem").hidden = true;
  if (asked) judge(asked);
});
at("file").addEventListener("change", () => {
  take(at("file").files);
  at("file").value = ""; // the same picture may be chosen again
});
at("preview").addEventListener("error", () => { at("original").hidden = true; }); // TIFF, for one
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name === "drop") take(event.dataTransfer.files);
  });
}
document.addEventListener("paste", (event) => take(event.clipboardData.files));
