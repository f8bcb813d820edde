import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Audio, expandPipeline, pipelineSchema, type TensorPort } from '@starling/shared';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type BoundNode, createGraph, type Graph, modelWork, operatorWork, planGraph } from '../../agent/src/core/pipelines/index.ts';
import { withModelState } from '../../agent/src/core/pipelines/model-state.ts';
import { startOperator } from '../../agent/src/core/pipelines/operators/operator-harness.ts';
import type { Engine, Tensor } from '../../agent/src/core/ports/engine.ts';
import { bindOperator } from '../../agent/src/core/runtime/bind-operator.ts';
import { defaultSettings } from '../../agent/src/core/sessions/index.ts';
import { createSystemClock } from '../../agent/src/node/clock.ts';
import { createOnnxRuntime } from '../../agent/src/node/engine/onnxruntime.ts';
import { composeScene, SPEECH_HZ } from './speech.ts';

const modelFile = join(dirname(fileURLToPath(import.meta.resolve('@ricky0123/vad-web'))), 'silero_vad_v6.onnx');
const pipelineFile = new URL('../../examples/pipelines/voice-activity.yaml', import.meta.url);
const inputs: TensorPort[] = [
  { name: 'input', elementType: 'float32', shape: ['batch', 'samples'] },
  { name: 'state', elementType: 'float32', shape: [2, 'batch', 128] },
  { name: 'sr', elementType: 'int64', shape: [] },
];
