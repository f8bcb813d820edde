import type { IncomingMessage } from 'node:http';
import { API_BASE, problemDetailsSchema, StarlingError } from '@starling/shared';
import type { z } from 'zod';
import type { Connection } from './context.ts';
import { readServerEvents } from './server-events.ts';

/** Opens a file of the fleet. @param path below `/api/v1` @throws StarlingError with the code of the fleet's problem */
export async function openDownload(
  connection: Connection,
  path: string,
): Promise<{ stream: NodeJS.ReadableStream; name: string | undefined }> {
  const stream = await open(connection, path, '*/*');
  const [, name] = /filename="([A-Za-z0-9_.-]+)"/.exec(stream.headers['content-disposition'] ?? '') ?? [];
  return { stream, name };
}

/** Opens server-sent events of the fleet. @param path below `/api/v1` @throws StarlingError with the code of the fleet's problem */
export async function openStream(connection: Connection, path: string): Promise<AsyncGenerator<unknown>> {
  return readServerEvents(await open(connection, path, 'text/event-stream'));
}

async function open({ fleet, credential, transport }: Connection, path: string, accept: string): Promise<IncomingMessage> {
  const headers: Record<string, string> = { accept };
  if (credential.kind === 'token') headers.authorization = `Bearer ${credential.token}`;
  const answer = await transport.open(`${fleet}${API_BASE}${path}`, { method: 'GET', headers });
  if (answer.statusCode === 200) return answer;
  let text = '';
  for await (const piece of answer) text += String(piece);
  const problem = readProblem(text);
  throw new StarlingError(problem?.code ?? 'unexpected-answer', problem?.detail ?? `the fleet answered ${answer.statusCode}`, {
    ...(problem?.hint === undefined ? {} : { hint: problem.hint }),
  });
}

function readProblem(text: string): z.infer<typeof problemDetailsSchema> | undefined {
  try {
    return problemDetailsSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
