import { messageOf, StarlingError } from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import type { Values } from './node-work.ts';
import type { OperatorItem } from './operators/index.ts';
import type { PlannedNode } from './plan.ts';

/**
 * Runs a node for one item: once, or for each item of its lists, in its time, again where it may be tried again.
 * @returns at once where the work needs no waiting
 * @throws StarlingError with the field `nodes.<name>`, in the promise or before it
 */
export function runWork(node: PlannedNode, inputs: Values, item: OperatorItem, clock: Clock): Values | Promise<Values> {
  if (node.retry === undefined && node.timeoutMs === undefined) return attempt(node, inputs, item);
  return tryAgain(node, inputs, item, clock);
}

async function tryAgain(node: PlannedNode, inputs: Values, item: OperatorItem, clock: Clock): Promise<Values> {
  const { attempts, delayMs } = node.retry ?? { attempts: 1, delayMs: 0 };
  for (let made = 1; ; made += 1) {
    try {
      return await withTimeout(attempt(node, inputs, item), node, clock);
    } catch (error) {
      if (made >= attempts || item.signal.aborted) throw named(node, error);
      await new Promise<void>((resolve) => {
        clock.after(delayMs * 2 ** (made - 1), resolve);
      });
      if (item.signal.aborted) throw named(node, error);
    }
  }
}

function attempt(node: PlannedNode, inputs: Values, item: OperatorItem): Values | Promise<Values> {
  try {
    const outputs = node.each ? runOnEach(node, inputs, item) : node.work.run(inputs, item);
    if (!isPromise(outputs)) return outputs;
    return outputs.catch((error: unknown) => {
      throw named(node, error);
    });
  } catch (error) {
    throw named(node, error);
  }
}

export function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return value instanceof Promise;
}

/** An error as it is told: its field names the node, and it keeps its code. What says itself what it is about keeps its words. */
function named(node: PlannedNode, error: unknown): StarlingError {
  const field = `nodes.${node.name}`;
  if (!(error instanceof StarlingError))
    return new StarlingError('node-failed', `${node.name}: ${messageOf(error)}`, { field, cause: error });
  if (error.field?.startsWith('nodes.') === true) return error;
  const { code, message, hint, retryable } = error;
  const details = { cause: error, retryable, ...(hint === undefined ? {} : { hint }) };
  if (error.field === undefined) return new StarlingError(code, `${node.name}: ${message}`, { field, ...details });
  return new StarlingError(code, message, { field: `${field}.${error.field}`, ...details });
}

/** Spreads lists over runs and gathers the outputs into lists; inputs that are no lists go to every run. */
async function runOnEach(node: PlannedNode, inputs: Values, item: OperatorItem): Promise<Values> {
  const lists = Object.entries(inputs).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  const lengths = new Set(lists.map(([, list]) => list.length));
  if (lengths.size !== 1) {
    throw new StarlingError('list-mismatch', `got lists of ${[...lengths].join(' and ') || 'no'} items`);
  }
  const count = lists[0]?.[1].length ?? 0;
  const items = Array.from({ length: count }, (_, index) => ({
    ...inputs,
    ...Object.fromEntries(lists.map(([port, list]) => [port, list[index]])),
  }));
  const results = count === 0 ? [] : await node.work.runEach(items, item);
  // What stays away for an item of the list is missing in the list of that port.
  return Object.fromEntries(
    node.work.outputNames.map((port) => [port, results.map((result) => result[port]).filter((value) => value !== undefined)]),
  );
}

function withTimeout(work: Values | Promise<Values>, { timeoutMs }: PlannedNode, clock: Clock): Values | Promise<Values> {
  if (timeoutMs === undefined || !isPromise(work)) return work;
  return new Promise((resolve, reject) => {
    const cancel = clock.after(timeoutMs, () => reject(new StarlingError('timed-out', `took longer than ${timeoutMs} ms`)));
    work.then(resolve, reject).finally(cancel);
  });
}
