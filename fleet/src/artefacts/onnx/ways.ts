import type protobuf from 'protobufjs';
import { attributeMessageType, functionType, graphType, modelType, nodeType, tensorType } from './proto.ts';

/** Data of fewer bytes is read and written together with its tensor. */
export const LAZY_BYTES_MINIMUM = 4 * 1024;

export type MessageName = 'model' | 'function' | 'graph' | 'node' | 'attribute' | 'tensor';

interface Way {
  type: protobuf.Type;
  /** Field number -> the field that holds messages with tensors in them. */
  children: Readonly<Record<number, { field: string; way: MessageName; repeated: boolean }>>;
}

/** The ways from a model to its tensors, by the numbers of onnx.proto. */
export const ways: Readonly<Record<MessageName, Way>> = {
  model: {
    type: modelType,
    children: { 7: { field: 'graph', way: 'graph', repeated: false }, 25: { field: 'functions', way: 'function', repeated: true } },
  },
  function: { type: functionType, children: { 7: { field: 'node', way: 'node', repeated: true } } },
  graph: {
    type: graphType,
    children: { 1: { field: 'node', way: 'node', repeated: true }, 5: { field: 'initializer', way: 'tensor', repeated: true } },
  },
  node: { type: nodeType, children: { 5: { field: 'attribute', way: 'attribute', repeated: true } } },
  attribute: {
    type: attributeMessageType,
    children: {
      5: { field: 't', way: 'tensor', repeated: false },
      6: { field: 'g', way: 'graph', repeated: false },
      10: { field: 'tensors', way: 'tensor', repeated: true },
      11: { field: 'graphs', way: 'graph', repeated: true },
    },
  },
  tensor: { type: tensorType, children: {} },
};
