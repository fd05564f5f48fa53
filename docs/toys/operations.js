// What the toys compute. Each function has the meaning of the function of minivision named above it; tests/toys
// compares
// them on random inputs. A box is [x1, y1, x2, y2]; its width is x2 - x1.

const area = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);

// The box that two boxes share; without width or height if they do not touch.
function intersection(a, b) {
  const x1 = Math.max(a[0], b[0]),
    y1 = Math.max(a[1], b[1]);
  return [x1, y1, Math.max(Math.min(a[2], b[2]), x1), Math.max(Math.min(a[3], b[3]), y1)];
}

// The smallest box around two boxes.
const hull = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];

// minivision.ops.box_iou, of one pair
function boxIou(a, b) {
  const shared = area(intersection(a, b));
  return shared > 0 ? shared / (area(a) + area(b) - shared) : 0;
}

// Rezatofighi et al., "Generalized intersection over union", CVPR 2019, algorithm 1
function generalizedIou(a, b) {
  const shared = area(intersection(a, b));
  const union = area(a) + area(b) - shared;
  const around = area(hull(a, b));
  return shared / union - (around - union) / around;
}

// The Euclidean distance of two boxes as points of four dimensions: the root of what an L2 loss sums.
const cornerDistance = (a, b) => Math.hypot(...a.map((coordinate, k) => coordinate - b[k]));

// minivision.ops.nms, with every decision: for each box, best score first, `by` is the kept box that suppresses it and
// `iou` their IoU (the first kept box above the threshold), or `by` is null and the box is kept.
function nmsSteps(boxes, scores, threshold) {
  const order = scores.map((_, k) => k).sort((i, j) => scores[j] - scores[i] || i - j);
  const kept = [];
  return order.map((box) => {
    const compared = kept.map((by) => ({ by, iou: boxIou(boxes[box], boxes[by]) }));
    const rival = compared.find(({ iou }) => iou > threshold);
    if (!rival) kept.push(box);
    return { box, compared, by: rival ? rival.by : null, iou: rival ? rival.iou : null };
  });
}

// C's round: halves away from zero
const roundHalfAway = (value) => Math.sign(value) * Math.floor(Math.abs(value) + 0.5) + 0;

// minivision.ops.roi_pool, of one map (rows of numbers) and one region. The edges of bin i are edges[i].
function roiPool(map, box, rows, columns) {
  const [left, top, right, bottom] = box.map(roundHalfAway);
  const edges = (first, last, bins) => {
    const step = Math.max(last - first + 1, 1) / bins;
    return Array.from({ length: bins }, (_, k) => [first + Math.floor(k * step), first + Math.ceil((k + 1) * step)]);
  };
  const down = edges(top, bottom, rows),
    across = edges(left, right, columns);
  const H = map.length,
    W = map[0].length;
  const bins = down.map(([y1, y2]) =>
    across.map(([x1, x2]) => {
      let value = null,
        place = null;
      for (let row = Math.max(y1, 0); row < Math.min(y2, H); row++) {
        for (let column = Math.max(x1, 0); column < Math.min(x2, W); column++) {
          if (value === null || map[row][column] > value) [value, place] = [map[row][column], [row, column]];
        }
      }
      return { box: [x1, y1, x2, y2], value: value ?? 0, place };
    }),
  );
  return { box: [left, top, right + 1, bottom + 1], bins };
}

// The two pixels next to a position, with their shares: minivision.ops.regions.neighbors
function neighbors(position, size) {
  if (position < -1 || position > size) return [];
  position = Math.min(Math.max(position, 0), size - 1);
  const lower = Math.floor(position),
    share = position - lower;
  return [
    [lower, 1 - share],
    [Math.min(lower + 1, size - 1), share],
  ];
}

// minivision.ops.roi_align(aligned=True), of one map and one region. A sample at (x, y) has four pixels with shares.
function roiAlign(map, box, rows, columns, samplingRatio) {
  const H = map.length,
    W = map[0].length;
  const points = (start, stop, bins) => {
    const size = (stop - start) / bins;
    const count = samplingRatio > 0 ? samplingRatio : Math.max(Math.ceil(size), 0);
    return Array.from({ length: bins }, (_, k) =>
      Array.from({ length: count }, (_, s) => start + k * size + ((s + 0.5) * size) / count),
    );
  };
  // 0.5 is the center of pixel 0
  const down = points(box[1] - 0.5, box[3] - 0.5, rows),
    across = points(box[0] - 0.5, box[2] - 0.5, columns);
  return down.map((ys) =>
    across.map((xs) => {
      const samples = ys.flatMap((y) =>
        xs.map((x) => {
          const pixels = neighbors(y, H).flatMap(([row, shareY]) =>
            neighbors(x, W).map(([column, shareX]) => ({
              row,
              column,
              share: shareY * shareX,
              value: map[row][column],
            })),
          );
          return { x: x + 0.5, y: y + 0.5, pixels, value: sum(pixels.map(({ share, value }) => share * value)) };
        }),
      );
      return { samples, value: samples.length ? sum(samples.map(({ value }) => value)) / samples.length : 0 };
    }),
  );
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

// minivision.detection.anchor_grid: row by row, column by column, all sizes of the first ratio (height / width), …
function anchorGrid(rows, columns, stride, sizes, ratios, offset) {
  const anchors = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const x = (column + offset) * stride,
        y = (row + offset) * stride;
      for (const ratio of ratios) {
        for (const size of sizes) {
          const width = size / Math.sqrt(ratio),
            height = size * Math.sqrt(ratio);
          anchors.push([x - width / 2, y - height / 2, x + width / 2, y + height / 2]);
        }
      }
    }
  }
  return anchors;
}

const BACKGROUND = -1,
  IGNORED = -2;

// minivision.detection.match: iou has a row for each object. `best` of an anchor: matched only as an object's best.
function matchAnchors(iou, foreground, background, lowQuality) {
  const largest = iou.map((row) => Math.max(0, ...row));
  return (iou[0] ?? []).map((_, anchor) => {
    const column = iou.map((row) => row[anchor]);
    const object = column.indexOf(Math.max(...column)),
      value = column[object];
    if (value >= foreground) return { match: object, iou: value, best: false };
    const isBest = column.some((each, k) => each > 0 && each === largest[k]);
    if (lowQuality && isBest) return { match: object, iou: value, best: true };
    return { match: value < background ? BACKGROUND : IGNORED, iou: value, best: false };
  });
}

// minivision.detection.encode_yolo, in an image whose sides are 1. `owners`: for each object its row, column, and which
// of the cell's boxes it has, or null where the cell had no box left.
function encodeYolo(boxes, labels, S, B, C) {
  const tensor = Array.from({ length: S }, () => Array.from({ length: S }, () => Array(5 * B + C).fill(0)));
  const sizes = boxes.map(area);
  const owners = [];
  for (const k of boxes.map((_, k) => k).sort((i, j) => sizes[j] - sizes[i] || i - j)) {
    const [x1, y1, x2, y2] = boxes[k];
    const x = ((x1 + x2) / 2) * S,
      y = ((y1 + y2) / 2) * S;
    const column = Math.min(Math.floor(x), S - 1),
      row = Math.min(Math.floor(y), S - 1);
    const cell = tensor[row][column];
    const free = Array.from({ length: B }, (_, b) => b).find((b) => cell[5 * b + 4] === 0) ?? null;
    owners[k] = { row, column, slot: free };
    if (free === null) continue;
    cell.splice(5 * free, 5, x - column, y - row, x2 - x1, y2 - y1, 1);
    cell[5 * B + labels[k] - 1] += 1;
  }
  for (const cell of tensor.flat()) {
    const objects = Array.from({ length: B }, (_, b) => cell[5 * b + 4]).reduce((total, one) => total + one, 0);
    for (let c = 0; c < C; c++) cell[5 * B + c] /= Math.max(objects, 1);
  }
  return { tensor, owners };
}
