/** The only reader of the browser's time; milliseconds since the Unix epoch. */
export function nowMs(): number {
  return Date.now();
}
