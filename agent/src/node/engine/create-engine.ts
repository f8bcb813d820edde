import type { Engine } from '../../core/ports/engine.ts';
import type { HostConfig } from './host-config.ts';
import { createOnnxRuntime } from './onnxruntime.ts';
import { createOpenInference, type OpenInferenceOptions } from './open-inference.ts';

/** The engine that the settings name. @param base module beside which session workers lie */
export function createEngine(
  config: HostConfig,
  base: string,
  onHung: (reason: string) => void,
  owner: OpenInferenceOptions['owner'] = 'pipelines',
): Engine {
  const { workerFile, runTimeoutMs, cache, server } = config;
  if (server !== undefined) return createOpenInference({ ...server, runTimeoutMs, owner });
  return createOnnxRuntime({ workerUrl: new URL(workerFile, base), runTimeoutMs, cache, onHung });
}
