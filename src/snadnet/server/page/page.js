// The page: photos go to the service on this machine, and come back with their faces deblurred.

const photos = new Map();
const list = document.getElementById("photos");
const template = document.getElementById("photo-template");
const keepMetadata = document.getElementById("keep-metadata");
const SVG = "http://www.w3.org/2000/svg";
const RETRIES = 60;

class Photo {
  constructor(file) {
    this.file = file;
    this.leftOut = new Set();
    this.boxes = [];
    this.weights = "fidelity";
    this.strength = 1;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.find(".name").textContent = file.name || "pasted photo";
    const group = `weights-of-${++Photo.count}`;
    for (const radio of this.element.querySelectorAll(".weights input")) {
      radio.name = group;
      radio.addEventListener("change", () => { this.weights = radio.value; this.restore(); });
    }
    this.find(".strength").addEventListener("input", (event) => this.changeStrength(Number(event.target.value)));
    this.find(".remove").addEventListener("click", () => this.remove());
    this.find(".draw").addEventListener("click", () => this.draw(!this.drawing));
    this.watchDrawing();
    list.append(this.element);
  }

  find(selector) { return this.element.querySelector(selector); }

  say(text, bad = false) {
    const state = this.find(".state");
    state.textContent = text;
    state.classList.toggle("bad", bad);
  }

  busy(text) {
    this.say(text);
    this.find(".progress").hidden = false;
    this.element.setAttribute("aria-busy", "true");
  }

  ready(text, bad = false) {
    this.say(text, bad);
    this.find(".progress").hidden = true;
    this.element.removeAttribute("aria-busy");
  }

  async start() {
    this.busy("waiting");
    try {
      this.busy("looking for faces");
      const answer = await ask(`photos?name=${encodeURIComponent(this.file.name || "photo")}`, {
        method: "POST",
        body: this.file,
        headers: { "Content-Type": "application/octet-stream" },
      });
      Object.assign(this, { key: answer.photo, width: answer.width, height: answer.height, found: answer.faces });
      for (const face of this.found) {
        if (face.reason) this.leftOut.add(face.number);
      }
      photos.set(this.key, this);
      this.find(".boxes").setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
      this.find(".before").src = `photos/${this.key}/original`;
      await this.restore();
    } catch (error) {
      this.ready(error.message, true);
    }
  }

  async restore() {
    if (!this.key) return;
    const asked = (this.asked = (this.asked || 0) + 1);
    this.busy("deblurring");
    try {
      const answer = await ask(`photos/${this.key}/results`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          weights: this.weights,
          faces: this.found.map((face) => face.number).filter((number) => !this.leftOut.has(number)),
          boxes: this.boxes,
        }),
      });
      if (asked !== this.asked) return;
      this.result = answer.result;
      this.find(".view").hidden = false;
      this.find(".explained").textContent = answer.explained || "";
      this.showFaces(answer);
      this.showResult();
      this.ready(answer.summary);
    } catch (error) {
      if (asked === this.asked) this.ready(error.message, true);
    }
    showBar();
  }

  changeStrength(strength) {
    this.strength = strength;
    this.find(".strength-value").textContent = `${Math.round(100 * strength)} %`;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.showResult(), 120);
  }

  showResult() {
    if (!this.result) return;
    this.find(".after").src = `photos/${this.key}/results/${this.result}?strength=${this.strength}`;
    const link = this.find(".download");
    link.href = `photos/${this.key}/results/${this.result}/file?strength=${this.strength}&metadata=${metadata()}`;
  }

  showFaces(answer) {
    const overlay = this.find(".boxes");
    overlay.replaceChildren();
    const lines = this.find(".faces");
    lines.replaceChildren();
    for (const face of answer.faces) {
      overlay.append(this.outline(face));
      const line = document.createElement("li");
      line.textContent = `Face ${face.name}: ${face.reason || "deblurred"}`;
      line.classList.toggle("skipped", Boolean(face.reason));
      lines.append(line);
    }
  }

  outline(face) {
    const group = document.createElementNS(SVG, "g");
    group.classList.toggle("left-out", Boolean(face.reason));
    const [x, y, width, height] = face.box;
    const box = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ x, y, width, height })) box.setAttribute(key, value);
    const handle = document.createElementNS(SVG, "g");
    handle.setAttribute("class", "handle");
    handle.setAttribute("role", "button");
    handle.setAttribute("tabindex", "0");
    handle.setAttribute("aria-pressed", String(!face.reason));
    handle.setAttribute("aria-label", `face ${face.name}: ${face.reason ? "take it in" : "leave it out"}`);
    const radius = Math.max(this.width, this.height) / 55;
    const middle = { x: Math.max(radius, x), y: Math.max(radius, y) };
    const circle = document.createElementNS(SVG, "circle");
    const place = { cx: middle.x, cy: middle.y, r: radius };
    for (const [key, value] of Object.entries(place)) circle.setAttribute(key, value);
    const text = document.createElementNS(SVG, "text");
    text.setAttribute("x", middle.x);
    text.setAttribute("y", middle.y);
    text.style.fontSize = `${radius}px`;
    text.textContent = face.name;
    handle.append(circle, text);
    const toggle = () => this.toggle(face);
    handle.addEventListener("click", toggle);
    handle.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); toggle(); }
    });
    group.append(box, handle);
    return group;
  }

  toggle(face) {
    if (face.number === 0) {
      this.boxes = this.boxes.filter((box) => box.join() !== face.box.join());
    } else if (this.leftOut.has(face.number)) {
      this.leftOut.delete(face.number);
    } else {
      this.leftOut.add(face.number);
    }
    this.restore();
  }

  draw(on) {
    this.drawing = on;
    this.find(".draw").setAttribute("aria-pressed", String(on));
    const overlay = this.find(".boxes");
    overlay.classList.toggle("drawing", on);
    if (this.sketch) this.sketch.remove();
    this.sketch = null;
    if (!on) return;
    const side = Math.min(this.width, this.height) / 4;
    this.box = [this.width / 2 - side / 2, this.height / 2 - side / 2, side, side];
    this.sketch = document.createElementNS(SVG, "g");
    this.sketch.setAttribute("class", "new");
    this.sketch.append(document.createElementNS(SVG, "rect"));
    overlay.append(this.sketch);
    this.showSketch();
    overlay.setAttribute("tabindex", "0");
    overlay.focus();
    this.say("drag a box around the face; or move it by the arrow keys, size it with Shift, Enter takes it, Escape leaves");
  }

  showSketch() {
    const rect = this.sketch.firstElementChild;
    ["x", "y", "width", "height"].forEach((key, place) => rect.setAttribute(key, this.box[place]));
  }

  take() {
    const [x, y, width, height] = this.box.map(Math.round);
    this.draw(false);
    if (Math.min(width, height) < 8) { this.say("the box is too small; draw it around the whole face", true); return; }
    this.boxes.push([x, y, width, height]);
    this.restore();
  }

  watchDrawing() {
    const overlay = this.find(".boxes");
    const place = (event) => {
      const frame = overlay.getBoundingClientRect();
      return [
        ((event.clientX - frame.left) / frame.width) * this.width,
        ((event.clientY - frame.top) / frame.height) * this.height,
      ];
    };
    let from = null;
    overlay.addEventListener("pointerdown", (event) => {
      if (!this.drawing) return;
      from = place(event);
      overlay.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    overlay.addEventListener("pointermove", (event) => {
      if (!from) return;
      const to = place(event);
      this.box = [Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.abs(from[0] - to[0]), Math.abs(from[1] - to[1])];
      this.showSketch();
    });
    overlay.addEventListener("pointerup", () => {
      if (!from) return;
      from = null;
      this.take();
    });
    overlay.addEventListener("keydown", (event) => {
      if (!this.drawing) return;
      const step = Math.max(this.width, this.height) / 50;
      const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      if (event.key in moves) {
        const [right, down] = moves[event.key];
        const offset = event.shiftKey ? 2 : 0;
        this.box[offset] += right * step;
        this.box[offset + 1] += down * step;
        if (event.shiftKey) this.box = [this.box[0], this.box[1], Math.max(8, this.box[2]), Math.max(8, this.box[3])];
        this.showSketch();
      } else if (event.key === "Enter") {
        this.take();
      } else if (event.key === "Escape") {
        this.draw(false);
        this.say("");
      } else {
        return;
      }
      event.preventDefault();
    });
  }

  remove() {
    if (this.key) {
      photos.delete(this.key);
      fetch(`photos/${this.key}`, { method: "DELETE" });
    }
    this.element.remove();
    showBar();
  }
}
Photo.count = 0;

async function ask(url, options) {
  for (let tries = 0; ; tries += 1) {
    let answer;
    try {
      answer = await fetch(url, options);
    } catch {
      throw new Error("the service does not answer; is snadnet serve still running?");
    }
    if (answer.ok) return answer.json();
    if (answer.status === 503 && tries < RETRIES) {
      await new Promise((resolve) => { setTimeout(resolve, 1000 * Number(answer.headers.get("Retry-After") || 2)); });
      continue;
    }
    const problem = await answer.json().catch(() => ({ message: `the service answered with status ${answer.status}` }));
    throw new Error(problem.message);
  }
}

function metadata() { return keepMetadata.checked ? "keep" : "strip"; }

function finished() { return [...photos.values()].filter((photo) => photo.result); }

function showBar() { document.getElementById("bar").hidden = finished().length === 0; }

function takeFiles(files) {
  // One after the other: the service works on one photo of a page at a time.
  for (const file of files) {
    const photo = new Photo(file);
    photo.say("waiting");
    takeFiles.last = (takeFiles.last || Promise.resolve()).then(() => photo.start());
  }
}

document.getElementById("files").addEventListener("change", (event) => {
  takeFiles([...event.target.files]);
  event.target.value = "";
});
const drop = document.getElementById("drop");
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const kind of ["dragleave", "drop"]) {
  document.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.remove("over"); });
}
document.addEventListener("drop", (event) => takeFiles([...event.dataTransfer.files]));
document.addEventListener("paste", (event) => takeFiles([...event.clipboardData.files]));
keepMetadata.addEventListener("change", () => { for (const photo of photos.values()) photo.showResult(); });
document.getElementById("download-all").addEventListener("click", () => {
  const items = finished().map((photo) => `item=${photo.key}:${photo.result}:${photo.strength}`);
  const link = document.createElement("a");
  link.href = `photos.zip?${items.join("&")}&metadata=${metadata()}`;
  link.download = "deblurred.zip";
  link.click();
});
