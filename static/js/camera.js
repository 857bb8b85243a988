/* Reads a code with the device's camera into a scan field, as a scanner would. Loaded when somebody asks for it: the
   decoder weighs 400 kB. Pictures never leave the device. */

const FORMATS = ["DataMatrix", "QRCode", "Code128", "EAN13", "ITF", "Aztec", "PDF417"];
const OPTIONS = { formats: FORMATS, tryHarder: true, maxNumberOfSymbols: 4, textMode: "Plain" };
const SIDE = 960; // pixels of the square that is read: the square that is seen
const PAUSE = 80; // ms between two looks
const PATIENCE = 8000; // ms until advice is given
const REFUSED = {
  NotAllowedError: "The browser may not use the camera. Allow it in the browser's settings for this site, then try again.",
  NotFoundError: "No camera was found on this device.",
  NotReadableError: "The camera is used by another program. Close that, then try again.",
};
const INSTEAD = "A scanner, or typing the code that is printed beneath, does the same.";

let decoder = null;

const loaded = (source) =>
  new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = resolve;
    script.onerror = () => reject(new Error("The reader of codes could not be loaded."));
    document.head.append(script);
  });

const prepared = async ({ reader, wasm }) => {
  if (!decoder) {
    if (!window.ZXingWASM) await loaded(reader);
    decoder = window.ZXingWASM;
    await decoder.prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: true });
  }
  return decoder;
};

const made = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

/* GS1 content keeps the identifier of its symbology, which tells it from a text that only looks alike; a chain of identity
   without its check character keeps it too: it was read, not typed. */
const BARE_IDENTITY = /^C[HX][A-Z0-9]{13}$/;
const isMarked = (result) => result.contentType === "GS1" || BARE_IDENTITY.test(result.text);
const textOf = (result) => (isMarked(result) ? result.symbologyIdentifier + result.text : result.text);

class Camera {
  constructor(field, label) {
    this.field = field;
    this.takesMany = field.dataset.scan === "many";
    this.taken = [];
    this.video = made("video", { muted: true, playsInline: true });
    this.words = made("p", { className: "cgt-camera-words" });
    this.words.setAttribute("role", "status");
    this.buttons = made("div", { className: "cgt-row" }, this.button(this.takesMany ? "Done" : "Cancel", () => this.dialog.close()));
    const title = made("h2", { id: "cgt-camera-title", textContent: label });
    this.dialog = made("dialog", { className: "cgt-camera" }, title, made("div", { className: "cgt-camera-view" }, this.video), this.words, this.buttons);
    this.dialog.setAttribute("aria-labelledby", title.id);
    this.dialog.addEventListener("close", () => this.end());
    this.canvas = made("canvas", { width: SIDE, height: SIDE });
    this.hide = () => document.hidden && this.dialog.close();
  }

  button(text, act) {
    const button = made("button", { type: "button", className: "btn", textContent: text });
    button.addEventListener("click", act);
    return button;
  }

  async open(places) {
    document.body.append(this.dialog);
    document.addEventListener("visibilitychange", this.hide);
    this.dialog.showModal();
    this.tell("Starting the camera…");
    try {
      const [reader] = await Promise.all([prepared(places), this.start("environment")]);
      this.reader = reader;
    } catch (error) {
      this.tell(`${REFUSED[error.name] ?? `The camera could not be started (${error.message}).`} ${INSTEAD}`);
      this.stop();
      return;
    }
    if (!this.dialog.open) return this.stop();
    await this.offerMore();
    this.began = performance.now();
    this.tell("Bring one code into the picture.");
    this.look();
  }

  async start(facing, deviceId) {
    this.stop();
    const video = { width: { ideal: 1920 }, height: { ideal: 1080 } };
    Object.assign(video, deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: facing } });
    this.stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  /* A light where the camera has one, and the other cameras: neither is known before the first one runs. */
  async offerMore() {
    const [track] = this.stream.getVideoTracks();
    if (track.getCapabilities?.().torch) {
      let lit = false;
      this.buttons.append(this.button("Light", () => track.applyConstraints({ advanced: [{ torch: (lit = !lit) }] })));
    }
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
    if (cameras.length > 1) {
      let nth = cameras.findIndex((device) => device.deviceId === track.getSettings().deviceId);
      this.buttons.append(this.button("Other camera", () => this.start("", cameras[(nth = (nth + 1) % cameras.length)].deviceId)));
    }
  }

  async look() {
    if (!this.dialog.open) return;
    const { videoWidth: width, videoHeight: height } = this.video;
    if (width) {
      const side = Math.min(width, height);
      const pen = this.canvas.getContext("2d", { willReadFrequently: true });
      pen.drawImage(this.video, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE);
      const found = await this.reader.readBarcodes(pen.getImageData(0, 0, SIDE, SIDE), OPTIONS);
      this.judge([...new Set(found.filter((one) => one.isValid && one.text).map(textOf))]);
    }
    setTimeout(() => this.look(), PAUSE);
  }

  /* Taken is what two looks in a row read alike, and alone: which of two codes was meant nobody can know. */
  judge(texts) {
    const [text] = texts;
    const again = texts.length === 1 && text === this.seen;
    this.seen = texts.length === 1 ? text : null;
    if (texts.length > 1) this.tell("Several codes are in the picture. Bring only one into it.");
    else if (again && this.dialog.open) this.take(text);
    else if (!texts.length && performance.now() - this.began > PATIENCE) {
      this.tell(`Hold the code flat, a hand's breadth away, in good light. ${INSTEAD}`);
    }
  }

  take(text) {
    if (!this.takesMany) {
      this.taken = [text];
      this.dialog.close();
    } else if (!this.taken.includes(text)) {
      this.taken.push(text);
      navigator.vibrate?.(80);
      this.tell(`${this.taken.length} scanned. Last: ${text}. Go on, or choose Done.`);
    }
  }

  tell(words) {
    if (this.words.textContent !== words) this.words.textContent = words;
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
  }

  end() {
    this.stop();
    document.removeEventListener("visibilitychange", this.hide);
    this.dialog.remove();
    this.field.focus();
    if (!this.taken.length) return;
    const before = this.takesMany ? this.field.value.split(/\s*[,;]\s*/).filter(Boolean) : [];
    this.field.value = [...new Set([...before, ...this.taken])].join(", ");
    for (const kind of ["input", "change"]) this.field.dispatchEvent(new Event(kind, { bubbles: true }));
    if (this.takesMany) return;
    navigator.vibrate?.(80);
    this.field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true })); // on to the next field
  }
}

/** Open the camera for a field, once. `places`: where the decoder's script and its WebAssembly are. */
export const scan = async (field, label, places) => {
  if (!document.querySelector("dialog.cgt-camera[open]")) await new Camera(field, label).open(places);
};
