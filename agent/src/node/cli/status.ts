import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reportedStateSchema, type SessionSettings, StarlingError } from '@starling/shared';
import { z } from 'zod';
import { tuningSchema } from '../../core/sessions/index.ts';
import { readAgentConfig } from '../config.ts';

const statusSchema = z.object({
  device: z.string(),
  link: z.string(),
  reported: reportedStateSchema,
  tunings: z.array(tuningSchema).default([]),
  spoolBytes: z.number(),
  httpPort: z.number(),
  pid: z.number(),
});

export async function showStatus(options: { dataDirectory?: string; json?: boolean }): Promise<void> {
  const { dataDirectory } = readAgentConfig({ dataDirectory: options.dataDirectory });
  const text = await readFile(join(dataDirectory, 'status.json'), 'utf8').catch((cause: unknown) => {
    throw new StarlingError('not-running', `no agent has run in ${dataDirectory}`, {
      field: 'dataDirectory',
      hint: 'start it with "starling-agent run"',
      cause,
    });
  });
  const status = statusSchema.parse(JSON.parse(text));
  if (!isAlive(status.pid))
    throw new StarlingError('not-running', 'the agent does not run at the moment', { hint: 'start it with "starling-agent run"' });
  if (options.json === true) return console.log(JSON.stringify(status));
  const { reported } = status;
  console.log(`device      ${status.device}`);
  console.log(`fleet       ${status.link}`);
  console.log(`state       ${reported.phase} (generation ${reported.epoch}.${reported.generation})`);
  console.log(`release     ${reported.running?.release.slice(0, 12) ?? 'none'}${reported.running?.verified === true ? ', verified' : ''}`);
  if (reported.error !== null) console.log(`error       ${reported.error.code}: ${reported.error.message}`);
  for (const { model, artefact, instead, reason } of reported.refused)
    console.log(
      `refused     ${model} ${artefact.slice(0, 12)}: ${reason}; ${instead === null ? 'nothing' : instead.slice(0, 12)} runs instead`,
    );
  for (const { model, settings, latencyMs, defaultLatencyMs, minimise } of status.tunings) {
    const goal = minimise === 'latency' ? '' : `, for least ${minimise}`;
    console.log(
      `tuned       ${model}: ${wordsOf(settings)}; ${latencyMs.toFixed(1)} ms instead of ${defaultLatencyMs.toFixed(1)} ms${goal}`,
    );
  }
  console.log(`telemetry   ${status.spoolBytes} bytes wait for the fleet`);
  console.log(`local API   http://127.0.0.1:${status.httpPort}/v1/status`);
}

function wordsOf({ provider, threads, spinning, arena, executionMode }: SessionSettings): string {
  const parts = [provider, threads === 0 ? 'threads by the engine' : `${threads} threads`, executionMode];
  return [...parts, ...(spinning ? ['spinning'] : []), ...(arena ? ['arena'] : [])].join(', ');
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
