import { background } from './background.ts';
import { look, type Seen } from './camera.ts';
import type { Bounds, Contour } from './geometry.ts';
import { panelsOf } from './kinds/index.ts';
import type { Shape } from './panel.ts';
import type { Random } from './random.ts';
import { SCENE_HEIGHT, SCENE_WIDTH, type SceneKind, type SceneText } from './scene.ts';

const MARGIN = 24;
const kinds: readonly SceneKind[] = ['street-sign', 'shop-sign', 'label', 'plate', 'container', 'warning'];
/** What may hang beside a panel of a kind. */
const neighbours: Readonly<Record<SceneKind, readonly SceneKind[]>> = {
  'street-sign': ['street-sign', 'warning'],
  'shop-sign': ['street-sign', 'shop-sign'],
  label: ['label', 'warning'],
  plate: [],
  container: ['label', 'warning'],
  warning: ['warning', 'label'],
};

export interface Composition {
  kind: SceneKind;
  texts: SceneText[];
  svg: string;
}

/** Panels on a background, in the light of the day. @param index kinds take turns, so that each is as frequent as the others */
export function compose(index: number, random: Random): Composition {
  const kind = kinds[index % kinds.length] as SceneKind;
  const behind = background(kind, random);
  const companions = neighbours[kind];
  const accompanied = companions.length > 0 && random.chance(0.4);
  const [main, side] = slots(accompanied, random);
  const seen: Seen[] = [look(panelsOf[kind](random), main, random)];
  if (side !== undefined) seen.push(look(panelsOf[random.pick(companions)](random), side, random));
  const shapes = seen.flatMap((each) => each.shapes.map(svgOf)).join('');
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${SCENE_WIDTH}" height="${SCENE_HEIGHT}">` +
    `${behind}${shapes}${shade(random)}${light(random)}</svg>`;
  return { kind, texts: seen.flatMap(({ texts }) => texts), svg };
}

function slots(accompanied: boolean, random: Random): [Bounds, Bounds?] {
  const [left, top, right, bottom] = [MARGIN, MARGIN, SCENE_WIDTH - MARGIN, SCENE_HEIGHT - MARGIN];
  if (!accompanied) {
    // A single panel is near or far.
    const width = (right - left) * random.between(0.5, 0.95);
    const x = left + (right - left - width) * random.between(0, 1);
    return [{ left: x, top, right: x + width, bottom }];
  }
  if (random.chance(0.5)) {
    const cut = random.between(0.5, 0.6) * SCENE_WIDTH;
    return [
      { left, top, right: cut - 10, bottom },
      { left: cut + 10, top, right, bottom },
    ];
  }
  const cut = random.between(0.55, 0.62) * SCENE_HEIGHT;
  return [
    { left, top, right, bottom: cut - 8 },
    { left, top: cut + 8, right, bottom },
  ];
}

function svgOf({ contours, fill, opacity }: Shape): string {
  const path = contours.map(pathOf).join('');
  return `<path d="${path}" fill="${fill}"${opacity === undefined ? '' : ` opacity="${opacity}"`}/>`;
}

function pathOf(contour: Contour): string {
  return `M${contour.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join('L')}Z`;
}

/** The shadow of a pole or a roof, across whatever is there. */
function shade(random: Random): string {
  if (!random.chance(0.3)) return '';
  const x = random.between(-100, SCENE_WIDTH);
  const [lean, width] = [random.between(-300, 300), random.between(40, 320)];
  const corners = [`${x} 0`, `${x + width} 0`, `${x + width + lean} ${SCENE_HEIGHT}`, `${x + lean} ${SCENE_HEIGHT}`];
  return `<path d="M${corners.join('L')}Z" fill="#05070c" opacity="${random.between(0.15, 0.42).toFixed(2)}"/>`;
}

/** Light from one side, and sometimes a glare. */
function light(random: Random): string {
  const [x1, y1] = [random.between(0, 1).toFixed(2), random.between(0, 1).toFixed(2)];
  const strength = random.between(0.05, 0.6).toFixed(2);
  const side =
    `<linearGradient id="light" x1="${x1}" y1="${y1}" x2="${random.between(0, 1).toFixed(2)}" y2="${random.between(0, 1).toFixed(2)}">` +
    `<stop offset="0" stop-color="#fff6df" stop-opacity="0.12"/><stop offset="1" stop-color="#04060c" stop-opacity="${strength}"/></linearGradient>` +
    `<rect width="${SCENE_WIDTH}" height="${SCENE_HEIGHT}" fill="url(#light)"/>`;
  if (!random.chance(0.22)) return side;
  const [x, y] = [random.between(0, SCENE_WIDTH).toFixed(0), random.between(0, SCENE_HEIGHT).toFixed(0)];
  const radius = random.between(80, 260).toFixed(0);
  return (
    `${side}<radialGradient id="glare"><stop offset="0" stop-color="#ffffff" stop-opacity="0.75"/>` +
    `<stop offset="1" stop-color="#ffffff" stop-opacity="0"/></radialGradient><circle cx="${x}" cy="${y}" r="${radius}" fill="url(#glare)"/>`
  );
}
