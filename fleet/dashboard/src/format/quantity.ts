/** A figure and its unit apart, so that the unit can be set smaller. */
export interface Quantity {
  figure: string;
  unit: string;
}

export const nothing: Quantity = { figure: '–', unit: '' };

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function counted(value: number): string {
  return grouped.format(value);
}

/** Three significant digits at most, two below one: `0.012`, `1.25`, `12.5`, `125`, `12,500`. */
export function compact(value: number): string {
  if (Math.abs(value) >= 100) return counted(value);
  return Number(value.toPrecision(Math.abs(value) >= 1 ? 3 : 2)).toString();
}

function scaled(value: number, units: readonly string[], factor = 1000): Quantity {
  let step = 0;
  let scaledValue = value;
  while (Math.abs(scaledValue) >= factor && step < units.length - 1) {
    scaledValue /= factor;
    step += 1;
  }
  return { figure: step === 0 && Number.isInteger(scaledValue) ? counted(scaledValue) : compact(scaledValue), unit: units[step] ?? '' };
}

export const bytesOf = (bytes: number | null): Quantity => (bytes === null ? nothing : scaled(bytes, ['B', 'kB', 'MB', 'GB', 'TB']));
export const joulesOf = (joules: number | null): Quantity => (joules === null ? nothing : scaledJoules(joules));
export const percentOf = (share: number | null): Quantity =>
  share === null ? nothing : { figure: compact(Math.round(share * 1000) / 10), unit: '%' };
export const rateOf = (perSecond: number | null): Quantity => (perSecond === null ? nothing : { figure: compact(perSecond), unit: '/s' });

export function millisecondsOf(lengthMs: number | null): Quantity {
  return lengthMs === null ? nothing : scaled(lengthMs, ['ms', 's']);
}

function scaledJoules(joules: number): Quantity {
  if (joules !== 0 && Math.abs(joules) < 1) return { figure: compact(joules * 1000), unit: 'mJ' };
  return scaled(joules, ['J', 'kJ', 'MJ']);
}

export function inWords({ figure, unit }: Quantity): string {
  return unit === '' ? figure : `${figure} ${unit}`;
}
