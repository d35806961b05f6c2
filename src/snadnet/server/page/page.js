// The page: photos go to the service on this machine, and come back with their faces deblurred.

const photos = new Map();
const list = document.getElementById("photos");
const template = document.getElementById("photo-template");
const keepMetadata = document.getElementById("keep-metadata");
const SVG = "http://www.w3.org/2000/svg";
const RETRIES = 60;

const EXPLAINS = {
  well: "; the result explains the blur well",
  partly: "; the result explains the blur partly",
  hardly: "; the result hardly explains the blur: take the details as guesses",
};

class Photo {
  constructor(file) {
    this.file = file;
    this.leftOut = new Set();
    this.boxes = [];
    this.weights = "fidelity";
    this.strength = 1;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.name = file.name || "photo";
    this.find(".name").textContent = this.name;
    this.find(".remove").setAttribute("aria-label", `Remove ${this.name}`);
    const group = `weights-of-${++Photo.count}`;
    for (const radio of this.element.querySelectorAll(".weights input")) {
      radio.name = group;
      radio.addEventListener("change", () => { this.weights = radio.value; this.restore(); });
    }
    this.find(".strength").addEventListener("input", (event) => this.changeStrength(Number(event.target.value)));
    this.find(".remove").addEventListener("click", () => this.remove());
    this.find(".draw").addEventListener("click", () => this.draw(!this.drawing));
    this.watchDrawing();
    this.say("waiting");
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
    if (this.removed) return;
    this.busy("looking for faces");
    try {
      await this.file.slice(0, 1).arrayBuffer().catch(() => {
        throw new Error(`${this.name}: cannot be read; if it is a folder, choose the photos in it`);
      });
      const answer = await ask(`photos?name=${encodeURIComponent(this.name)}`, {
        method: "POST",
        body: this.file,
        headers: { "Content-Type": "application/octet-stream" },
      });
      Object.assign(this, { key: answer.photo, width: answer.width, height: answer.height, found: answer.faces });
      if (this.removed) { this.remove(); return; }
      this.chooseWeights(answer.weights);
      this.find(".notes").textContent = answer.notes.join("; ");
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

  // What the service was started with; its own network has no name here, and is offered only there.
  chooseWeights(name) {
    const radio = [...this.element.querySelectorAll(".weights input")].find((each) => each.value === name);
    radio.closest("label").hidden = false;
    radio.checked = true;
    this.weights = name;
  }

  async restore() {
    const asked = (this.asked = (this.asked || 0) + 1);
    this.busy("deblurring");
    // Until the new result is there, the old one is not what was asked for.
    this.result = null;
    this.find(".download").removeAttribute("href");
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
    this.showLink();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.showResult(), 120);
  }

  showLink() {
    if (!this.result) return;
    const place = `photos/${this.key}/results/${this.result}/file`;
    this.find(".download").href = `${place}?strength=${this.strength}&metadata=${metadata()}`;
  }

  showResult() {
    if (!this.result) return;
    this.find(".after").src = `photos/${this.key}/results/${this.result}?strength=${this.strength}`;
    this.showLink();
  }

  showFaces(answer) {
    const outlines = answer.faces.map((face) => outline(face));
    const handles = answer.faces.map((face) => this.handle(face));
    const lines = answer.faces.map((face) => {
      const line = document.createElement("li");
      line.textContent = `Face ${face.name}: ${face.reason || `deblurred${EXPLAINS[face.explains] || ""}`}`;
      line.classList.toggle("skipped", Boolean(face.reason));
      return line;
    });
    const focused = document.activeElement.closest(".handles") === this.find(".handles") && document.activeElement.textContent;
    this.find(".boxes").replaceChildren(...outlines, ...(this.sketch ? [this.sketch] : []));
    this.find(".handles").replaceChildren(...handles);
    this.find(".faces").replaceChildren(...lines);
    if (focused) (handles.find((each) => each.textContent === focused) || this.find(".draw")).focus();
  }

  handle(face) {
    const handle = document.createElement("button");
    handle.type = "button";
    handle.textContent = face.name;
    handle.setAttribute("aria-pressed", String(!face.reason));
    handle.setAttribute("aria-label", `face ${face.name}: ${face.reason ? "take it in" : "leave it out"}`);
    handle.style.setProperty("--left", `${(100 * face.box[0]) / this.width}%`);
    handle.style.setProperty("--top", `${(100 * face.box[1]) / this.height}%`);
    handle.addEventListener("click", () => this.toggle(face));
    return handle;
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
    if (!on) {
      overlay.removeAttribute("tabindex");
      this.find(".draw").focus();
      return;
    }
    const side = Math.min(this.width, this.height) / 4;
    this.box = [this.width / 2 - side / 2, this.height / 2 - side / 2, side, side];
    this.sketch = document.createElementNS(SVG, "g");
    this.sketch.setAttribute("class", "new");
    this.sketch.append(rectangle(this.box));
    overlay.append(this.sketch);
    overlay.setAttribute("tabindex", "0");
    overlay.focus();
    this.say("drag a box around the face; or move it by the arrow keys, size it with Shift, Enter takes it, Escape leaves");
  }

  showSketch() {
    this.sketch.replaceChildren(rectangle(this.box));
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
    this.removed = true;
    if (this.key) {
      photos.delete(this.key);
      fetch(`photos/${this.key}`, { method: "DELETE" });
    }
    this.element.remove();
    showBar();
  }
}
Photo.count = 0;

function rectangle(box) {
  const rect = document.createElementNS(SVG, "rect");
  ["x", "y", "width", "height"].forEach((key, place) => rect.setAttribute(key, box[place]));
  return rect;
}

function outline(face) {
  const group = document.createElementNS(SVG, "g");
  group.classList.toggle("left-out", Boolean(face.reason));
  group.append(rectangle(face.box));
  return group;
}

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
keepMetadata.addEventListener("change", () => { for (const photo of photos.values()) photo.showLink(); });
document.getElementById("download-all").addEventListener("click", () => {
  const items = finished().map((photo) => `item=${photo.key}:${photo.result}:${photo.strength}`);
  const link = document.createElement("a");
  link.href = `photos.zip?${items.join("&")}&metadata=${metadata()}`;
  link.download = "deblurred.zip";
  link.click();
});
