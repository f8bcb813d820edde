import { addBoard, addFrame, addLine, emptyPanel, type Panel } from '../panel.ts';
import type { Random } from '../random.ts';
import type { Typeface } from '../typefaces.ts';
import { shops, trades } from './words.ts';

const colours = [
  { board: '#1d2a33', ink: '#f0d9a4' },
  { board: '#7a1f23', ink: '#f7efe0' },
  { board: '#f3ead9', ink: '#5a2a17' },
  { board: '#21503b', ink: '#eae6c8' },
  { board: '#ececec', ink: '#b3261e' },
  { board: '#2c3f7c', ink: '#ffd34d' },
  { board: '#d98e2b', ink: '#2b1a0c' },
];
const faces: readonly Typeface[] = ['script', 'serif', 'tall', 'highwayLight', 'narrow'];

/** A fascia: a name, what is sold, perhaps the hours. */
export function shopSign(random: Random): Panel {
  const { board, ink } = random.pick(colours);
  const hours = random.chance(0.45);
  const panel = emptyPanel(640, hours ? 250 : 200);
  addBoard(panel, { fill: board, radius: random.pick([0, 0, 10, 30]) });
  if (random.chance(0.5)) addFrame(panel, { fill: ink, inset: 10, width: 3 });
  const face = random.pick(faces);
  const name = random.pick(shops);
  const text = face === 'tall' || (face !== 'script' && random.chance(0.3)) ? name.toUpperCase() : name;
  addLine(panel, { text, face, size: 96, fill: ink, x: 320, y: 82, widthMaximum: 560 });
  const trade = {
    text: random.pick(trades),
    face: random.pick(['narrow', 'highwayLight', 'serif'] as const),
    spacing: random.pick([0, 0.06]),
  };
  addLine(panel, { ...trade, size: 38, fill: ink, x: 320, y: 160, widthMaximum: 520 });
  if (hours) {
    const opening = `${random.chance(0.5) ? 'OPEN ' : ''}${random.integer(6, 11)}:${random.pick(['00', '30'])} - ${random.integer(16, 23)}:00`;
    addLine(panel, { text: opening, face: 'highwayLight', size: 32, fill: ink, x: 320, y: 212, widthMaximum: 520 });
  }
  return panel;
}
