import type { Point } from '../geometry.ts';
import { addBoard, addFrame, addLine, addPolygon, addRectangle, emptyPanel, type Panel } from '../panel.ts';
import type { Random } from '../random.ts';
import { advice, warnings } from './words.ts';

const heads = [
  { text: 'DANGER', fill: '#c3171c', ink: '#fbfbf7', board: '#fafaf5' },
  { text: 'WARNING', fill: '#ee7d11', ink: '#141210', board: '#fafaf5' },
  { text: 'CAUTION', fill: '#161616', ink: '#f7c70f', board: '#f7c70f' },
  { text: 'NOTICE', fill: '#1a4fa3', ink: '#fbfbf7', board: '#fafaf5' },
];

/** A safety plate: a signal word, a triangle, what is dangerous and what to do. */
export function warningPlate(random: Random): Panel {
  const head = random.pick(heads);
  const panel = emptyPanel(480, 330);
  const ink = '#15140f';
  addBoard(panel, { fill: head.board, radius: 14 });
  addRectangle(panel, { left: 12, top: 12, right: 468, bottom: 104 }, head.fill, 10);
  addFrame(panel, { fill: ink, inset: 5, width: 4, radius: 14 });
  addTriangle(panel, 70, 200);
  addLine(panel, { text: head.text, face: 'highway', size: 74, fill: head.ink, x: 240, y: 58, spacing: 0.04, widthMaximum: 400 });
  const [first = '', ...rest] = twoRows(random.pick(warnings));
  const face = random.pick(['highway', 'narrow', 'tall'] as const);
  const rows = [first, ...rest];
  rows.forEach((text, row) => {
    const y = rows.length === 1 ? 190 : 162 + row * 58;
    addLine(panel, { text, face, size: 52, fill: ink, x: 300, y, widthMaximum: 310 });
  });
  addLine(panel, { text: random.pick(advice), face: 'highwayLight', size: 32, fill: ink, x: 240, y: 288, widthMaximum: 430 });
  return panel;
}

/** Splits a long phrase at the blank nearest to its middle. */
function twoRows(text: string): string[] {
  const blanks = [...text].flatMap((character, place) => (character === ' ' ? [place] : []));
  if (text.length < 11 || blanks.length === 0) return [text];
  const [middle = 0] = blanks.toSorted((a, b) => Math.abs(a - text.length / 2) - Math.abs(b - text.length / 2));
  return [text.slice(0, middle), text.slice(middle + 1)];
}

function addTriangle(panel: Panel, x: number, y: number): void {
  const corners = (size: number): Point[] => [
    [x, y - size],
    [x + size * 0.95, y + size * 0.65],
    [x - size * 0.95, y + size * 0.65],
  ];
  addPolygon(panel, corners(56), '#15140f');
  addPolygon(panel, corners(44), '#f7c70f');
  addPolygon(
    panel,
    [
      [x - 5, y - 18],
      [x + 5, y - 18],
      [x + 3, y + 10],
      [x - 3, y + 10],
    ],
    '#15140f',
  );
  addRectangle(panel, { left: x - 4, top: y + 14, right: x + 4, bottom: y + 22 }, '#15140f');
}
