import { cliError } from './errors.ts';
import { readPairs } from './options.ts';

/** `x=1x3x320x320` words as shapes. @throws StarlingError `usage` */
export function readShapes(words: readonly string[] | undefined, flag: string): Record<string, number[]> {
  const shapes: Record<string, number[]> = {};
  for (const [input, text] of Object.entries(readPairs(words, flag))) {
    if (!/^[1-9]\d{0,8}([x,][1-9]\d{0,8}){0,7}$/.test(text)) {
      throw cliError('usage', `"${text}" is no shape`, { field: flag, hint: 'write it like x=1x3x320x320' });
    }
    shapes[input] = text.split(/[x,]/).map(Number);
  }
  return shapes;
}
