import type { Random } from './random.ts';
import { SCENE_HEIGHT, SCENE_WIDTH, type SceneKind } from './scene.ts';

type Backdrop = (random: Random) => string;

/** What is behind the panels, as SVG that covers the whole picture. */
export function background(kind: SceneKind, random: Random): string {
  return random.pick(backdropsOf[kind])(random);
}

const backdropsOf: Readonly<Record<SceneKind, readonly Backdrop[]>> = {
  'street-sign': [sky, sky, bricks, foliage],
  'shop-sign': [bricks, plaster, windows],
  label: [cardboard, plaster, steel],
  plate: [bumper],
  container: [corrugation],
  warning: [plaster, steel, bricks, fence],
};

function hsl(hue: number, saturation: number, lightness: number): string {
  return `hsl(${hue.toFixed(0)}, ${saturation.toFixed(0)}%, ${lightness.toFixed(0)}%)`;
}

function fill(colour: string): string {
  return `<rect width="${SCENE_WIDTH}" height="${SCENE_HEIGHT}" fill="${colour}"/>`;
}

function gradient(id: string, from: string, to: string): string {
  return (
    `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${from}"/><stop offset="1" stop-color="${to}"/>` +
    `</linearGradient><rect width="${SCENE_WIDTH}" height="${SCENE_HEIGHT}" fill="url(#${id})"/>`
  );
}

function box(x: number, y: number, width: number, height: number, colour: string, opacity = 1): string {
  const numbers = [x, y, width, height].map((value) => value.toFixed(1));
  return `<rect x="${numbers[0]}" y="${numbers[1]}" width="${numbers[2]}" height="${numbers[3]}" fill="${colour}" opacity="${opacity}"/>`;
}

/** Soft round spots: leaves, stains, things out of focus. */
function spots(random: Random, options: { count: number; radius: [number, number]; colour: () => string; opacity: number }): string {
  return Array.from({ length: options.count }, () => {
    const [x, y] = [random.between(0, SCENE_WIDTH), random.between(0, SCENE_HEIGHT)];
    const radius = random.between(...options.radius);
    return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius.toFixed(1)}" fill="${options.colour()}" opacity="${options.opacity}"/>`;
  }).join('');
}

function sky(random: Random): string {
  const hue = random.between(200, 220);
  const parts = [gradient('sky', hsl(hue, 55, random.between(45, 65)), hsl(hue, 30, random.between(75, 88)))];
  parts.push(spots(random, { count: 8, radius: [40, 130], colour: () => '#ffffff', opacity: 0.16 }));
  const horizon = random.between(430, 560);
  for (let x = 0; x < SCENE_WIDTH; x += random.between(60, 150)) {
    const height = random.between(20, 190);
    parts.push(box(x, horizon - height, random.between(50, 140), height + 300, hsl(random.between(20, 45), 12, random.between(35, 60))));
  }
  parts.push(box(0, horizon, SCENE_WIDTH, 300, hsl(random.between(70, 110), 18, random.between(25, 40))));
  return parts.join('');
}

function foliage(random: Random): string {
  const colour = (): string => hsl(random.between(80, 130), random.between(25, 45), random.between(14, 42));
  return fill(colour()) + spots(random, { count: 260, radius: [8, 46], colour, opacity: 0.8 });
}

function bricks(random: Random): string {
  const hue = random.between(8, 28);
  const [width, height] = [random.between(60, 90), random.between(22, 32)];
  const parts = [fill(hsl(hue, 8, random.between(55, 72)))];
  for (let row = 0; row * height < SCENE_HEIGHT; row += 1) {
    for (let x = row % 2 === 0 ? 0 : -width / 2; x < SCENE_WIDTH; x += width) {
      parts.push(box(x + 2, row * height + 2, width - 4, height - 4, hsl(hue, random.between(28, 42), random.between(32, 46))));
    }
  }
  return parts.join('');
}

function plaster(random: Random): string {
  const hue = random.between(20, 220);
  const lightness = random.between(40, 80);
  const stain = (): string => hsl(hue, 10, lightness + random.between(-14, 10));
  return (
    gradient('wall', hsl(hue, 12, lightness + 6), hsl(hue, 12, lightness - 8)) +
    spots(random, { count: 70, radius: [10, 110], colour: stain, opacity: 0.22 })
  );
}

function windows(random: Random): string {
  const parts = [plaster(random)];
  const [columns, top] = [random.integer(2, 4), random.between(330, 400)];
  const width = SCENE_WIDTH / columns;
  for (let column = 0; column < columns; column += 1) {
    const x = column * width + width * 0.12;
    parts.push(
      box(x, top, width * 0.76, 420, hsl(210, 15, 22)),
      box(x + 8, top + 8, width * 0.76 - 16, 420, hsl(200, 22, random.between(30, 58))),
    );
    parts.push(box(x + 20, top + 30, width * 0.2, 300, '#ffffff', 0.12));
  }
  return parts.join('');
}

function cardboard(random: Random): string {
  const lightness = random.between(48, 62);
  const parts = [gradient('box', hsl(32, 38, lightness + 5), hsl(30, 36, lightness - 7))];
  for (let y = 0; y < SCENE_HEIGHT; y += 9) parts.push(box(0, y, SCENE_WIDTH, 3, '#5b3c1a', 0.07));
  const tape = random.between(60, 820);
  parts.push(box(tape, 0, 90, SCENE_HEIGHT, hsl(40, 30, 72), 0.5));
  return parts.join('');
}

function steel(random: Random): string {
  const lightness = random.between(45, 70);
  const parts = [gradient('steel', hsl(210, 6, lightness + 10), hsl(210, 6, lightness - 12))];
  for (let stroke = 0; stroke < 220; stroke += 1) {
    parts.push(box(random.between(-200, SCENE_WIDTH), random.between(0, SCENE_HEIGHT), random.between(80, 500), 1, '#ffffff', 0.16));
  }
  return parts.join('');
}

function fence(random: Random): string {
  const parts = [sky(random)];
  for (let x = -SCENE_HEIGHT; x < SCENE_WIDTH + SCENE_HEIGHT; x += 34) {
    parts.push(
      `<path d="M${x} 0L${x + SCENE_HEIGHT} ${SCENE_HEIGHT}M${x} 0L${x - SCENE_HEIGHT} ${SCENE_HEIGHT}" stroke="#6d7274" stroke-width="2.4"/>`,
    );
  }
  return parts.join('');
}

function bumper(random: Random): string {
  const hue = random.between(0, 360);
  const lightness = random.between(18, 60);
  const parts = [gradient('body', hsl(hue, 35, lightness + 16), hsl(hue, 35, lightness - 8))];
  const seam = random.between(70, 150);
  parts.push(box(0, seam, SCENE_WIDTH, 7, '#0c0c0c', 0.6), box(0, seam + 7, SCENE_WIDTH, 26, '#ffffff', 0.14));
  const skirt = random.between(500, 570);
  parts.push(
    box(0, skirt, SCENE_WIDTH, 200, '#121314'),
    box(120, skirt + 30, 160, 26, '#2c2e30'),
    box(680, skirt + 30, 160, 26, '#2c2e30'),
  );
  for (const x of [40, 800]) parts.push(box(x, 190, 120, 74, hsl(4, 70, 34)), box(x + 8, 198, 104, 26, hsl(6, 75, 52)));
  return parts.join('');
}

function corrugation(random: Random): string {
  const colour = random.pick([
    { hue: 12, saturation: 60, lightness: 34 },
    { hue: 215, saturation: 45, lightness: 32 },
    { hue: 150, saturation: 40, lightness: 26 },
    { hue: 28, saturation: 65, lightness: 38 },
    { hue: 210, saturation: 6, lightness: 40 },
  ]);
  const parts = [fill(hsl(colour.hue, colour.saturation, colour.lightness))];
  const pitch = random.between(44, 90);
  for (let x = -pitch; x < SCENE_WIDTH; x += pitch) {
    parts.push(box(x, 0, pitch * 0.22, SCENE_HEIGHT, '#000000', 0.2), box(x + pitch * 0.5, 0, pitch * 0.22, SCENE_HEIGHT, '#ffffff', 0.1));
  }
  const rust = (): string => hsl(18, 55, random.between(18, 32));
  parts.push(spots(random, { count: 40, radius: [2, 12], colour: rust, opacity: 0.5 }));
  return parts.join('');
}
