import { GREET_INTERVAL_MS } from '@starling/shared';
import { expect, test } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { createGreetings } from './greetings.ts';

/** A clock that goes on when it is told to. */
function createHandClock(): Clock & { pass(ms: number): void } {
  let nowMs = 0;
  let timers: { dueMs: number; run(): void }[] = [];
  return {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    after(delayMs, run) {
      const timer = { dueMs: nowMs + delayMs, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    pass(ms) {
      nowMs += ms;
      const due = timers.filter(({ dueMs }) => dueMs <= nowMs);
      timers = timers.filter((timer) => !due.includes(timer));
      for (const { run } of due) run();
    },
  };
}

const start = () => {
  const clock = createHandClock();
  const said: string[] = [];
  return { clock, said, greetings: createGreetings(clock, (reason) => void said.push(reason)) };
};

test('the first who asks is answered at once', () => {
  const { said, greetings } = start();
  greetings.asked('handover');
  expect(said).toEqual(['handover']);
});

test('who asks too soon is answered later, and all of them once', () => {
  const { clock, said, greetings } = start();
  greetings.asked('unheard');
  clock.pass(100);
  for (let time = 0; time < 50; time += 1) greetings.asked('handover');
  clock.pass(GREET_INTERVAL_MS - 101);
  expect(said).toEqual(['unheard']);
  clock.pass(1);
  expect(said).toEqual(['unheard', 'handover']);
  clock.pass(10 * GREET_INTERVAL_MS);
  expect(said).toEqual(['unheard', 'handover']);
});

test('a new session begins with a hello anyway', () => {
  const { clock, said, greetings } = start();
  greetings.asked('unheard');
  greetings.asked('handover');
  greetings.forget();
  clock.pass(10 * GREET_INTERVAL_MS);
  expect(said).toEqual(['unheard']);
  greetings.asked('broker-lost');
  expect(said).toEqual(['unheard', 'broker-lost']);
});
