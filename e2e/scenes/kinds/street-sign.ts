import type { Point } from '../geometry.ts';
import { addBoard, addFrame, addLine, addPolygon, emptyPanel, type Panel } from '../panel.ts';
import type { Random } from '../random.ts';
import { places, streets } from './words.ts';

const colours = [
  { board: '#0b6b3a', ink: '#f4f4ee' },
  { board: '#174a9c', ink: '#f6f6f2' },
  { board: '#6b3f1d', ink: '#f3ead6' },
  { board: '#f2f1ea', ink: '#1b1b1b' },
  { board: '#e9b50c', ink: '#1a1812' },
];

/** A name plate, or directions with arrows. */
export function streetSign(random: Random): Panel {
  return random.chance(0.45) ? namePlate(random) : directions(random);
}

function namePlate(random: Random): Panel {
  const { board, ink } = random.pick(colours);
  const panel = emptyPanel(520, 130);
  addBoard(panel, { fill: board, radius: 12 });
  addFrame(panel, { fill: ink, inset: 6, width: 4, radius: 12 });
  const numbered = random.chance(0.4);
  const face = random.pick(['highway', 'highwayLight', 'narrow', 'tall'] as const);
  const street = random.pick(streets);
  const text = face === 'tall' || random.chance(0.25) ? street.toUpperCase() : street;
  addLine(panel, { text, face, size: 62, fill: ink, x: 260, y: numbered ? 50 : 65, widthMaximum: 460 });
  if (numbered) {
    const from = random.integer(1, 180);
    addLine(panel, { text: `${from} - ${from + random.integer(2, 60)}`, face, size: 30, fill: ink, x: 260, y: 100, widthMaximum: 240 });
  }
  return panel;
}

function directions(random: Random): Panel {
  const { board, ink } = random.pick(colours);
  const count = random.integer(2, 3);
  const panel = emptyPanel(480, 40 + count * 92);
  addBoard(panel, { fill: board, radius: 18 });
  addFrame(panel, { fill: ink, inset: 7, width: 5, radius: 18 });
  const face = random.pick(['highway', 'highwayLight'] as const);
  for (let row = 0; row < count; row += 1) {
    const y = 66 + row * 92;
    addPolygon(panel, arrow(58, y, random.pick([0, 90, 180, 270])), ink);
    const distance = random.chance(0.5) ? ` ${random.integer(1, 240)} km` : '';
    addLine(panel, { text: random.pick(places) + distance, face, size: 50, fill: ink, x: 110, y, align: 'left', widthMaximum: 340 });
  }
  return panel;
}

function arrow(x: number, y: number, degrees: number): Point[] {
  const upright: Point[] = [
    [0, -30],
    [22, -6],
    [7, -6],
    [7, 30],
    [-7, 30],
    [-7, -6],
    [-22, -6],
  ];
  const [sin, cos] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
  return upright.map(([dx, dy]): Point => [x + dx * cos - dy * sin, y + dx * sin + dy * cos]);
}
