/** A line of a log: JSON as agents write it becomes time, level, message and facts; anything else stays as it is. */
export function readableLine(line: string): string {
  const entry = parse(line);
  if (entry === undefined) return line;
  const { time, level, message, ...facts } = entry;
  const words = Object.entries(facts).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [clockOf(time), String(level ?? '').padEnd(5), String(message ?? ''), ...words].join('  ').trimEnd();
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'message' in value ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** `2026-11-24 04:35:01.535` of an ISO time in UTC. */
function clockOf(time: unknown): string {
  return String(time ?? '')
    .replace('T', ' ')
    .replace('Z', '');
}
