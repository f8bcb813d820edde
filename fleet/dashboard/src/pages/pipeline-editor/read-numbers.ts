/** Numbers as people write them in a line: `0.1, 0.2` or `0.1 0.2`. @returns undefined where something else stands there */
export function readNumbers(text: string): number[] | undefined {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const numbers = words.map(Number);
  return numbers.every((number) => Number.isFinite(number)) ? numbers : undefined;
}

/** Points, one a line or after a semicolon: `0.1, 0.2`. @returns undefined where a line has other than two numbers */
export function readPoints(text: string): [number, number][] | undefined {
  const lines = text.split(/[\n;]/).filter((line) => line.trim() !== '');
  const points = lines.map((line) => readNumbers(line.replaceAll(/[[\]]/g, ' ')));
  return points.every((point): point is [number, number] => point?.length === 2) ? points : undefined;
}
