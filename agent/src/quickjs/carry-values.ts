import type { TensorData } from '../core/ports/engine.ts';
import type { PackedValue, ScriptCall } from '../core/ports/sandbox.ts';

/** How the prelude names an array that came along: its kind, which buffer, and where in it. */
type Numbers = [name: keyof typeof views, buffer: number, byteOffset: number, byteLength: number];
type Carried = ['json', unknown] | ['array', Numbers] | ['record', Record<string, unknown>, string, Numbers] | ['list', Carried[]];

const views = {
  ...{ Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array, Float32Array, Float64Array },
  // Inside of tensors and pictures nothing is clamped.
  Uint8ClampedArray: Uint8Array,
};

/** A call as one text, which the prelude reads, and the buffers that go with it. */
export function writeCall(call: ScriptCall): { text: string; arrays: TensorData[] } {
  const arrays: TensorData[] = [];
  const inputs = Object.entries(call.inputs).map(([port, packed]) => `${JSON.stringify(port)}:${written(packed, arrays)}`);
  const state = call.state === undefined ? '' : `,"state":${call.state}`;
  const { item, seed } = call;
  return { text: `{"inputs":{${inputs.join()}},"item":${JSON.stringify(item)},"seed":${JSON.stringify(seed)}${state}}`, arrays };
}

function written(packed: PackedValue, arrays: TensorData[]): string {
  if (packed.kind === 'json') return `["json",${packed.text}]`;
  if (packed.kind === 'list') return `["list",[${packed.items.map((item) => written(item, arrays)).join()}]]`;
  const numbers = `"${packed.array[Symbol.toStringTag]}",${arrays.push(packed.array) - 1}`;
  return packed.kind === 'array' ? `["array",${numbers}]` : `["record",${packed.text},${JSON.stringify(packed.field)},${numbers}]`;
}

/** What the prelude says of the outputs; undefined if it is not what the prelude writes. @param buffer reads one of its buffers */
export function readOutputs(text: string, buffer: (index: number) => Uint8Array): Record<string, PackedValue> | undefined {
  try {
    const outputs = JSON.parse(text) as Record<string, Carried>;
    return Object.fromEntries(Object.entries(outputs).map(([port, carried]) => [port, read(carried, buffer)]));
  } catch {
    return undefined;
  }
}

function read(carried: Carried, buffer: (index: number) => Uint8Array): PackedValue {
  switch (carried[0]) {
    case 'json':
      return { kind: 'json', text: JSON.stringify(carried[1]) };
    case 'array':
      return { kind: 'array', array: numbersOf(carried[1], buffer) };
    case 'record':
      return { kind: 'record', text: JSON.stringify(carried[1]), field: carried[2], array: numbersOf(carried[3], buffer) };
    case 'list':
      return { kind: 'list', items: carried[1].map((item) => read(item, buffer)) };
  }
}

/** A copy: the memory of the sandbox is used again. */
function numbersOf([name, index, byteOffset, byteLength]: Numbers, buffer: (index: number) => Uint8Array): TensorData {
  return new views[name](buffer(index).slice(byteOffset, byteOffset + byteLength).buffer);
}
