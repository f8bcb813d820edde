import { expect, test } from 'vitest';
import { unkeptNotice } from './unkept.ts';

const said = (reason: string): string =>
  `Failed to register a ServiceWorker for scope ('https://fleet.example/run/') with script ('https://fleet.example/run/service-worker.js'): ${reason}`;

test('a certificate that is not trusted is named, with what to do', () => {
  const { hint } = unkeptNotice(new Error(said('An SSL certificate error occurred when fetching the script.')));
  expect(hint).toMatch(/^The browser says: An SSL certificate error occurred when fetching the script\. How to make it trust the fleet/);
});

test('of anything else only what the browser says, without addresses', () => {
  const { hint } = unkeptNotice(new Error(said('A bad HTTP response code (404) was received when fetching the script.')));
  expect(hint).toBe('The browser says: A bad HTTP response code (404) was received when fetching the script.');
  expect(unkeptNotice(new Error('The operation is insecure.')).hint).toBe('The browser says: The operation is insecure.');
});
