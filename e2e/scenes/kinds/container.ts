import { addLine, emptyPanel, type Panel } from '../panel.ts';
import type { Random } from '../random.ts';
import { containerNumber } from './codes.ts';

/** The markings of a freight container, painted straight onto its wall. */
export function containerMarkings(random: Random): Panel {
  const panel = emptyPanel(600, 330);
  const fill = random.pick(['#f4f4f0', '#f4f4f0', '#e8e2cf']);
  const face = random.pick(['highway', 'highwayLight', 'narrow', 'stencil'] as const);
  addLine(panel, { text: containerNumber(random), face, size: 84, fill, x: 10, y: 50, align: 'left', widthMaximum: 570 });
  const size = `${random.pick(['22', '42', '45', 'L5'])}${random.pick(['G1', 'R1', 'U1', 'P3'])}`;
  addLine(panel, { text: size, face, size: 70, fill, x: 10, y: 138, align: 'left' });
  const gross = random.pick([24000, 30480, 32500, 34000]);
  const tare = random.integer(205, 480) * 10;
  const small = { face: random.pick(['narrow', 'highwayLight'] as const), size: 40, fill, align: 'left' as const, x: 10 };
  addLine(panel, { ...small, text: `MAX GROSS ${gross} KG`, y: 222 });
  addLine(panel, { ...small, text: `TARE ${tare} KG`, y: 282 });
  return panel;
}
