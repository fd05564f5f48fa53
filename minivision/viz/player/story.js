// The player of stories: what happens over an image, or over time, with a sentence for each step.

class Story extends Steps {
  constructor(host, data, options) {
    super(host, data, options);
    this.track = data.setting?.start ?? 0;
    this.scene = data.sequence ? new Sequence(data) : new Scene(data);
    this.list = element("ol", { class: "mv-story", "aria-label": "All steps" });
    this.body = element(
      "div",
      { class: `mv-body ${data.sequence ? "mv-wide" : ""}` },
      element("div", { class: "mv-left" }, ...this.#setting(), this.scene.root),
      this.list,
    );
    this.length = this.steps.length;
    this.build(options);
    this.legendOf(...(data.legend ?? []));
    this.listen(options);
    this.list.addEventListener("click", (event) => {
      const go = event.target.closest("[data-go]");
      if (go) this.jump(Number(go.dataset.go));
    });
    this.#fill();
    this.show(Math.min(data.start ?? (data.setting ? this.length - 1 : 0), this.length - 1));
  }

  get steps() {
    return this.data.tracks[this.track];
  }

  show(k) {
    const start = performance.now();
    this.scene.show(this.steps, k);
    this.tell(k, this.steps[k].say);
    this.#follow(k);
    this.drawn = performance.now() - start; // milliseconds
  }

  /** Choose another value of the setting; the step stays. */
  set(track) {
    this.track = track;
    this.settingValue.textContent = this.data.setting.values[track];
    this.settingSlider.value = track;
    this.settingSlider.setAttribute("aria-valuetext", this.settingValue.textContent);
    this.#fill();
    this.show(Math.min(this.at, this.length - 1));
  }

  #setting() {
    const setting = this.data.setting;
    if (!setting) return [];
    this.settingValue = element("output", {}, setting.values[setting.start]);
    const last = setting.values.length - 1;
    this.settingSlider = element("input", {
      type: "range",
      min: 0,
      max: last,
      value: setting.start,
      "aria-label": setting.label,
      "aria-valuetext": setting.values[setting.start],
    });
    this.settingSlider.addEventListener("input", () => this.set(Number(this.settingSlider.value)));
    return [
      element(
        "label",
        { class: "mv-setting" },
        element("span", {}, setting.label),
        this.settingValue,
        this.settingSlider,
      ),
    ];
  }

  #fill() {
    this.length = this.steps.length;
    this.slider.max = this.length - 1;
    this.list.replaceChildren(
      ...this.steps.map((step, k) => element("li", {}, element("button", { type: "button", "data-go": k }, step.say))),
    );
  }

  #follow(k) {
    const items = [...this.list.children];
    items.forEach((item, number) => {
      item.classList.toggle("mv-later", number > k);
      if (number === k) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    const { offsetTop, offsetHeight } = items[k];
    const list = this.list; // it scrolls by itself, so that the page stays where it is
    if (offsetTop < list.scrollTop || offsetTop + offsetHeight > list.scrollTop + list.clientHeight)
      list.scrollTop = offsetTop - list.clientHeight / 2;
  }
}

/** An image, the regions on it and the boxes over it. */
class Scene {
  constructor(data) {
    this.data = data;
    const [x, y, width, height] = data.view;
    this.unit = Math.max(width, height) / 480; // about a pixel of the screen
    this.overlays = [];
    const picture = (content, caption) => {
      const overlay = element("svg:svg", { viewBox: `${x} ${y} ${width} ${height}`, class: "mv-overlay", role: "img" });
      this.overlays.push(overlay);
      return element(
        "figure",
        { class: "mv-picture" },
        element("div", { style: `aspect-ratio: ${width} / ${height}` }, ...content, overlay),
        ...(caption ? [caption] : []),
      );
    };
    const image = data.image ? [element("img", { src: data.image, alt: "" })] : [];
    const pictures = [picture(image)];
    if (data.regions) {
      this.regions = new Regions(data.regions);
      this.caption = element("figcaption", {});
      pictures.push(picture([this.regions.canvas], this.caption));
    }
    this.root = element("div", { class: `mv-scene${data.regions ? " mv-both" : ""}` }, ...pictures);
  }

  show(steps, k) {
    const step = steps[k];
    if (this.regions) {
      this.regions.show(steps, k);
      this.caption.textContent =
        step.regions === 1 ? "1 region" : `${step.regions.toLocaleString("en")} regions, each in its mean color`;
    }
    const boxes = this.data.boxes.map(({ box, name, about }, n) => ({ box, name, about, mark: step.marks[n] }));
    const order = ["waiting", "dropped", "kept"];
    const all = [
      ...boxes.sort((a, b) => order.indexOf(a.mark) - order.indexOf(b.mark)),
      ...(step.boxes ?? []).map(([box, mark]) => ({ box, mark })),
    ];
    const focus = (step.focus ?? []).map(([n, mark]) => ({ box: this.data.boxes[n].box, mark }));
    for (const overlay of this.overlays) {
      overlay.setAttribute("aria-label", step.say);
      overlay.replaceChildren(
        ...[...all, ...focus].flatMap((one) => this.#box(one)),
        ...boxes.map((one) => this.#name(one)),
      );
    }
  }

  #box({ box: [x1, y1, x2, y2], mark }) {
    const around = { now: 5, rival: 5 }[mark] ?? 0; // pixels of the screen
    const by = around * this.unit;
    const place = {
      x: x1 - by,
      y: y1 - by,
      width: Math.max(x2 - x1 + 2 * by, 0),
      height: Math.max(y2 - y1 + 2 * by, 0),
    };
    const drawn = ["mv-rim", `mv-box mv-box-${mark}`].map((look) => element("svg:rect", { ...place, class: look }));
    if (mark !== "dropped") return drawn;
    const c = 5 * this.unit,
      [cx, cy] = [x2 - 2 * c, y1 + 2 * c];
    const cross = `M${cx - c} ${cy - c}L${cx + c} ${cy + c}M${cx + c} ${cy - c}L${cx - c} ${cy + c}`;
    return [...drawn, ...["mv-rim", "mv-box"].map((look) => element("svg:path", { d: cross, class: look }))];
  }

  #name({ box: [x1, y1], name, about, mark }) {
    const size = 13 * this.unit,
      width = (0.62 * name.length + 0.7) * size;
    return element(
      "svg:g",
      { class: `mv-name mv-name-${mark}` },
      element("svg:title", {}, `${name}: ${about}`),
      element("svg:rect", { x: x1, y: y1, width, height: 1.3 * size, rx: 0.25 * size }),
      element("svg:text", { x: x1 + width / 2, y: y1 + 0.68 * size, "font-size": size }, name),
    );
  }
}

/** A picture of regions, each in its mean color. Regions merge by union-find: a region points to the one it has joined. */
class Regions {
  constructor({ size: [height, width], labels, sums }) {
    [this.height, this.width, this.sums] = [height, width, sums];
    this.labels = new Int32Array(height * width);
    for (let i = 0, at = 0; i < labels.length; at += labels[i + 1], i += 2)
      this.labels.fill(labels[i], at, at + labels[i + 1]);
    this.canvas = element("canvas", { width, height });
  }

  /** Return for each initial region the one that stands for all it has merged with. */
  roots(steps, k) {
    const parent = Int32Array.from({ length: this.sums.length / 4 }, (_, region) => region);
    const find = (region) => {
      while (parent[region] !== region) region = parent[region] = parent[parent[region]];
      return region;
    };
    for (const { joins } of steps.slice(0, k + 1)) for (const [one, other] of joins) parent[find(one)] = find(other);
    return parent.map((_, region) => find(region));
  }

  show(steps, k) {
    const roots = this.roots(steps, k),
      sums = new Float64Array(this.sums.length);
    this.sums.forEach((value, i) => (sums[4 * roots[i >> 2] + (i & 3)] += value));
    const context = this.canvas.getContext("2d"),
      image = context.createImageData(this.width, this.height);
    this.labels.forEach((label, i) => {
      const root = roots[label],
        [row, column] = [Math.floor(i / this.width), i % this.width];
      const border =
        (column && roots[this.labels[i - 1]] !== root) || (row && roots[this.labels[i - this.width]] !== root);
      for (let c = 0; c < 3; c++)
        image.data[4 * i + c] = border ? 255 : Math.floor(sums[4 * root + c] / sums[4 * root + 3]);
      image.data[4 * i + 3] = 255;
    });
    context.putImageData(image, 0, 0);
  }
}

/** A hidden state over time: a column for each moment, with what comes in below and what goes out above. */
class Sequence {
  constructor(data) {
    const { states, inputs, outputs } = data.sequence;
    this.most = Math.max(...states.flat().map(Math.abs)) || 1;
    this.columns = states.map((state, t) => {
      const came = t ? inputs[t - 1] : "",
        gone = t && outputs ? outputs[t - 1] : "";
      const below = came.picture
        ? element("img", { src: came.picture, alt: "the picture that comes in" })
        : element("span", {}, came);
      return element(
        "div",
        { class: "mv-moment" },
        element("div", { class: "mv-out" }, gone ? element("span", {}, gone) : ""),
        element("div", { class: "mv-flow", "aria-hidden": "true" }, gone ? "↑" : ""),
        element(
          "div",
          { class: "mv-state" },
          t ? element("span", { class: "mv-flow", "aria-hidden": "true" }, "→") : "",
          this.#picture(state, data.sequence.shape, t),
        ),
        element("div", { class: "mv-flow", "aria-hidden": "true" }, came ? "↑" : ""),
        element("div", { class: "mv-in" }, below),
      );
    });
    this.strip = element(
      "div",
      { class: "mv-strip", tabindex: "0", role: "group", "aria-label": "Moments" },
      ...this.columns,
    );
    const image = data.image ? [element("img", { src: data.image, class: "mv-about", alt: "" })] : [];
    this.root = element("div", { class: "mv-scene" }, ...image, this.strip);
  }

  /** A cell is as strong as its number; one below 0 has a minus. */
  #picture(state, [rows, columns], t) {
    const label = t ? `hidden state after moment ${t}` : "the first hidden state";
    const cells = state.flatMap((value, i) => {
      const place = { x: i % columns, y: Math.floor(i / columns) };
      const look = value < 0 ? "mv-negative" : "mv-positive";
      const cell = element(
        "svg:rect",
        { ...place, width: 1, height: 1, class: look, "fill-opacity": Math.abs(value) / this.most },
        element("svg:title", {}, String(value)),
      );
      const minus = element("svg:path", { d: `M${place.x + 0.25} ${place.y + 0.5}h.5`, class: "mv-minus" });
      return value < 0 ? [cell, minus] : [cell];
    });
    return element(
      "svg:svg",
      {
        viewBox: `-.1 -.1 ${columns + 0.2} ${rows + 0.2}`,
        style: `width: ${Math.min(14 * columns, 130)}px`,
        role: "img",
        "aria-label": label,
      },
      ...cells,
    );
  }

  show(steps, k) {
    const { moment } = steps[k];
    this.columns.forEach((column, t) => {
      column.classList.toggle("mv-later", t > moment);
      column.classList.toggle("mv-now", t === moment);
    });
    const { offsetLeft, offsetWidth } = this.columns[moment],
      strip = this.strip;
    if (offsetLeft < strip.scrollLeft || offsetLeft + offsetWidth > strip.scrollLeft + strip.clientWidth)
      strip.scrollLeft = offsetLeft - strip.clientWidth / 2;
  }
}
