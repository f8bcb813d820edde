import { expect, test, vi } from 'vitest';
import { againUnexplained, unkeptNotice } from './unkept.ts';

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

test('what was refused without a reason is asked once more, and nothing else is', async () => {
  const refusing = (...reasons: string[]) => {
    const asked = vi.fn(async () => {
      const reason = reasons.shift();
      if (reason !== undefined) throw new TypeError(reason);
      return true;
    });
    return { asked, result: againUnexplained(asked, 0) };
  };
  const unknown = 'An unknown error occurred when fetching the script.';
  const busy = refusing(unknown);
  expect(await busy.result).toBe(true);
  expect(busy.asked).toHaveBeenCalledTimes(2);
  const broken = refusing(unknown, 'An SSL certificate error occurred.');
  await expect(broken.result).rejects.toThrow('SSL certificate');
  const refused = refusing('An SSL certificate error occurred.');
  await expect(refused.result).rejects.toThrow('SSL certificate');
  expect(refused.asked).toHaveBeenCalledTimes(1);
});
