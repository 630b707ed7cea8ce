// The browser's side of zhasr.microphone: collects samples and hands them to Python.
// No library and no network: the audio worklet is made from the text below.
const COLLECT = `
registerProcessor("collect", class extends AudioWorkletProcessor {
  process(inputs) {
    if (inputs[0].length) this.port.postMessage(inputs[0][0].slice());
    return true;
  }
});`;

const FALL = 0.99; // of the level, in 128 samples: it falls slowly, to be seen

function render({ model, el }) {
  const button = document.createElement("button");
  const meter = document.createElement("meter");
  const clock = document.createElement("span");
  const player = document.createElement("audio");
  const row = document.createElement("div");
  row.className = "zhasr-microphone";
  button.className = "zhasr-record jupyter-button";
  meter.max = 1;
  meter.high = 0.95; // overdriven
  player.controls = true;
  player.hidden = true;
  row.append(button, meter, clock, player);
  el.append(row);

  let recording = null;

  const say = (text) => {
    clock.textContent = text;
  };

  const showButton = () => {
    button.textContent = recording ? "■ Stop" : "● Record";
    button.setAttribute("aria-pressed", String(Boolean(recording)));
  };

  async function start() {
    if (!navigator.mediaDevices) {
      throw new Error("this page may not use a microphone; open it at localhost");
    }
    const stream = await navigator.mediaDevices.getUserMedia({
      // What makes telephone calls pleasant changes what a recogniser hears.
      audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false },
    });
    const context = new AudioContext();
    const url = URL.createObjectURL(new Blob([COLLECT], { type: "text/javascript" }));
    await context.audioWorklet.addModule(url);
    URL.revokeObjectURL(url);
    const source = context.createMediaStreamSource(stream);
    const collector = new AudioWorkletNode(context, "collect", { numberOfOutputs: 0 });
    const taken = { stream, context, pieces: [], samples: 0 };
    collector.port.onmessage = ({ data }) => {
      if (recording !== taken) return;
      taken.pieces.push(data);
      taken.samples += data.length;
      const peak = data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      meter.value = Math.max(peak, meter.value * FALL);
      const seconds = taken.samples / context.sampleRate;
      say(`${seconds.toFixed(1)} s`);
      if (seconds >= model.get("longest")) stop();
    };
    source.connect(collector);
    recording = taken;
    model.set("error", "");
    model.save_changes();
    showButton();
  }

  async function stop() {
    const { stream, context, pieces, samples } = recording;
    const rate = context.sampleRate;
    recording = null;
    stream.getTracks().forEach((track) => track.stop());
    await context.close();
    const joined = new Int16Array(samples);
    let place = 0;
    for (const piece of pieces) {
      for (const x of piece) {
        joined[place++] = Math.round(32767 * Math.min(1, Math.max(-1, x)));
      }
    }
    meter.value = 0;
    showButton();
    model.set("rate", rate);
    model.set("recording", new DataView(joined.buffer));
    model.set("count", model.get("count") + 1);
    model.save_changes();
    say(`${(samples / rate).toFixed(1)} s recorded`);
    player.src = URL.createObjectURL(wav(joined, rate));
    player.hidden = false;
  }

  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await (recording ? stop() : start());
    } catch (error) {
      const reason = `${error.name}: ${error.message}`;
      say(`no recording (${reason})`);
      model.set("error", reason);
      model.save_changes();
    }
    button.disabled = false;
  });

  showButton();
  say("not recorded yet");
  return () => {
    if (recording) recording.stream.getTracks().forEach((track) => track.stop());
  };
}

function wav(samples, rate) {
  const header = new DataView(new ArrayBuffer(44));
  const text = (place, letters) =>
    [...letters].forEach((x, i) => header.setUint8(place + i, x.charCodeAt(0)));
  text(0, "RIFF");
  header.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true); // bytes of this part
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, 1, true); // channel
  header.setUint32(24, rate, true);
  header.setUint32(28, 2 * rate, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  text(36, "data");
  header.setUint32(40, 2 * samples.length, true);
  return new Blob([header, samples], { type: "audio/wav" });
}

export default { render };
