import { crc32, deflateSync } from "node:zlib";

/** Paints hills below a sky, and returns a PNG. `hue` is from 0 to 1. */
export function hills(width, height, hue) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      rows.set(colour(x / width, y / height, hue), y * (width * 3 + 1) + 1 + x * 3);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const chunks = [chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...chunks]);
}

function colour(x, y, hue) {
  const sun = Math.hypot((x - 0.7) * 1.5, y - 0.3);
  for (let layer = 3; layer > 0; layer--) {
    const line = 0.45 + layer * 0.11 + 0.07 * Math.sin(x * (4 + layer * 2) + layer * 2 + hue * 6);
    if (y > line) return rgb(hue + 0.05 * layer, 0.45, 0.5 - layer * 0.1);
  }
  return sun < 0.1 ? [255, 236, 200] : rgb(hue + 0.5 - y * 0.25, 0.55, 0.62 + y * 0.35);
}

function rgb(hue, saturation, light) {
  const spread = saturation * Math.min(light, 1 - light);
  return [0, 8, 4].map((offset) => {
    const place = (offset + hue * 12) % 12;
    return Math.round(255 * (light - spread * Math.max(-1, Math.min(place - 3, 9 - place, 1))));
  });
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
