import { addBoard, addFrame, addLine, addRectangle, emptyPanel, type Panel } from '../panel.ts';
import type { Random } from '../random.ts';
import { digits, isoDate, letters } from './codes.ts';
import { goods } from './words.ts';

const papers = ['#f7f6f1', '#fbfbfb', '#efe9d8', '#f4e9a8'];

/** A goods label: what it is, some numbers, a bar code. */
export function goodsLabel(random: Random): Panel {
  const panel = emptyPanel(420, 320);
  addBoard(panel, { fill: random.pick(papers), radius: 8 });
  const ink = random.pick(['#15151a', '#15151a', '#1c2a5c']);
  if (random.chance(0.4)) addFrame(panel, { fill: ink, inset: 8, width: 3 });
  const face = random.pick(['typed', 'printed', 'printed', 'highwayLight'] as const);
  const title = { text: random.pick(goods), face: random.pick(['highway', 'narrow', face] as const) };
  addLine(panel, { ...title, size: 46, fill: ink, x: 28, y: 46, align: 'left', widthMaximum: 360 });
  const facts = [
    `LOT ${letters(random, 1)}${digits(random, 4)}-${random.integer(1, 99)}`,
    `EXP ${isoDate(random)}`,
    `S/N ${digits(random, 4)}-${letters(random, 2)}${digits(random, 2)}`,
    `NET ${random.integer(1, 48)}.${random.integer(0, 9)} kg`,
    `REF ${digits(random, 6)}`,
    `QTY ${random.integer(1, 500)} PCS`,
  ];
  const first = random.integer(0, facts.length - 1);
  for (let row = 0; row < 3; row += 1) {
    const text = facts[(first + row) % facts.length] as string;
    addLine(panel, { text, face, size: 36, fill: ink, x: 28, y: 108 + row * 50, align: 'left', widthMaximum: 360 });
  }
  bars(panel, random, ink);
  return panel;
}

function bars(panel: Panel, random: Random, ink: string): void {
  for (let x = 30; x < 380; ) {
    const width = random.integer(1, 4) * 2;
    addRectangle(panel, { left: x, top: 248, right: x + width, bottom: 298 }, ink);
    x += width + random.integer(1, 3) * 2;
  }
}
