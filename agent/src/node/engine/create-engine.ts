import type { Engine } from '../../core/ports/engine.ts';
import type { HostConfig } from './host-config.ts';
import { createOnnxRuntime } from './onnxruntime.ts';

/** The engine that the settings name. @param base module beside which session workers lie */
export function createEngine(config: HostConfig, base: string, onHung: (reason: string) => void): Engine {
  const { workerFile, runTimeoutMs, cache } = config;
  return createOnnxRuntime({ workerUrl: new URL(workerFile, base), runTimeoutMs, cache, onHung });
}
