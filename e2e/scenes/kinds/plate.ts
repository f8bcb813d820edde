import { addBoard, addFrame, addLine, addRectangle, emptyPanel, type Panel } from '../panel.ts';
import type { Random } from '../random.ts';
import { digits, letters } from './codes.ts';

const regions = ['NORTHLAND', 'LAKE COUNTY', 'SUMMIT', 'BAY PROVINCE', 'HIGH PLAINS'];

/** A vehicle's number plate: with a band at the left, with a region on top, or on yellow. */
export function numberPlate(random: Random): Panel {
  return random.chance(0.35) ? shortPlate(random) : longPlate(random);
}

function longPlate(random: Random): Panel {
  const panel = emptyPanel(520, 112);
  const ink = '#16161a';
  addBoard(panel, { fill: random.pick(['#f5f5f0', '#f5f5f0', '#f0c419']), radius: 10 });
  addFrame(panel, { fill: ink, inset: 3, width: 3, radius: 10 });
  const banded = random.chance(0.6);
  if (banded) addRectangle(panel, { left: 6, top: 6, right: 50, bottom: 106 }, '#1b3f9c');
  const text = random.pick([
    `${letters(random, 2)} ${digits(random, 3)} ${letters(random, 2)}`,
    `${letters(random, 1)} ${letters(random, 2)} ${digits(random, 4)}`,
    `${letters(random, 2)}${digits(random, 2)} ${letters(random, 3)}`,
    `${digits(random, 4)} ${letters(random, 3)}`,
  ]);
  const face = random.pick(['narrow', 'tall', 'highway'] as const);
  addLine(panel, { text, face, size: 100, fill: ink, x: banded ? 284 : 260, y: 56, spacing: 0.03, widthMaximum: banded ? 420 : 460 });
  return panel;
}

function shortPlate(random: Random): Panel {
  const panel = emptyPanel(330, 165);
  const ink = random.pick(['#1c2a6b', '#7c1a20', '#173f2a']);
  addBoard(panel, { fill: '#f3f3ee', radius: 16 });
  addFrame(panel, { fill: ink, inset: 4, width: 3, radius: 16 });
  addLine(panel, { text: random.pick(regions), face: 'highway', size: 30, fill: ink, x: 165, y: 34, widthMaximum: 250 });
  const text = `${letters(random, 3)} ${digits(random, 4)}`;
  addLine(panel, { text, face: 'narrow', size: 84, fill: ink, x: 165, y: 100, spacing: 0.03, widthMaximum: 296 });
  return panel;
}
