import { cborDecode, type HomeMessage, workerMessageSchema } from '@starling/shared';
import { expect, test } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { createWorkerStreams, type StreamTopic } from './worker-streams.ts';

const [FIRST, SECOND] = ['a', 'b'].map((letter) => letter.repeat(64)) as [string, string];
const topic: StreamTopic = { pipeline: 'read', part: 'cloud' };

function start() {
  const sent: string[] = [];
  const closed: string[] = [];
  const streams = createWorkerStreams({
    clock: { monotonicMs: () => 0 } as Clock,
    openPart(_home, { release }) {
      let items = 0;
      return {
        async run() {
          items += 1;
          return { count: items };
        },
        close: () => closed.push(release),
      };
    },
    send(_home, _topic, bytes) {
      const message = cborDecode(bytes, workerMessageSchema);
      if (message.kind === 'answer') sent.push(`${message.session.slice(0, 1)}${message.number}:${JSON.stringify(message.values)}`);
      if (message.kind === 'refused') sent.push(`${message.session.slice(0, 1)}:${message.code}`);
    },
  });
  const receive = (message: HomeMessage): void => streams.receive('home', topic, message);
  return {
    ...{ streams, sent, closed },
    open: (session: string, release: string): void =>
      receive({ kind: 'open', session: session.repeat(26), first: 0, release, ...topic, isBeside: false, grant: '' }),
    async item(session: string, number: number): Promise<void> {
      receive({
        ...{ kind: 'item', session: session.repeat(26), settledBelow: 0, number, stream: '', sequence: number, timeMs: 0, values: {} },
      });
      await new Promise(setImmediate);
    },
  };
}

test('a home that goes from one release to another keeps both streams, each with what it counted', async () => {
  const { streams, sent, closed, open, item } = start();
  open('x', FIRST);
  await item('x', 0);
  open('y', SECOND);
  await item('y', 0);
  await item('x', 1);
  expect(sent).toEqual(['x0:{"count":1}', 'y0:{"count":1}', 'x1:{"count":2}']);
  expect(streams.releaseOf('home', 'read')).toBe(FIRST);
  await item('y', 1);
  expect(streams.releaseOf('home', 'read')).toBe(SECOND);
  expect(streams.releaseOf('other', 'read')).toBeUndefined();
  streams.releaseGone(FIRST);
  await item('x', 2);
  await item('y', 2);
  expect(sent.slice(3)).toEqual(['y1:{"count":2}', 'x:unknown-session', 'y2:{"count":3}']);
  expect(closed).toEqual([FIRST]);
});

test('another life of a home ends the stream of the one before, of the same release alone', async () => {
  const { sent, closed, open, item } = start();
  open('x', FIRST);
  open('y', SECOND);
  open('z', FIRST);
  await item('x', 0);
  await item('y', 0);
  await item('z', 0);
  expect(sent).toEqual(['x:unknown-session', 'y0:{"count":1}', 'z0:{"count":1}']);
  expect(closed).toEqual([FIRST]);
});
