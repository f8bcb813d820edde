import { z } from 'zod';

const lineSchema = z.object({
  message: z.string(),
  file: z.string(),
  readings: z.array(z.string()).optional(),
  latencyMs: z.number().optional(),
  reason: z.string().optional(),
});
const PAINTED = /^scene-\d+\.jpg$/;

/**
 * Follows the agent's log, and says once what it read in each picture that somebody dropped into the folder; those that the demo painted
 * itself go by in silence.
 */
export function createDroppedReader(say: (text: string) => void): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    const entry = parse(line);
    if (entry === undefined || PAINTED.test(entry.file) || said.has(entry.file)) return;
    const { file, readings, latencyMs = 0, reason } = entry;
    if (readings === undefined && reason === undefined) return;
    said.add(file);
    if (readings === undefined) say(`${file}: not read, ${reason}`);
    else if (readings.length === 0) say(`${file}: no text found`);
    else say(`${file}: ${readings.map((text) => JSON.stringify(text)).join(' ')} in ${latencyMs} ms`);
  };
}

function parse(line: string): z.infer<typeof lineSchema> | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
