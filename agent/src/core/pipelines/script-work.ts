import { formatPortType, type PortType, parsePortType, type ScriptNode, StarlingError } from '@starling/shared';
import type { Script, ScriptCall } from '../ports/sandbox.ts';
import { packValue, unpackValue } from '../sandbox/index.ts';
import type { NodeWork, Values } from './node-work.ts';
import type { OperatorItem } from './operators/index.ts';
import { valueMismatch } from './value-types.ts';

/** What a script keeps for a stream, outside of the sandbox: a run that fails leaves it as it was. */
interface Kept {
  json: string;
}

/** A script that is open, as a node. What it returns is held against the outputs that the node declares. */
export function scriptWork(name: string, node: ScriptNode, script: Script): NodeWork {
  const { outputs, stateful } = node.script;
  const types = new Map(Object.entries(outputs).map(([port, text]) => [port, parsePortType(text)]));
  const run = async (inputs: Values, item: OperatorItem, index: number): Promise<Values> => {
    const kept = stateful ? item.state<Kept>(() => ({ json: '{}' })) : undefined;
    const answer = await script.run(callOf(name, inputs, item, index, kept), item.signal);
    const values = Object.fromEntries(
      Object.entries(answer.outputs).map(([port, packed]) => {
        const value = unpackValue(packed);
        requireType(port, value, types);
        return [port, value];
      }),
    );
    if (kept !== undefined) kept.json = answer.state ?? kept.json;
    return values;
  };
  return {
    outputNames: [...types.keys()],
    run: (inputs, item) => run(inputs, item, 0),
    async runEach(items, item) {
      const results: Values[] = [];
      for (const [index, inputs] of items.entries()) results.push(await run(inputs, item, index));
      return results;
    },
  };
}

function callOf(name: string, inputs: Values, item: OperatorItem, index: number, kept: Kept | undefined): ScriptCall {
  const { stream, sequence, timeMs } = item;
  return {
    inputs: Object.fromEntries(
      Object.entries(inputs).flatMap(([port, value]) => (value === undefined ? [] : [[port, packValue(value)] as const])),
    ),
    item: { stream, sequence, timeMs },
    seed: `${name}/${stream}/${sequence}/${index}`,
    state: kept?.json,
  };
}

function requireType(port: string, value: unknown, types: ReadonlyMap<string, PortType>): void {
  const type = types.get(port);
  if (type === undefined) {
    throw new StarlingError('wrong-type', `the script returned "${port}", which is no output of it`, {
      field: `script.outputs.${port}`,
      hint: `its outputs are ${[...types.keys()].join(', ')}: declare it, or do not return it`,
    });
  }
  const mismatch = valueMismatch(value, type);
  if (mismatch === undefined) return;
  throw new StarlingError('wrong-type', `output "${port}" must be ${formatPortType(type)}, but the script returned ${mismatch}`, {
    field: `script.outputs.${port}`,
    hint: 'return what the output declares, or declare what it returns',
  });
}
