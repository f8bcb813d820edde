import { cliError } from './errors.ts';

/** One event may hold a page of details, no more. */
const EVENT_CHARACTERS_MAXIMUM = 1024 * 1024;

/**
 * Reads server-sent events (WHATWG HTML, 9.2): the JSON in their `data` lines. Named events (the heartbeat) are left out, for they
 * carry nothing.
 */
export async function* readServerEvents(stream: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  let name = '';
  for await (const piece of stream) {
    rest += decoder.decode(piece, { stream: true });
    if (rest.length > EVENT_CHARACTERS_MAXIMUM) throw cliError('unexpected-answer', 'an event of the stream is too long');
    // A lone carriage return at the end may be half of a line break.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (name === '' && data.length > 0) yield parseData(data.join('\n'));
        data = [];
        name = '';
      } else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
      else if (line.startsWith('event:')) name = line.slice(6).trim();
    }
  }
}

function parseData(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
