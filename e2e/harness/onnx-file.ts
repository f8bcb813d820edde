/** Nodes and weights -> the bytes of an ONNX file, for tests that need a model of a certain shape rather than a clever one. */

type Field = readonly [number: number, value: number | string | Uint8Array | readonly Field[]];

export interface NodeSpec {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  /** Other than that of ONNX. */
  domain?: string;
  attributes?: Readonly<Record<string, number | readonly number[] | GraphSpec>>;
}

export interface WeightSpec {
  shape: readonly number[];
  values: Float32Array | BigInt64Array | Uint8Array;
  /** Named instead of the values: the file that is to hold them. */
  externalFile?: string;
}

export interface PortSpec {
  type: 'float32' | 'int32' | 'int64' | 'bool';
  shape: readonly (number | string)[];
}

export interface GraphSpec {
  nodes: readonly NodeSpec[];
  weights?: Readonly<Record<string, WeightSpec>>;
  inputs: Readonly<Record<string, PortSpec>>;
  outputs: Readonly<Record<string, PortSpec>>;
}

/** Numbers of onnx.proto, TensorProto.DataType. */
const elementTypes = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;

/** @returns a ModelProto of IR version 8, opset 13 */
export function writeOnnx(graph: GraphSpec): Uint8Array {
  const domains = new Set(graph.nodes.flatMap(({ domain }) => domain ?? []));
  const opsets = [...domains].map(
    (domain): Field => [
      8,
      [
        [1, domain],
        [2, 1],
      ],
    ],
  );
  return message([[1, 8], [7, graphFields(graph)], [8, [[2, 13]]], ...opsets]);
}

function graphFields({ nodes, weights = {}, inputs, outputs }: GraphSpec): Field[] {
  return [
    ...nodes.map((node): Field => [1, nodeFields(node)]),
    [2, 'graph'],
    ...Object.entries(weights).map(([name, weight]): Field => [5, weightFields(name, weight)]),
    ...Object.entries(inputs).map(([name, port]): Field => [11, portFields(name, port)]),
    ...Object.entries(outputs).map(([name, port]): Field => [12, portFields(name, port)]),
  ];
}

function nodeFields({ op, domain, inputs, outputs, attributes = {} }: NodeSpec): Field[] {
  return [
    ...inputs.map((name): Field => [1, name]),
    ...outputs.map((name): Field => [2, name]),
    [4, op],
    ...Object.entries(attributes).map(([name, value]): Field => [5, attributeFields(name, value)]),
    ...(domain === undefined ? [] : [[7, domain] as Field]),
  ];
}

/** AttributeProto: 2 is an integer, 7 a list of them, 5 a graph. */
function attributeFields(name: string, value: number | readonly number[] | GraphSpec): Field[] {
  if (typeof value === 'number')
    return [
      [1, name],
      [3, value],
      [20, 2],
    ];
  if ('nodes' in value)
    return [
      [1, name],
      [6, graphFields(value)],
      [20, 5],
    ];
  return [[1, name], ...value.map((each): Field => [8, each]), [20, 7]];
}

function weightFields(name: string, { shape, values, externalFile }: WeightSpec): Field[] {
  const type = values instanceof Float32Array ? 'float32' : values instanceof BigInt64Array ? 'int64' : 'bool';
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const location: Field[] =
    externalFile === undefined
      ? [[9, data]]
      : [
          [
            13,
            [
              [1, 'location'],
              [2, externalFile],
            ],
          ],
          [14, 1],
        ];
  return [...shape.map((side): Field => [1, side]), [2, elementTypes[type]], [8, name], ...location];
}

function portFields(name: string, { type, shape }: PortSpec): Field[] {
  const dimensions = shape.map((side): Field => [1, [typeof side === 'number' ? [1, side] : [2, side]]]);
  return [
    [1, name],
    [
      2,
      [
        [
          1,
          [
            [1, elementTypes[type]],
            [2, dimensions],
          ],
        ],
      ],
    ],
  ];
}

/** Protobuf: numbers as varints, everything else with its length in front. */
function message(fields: readonly Field[]): Uint8Array {
  return Buffer.concat(
    fields.map(([number, value]) => {
      if (typeof value === 'number') return Buffer.concat([varint(number * 8), varint(value)]);
      const bytes = typeof value === 'string' ? Buffer.from(value) : value instanceof Uint8Array ? value : message(value);
      return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
    }),
  );
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}
